//! What a Rust file of ours looks like.

use std::path::Path;

use super::{Finding, Text, finding};

const MOST_LINES: usize = 500;

/// Files that are one idea all the same, and why.
pub(super) const LONG: [(&str, &str); 3] = [
    ("sfu/core/src/transport/sctp.rs", "one state machine over two crates that share every field"),
    ("sfu/core/src/transport/tests/network.rs", "the tests of one network, with the network"),
    ("sfu/core/tests/simulation/media.rs", "what is sent and what must arrive are judged together"),
];

/// Begins `#[...]` and `#![...]`.
const SILENCED: &str = "[allow";

/// Written in two parts so that this file does not break its own rules.
const UNFINISHED: [(&str, &str); 3] = [("todo", "!("), ("unimplemented", "!("), ("dbg", "!(")];

/// Who may read the environment besides tests: the settings of the server, and the tools.
const READS_ENVIRONMENT: [&str; 3] = ["server/src/config", "xtask/", "sfu/client/src/main.rs"];

pub(super) fn check(texts: &[Text]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in texts.iter().filter(|text| Path::new(&text.path).extension().is_some_and(|kind| kind == "rs"))
    {
        findings.extend(check_one(text));
    }
    for (path, _) in LONG {
        match texts.iter().find(|text| text.path == path) {
            Some(text) if text.content.lines().count() > MOST_LINES => {}
            _ => findings.push(finding(
                path,
                "is not longer than allowed any more: take it off the list of long files",
            )),
        }
    }
    findings
}

fn check_one(text: &Text) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |line: usize, rule: String| findings.push(finding(format!("{}:{line}", text.path), rule));

    let lines = text.content.lines().count();
    if lines > MOST_LINES && !LONG.iter().any(|(path, _)| *path == text.path) {
        say(lines, format!("has {lines} lines; split it by idea, or list it as long with a reason"));
    }
    // A test is named for a behaviour, and its file for a group of them: that says it.
    let is_test = text.path.split('/').any(|folder| folder == "tests");
    if !is_test && !text.content.starts_with("//!") {
        say(1, "does not begin with a module doc".to_owned());
    }
    let environment = is_test
        || READS_ENVIRONMENT.iter().any(|place| text.path.starts_with(place))
        || text.path.ends_with("build.rs");
    for (number, line) in text.content.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (name, rest) in UNFINISHED {
            if code.contains(&format!("{name}{rest}")) {
                say(number + 1, format!("{name}! is not finished work"));
            }
        }
        if !environment && code.contains("env::var") {
            say(number + 1, "reads the environment outside server/src/config".to_owned());
        }
        if code.contains(&format!("{SILENCED}(")) {
            say(number + 1, "use #[expect(..., reason)] instead of allow".to_owned());
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, content: &str) -> Vec<String> {
        let text = Text { path: path.to_owned(), content: content.to_owned() };
        check_one(&text).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_plain_file_is_fine() {
        assert!(rules("sfu/core/tests/room/join.rs", "fn main() {}").is_empty());
        assert!(rules("sfu/src/lib.rs", "//! Media.\n// not todo\nfn main() {}\n").is_empty());
    }

    #[test]
    fn each_rule_bites() {
        assert_eq!(rules("a.rs", "fn main() {}").len(), 1);
        let long = format!("//! Long.\n{}", "fn f() {}\n".repeat(MOST_LINES));
        assert!(rules("a.rs", &long)[0].contains("501 lines"));
        for (name, rest) in UNFINISHED {
            assert_eq!(rules("a.rs", &format!("//! A.\n{name}{rest});")).len(), 1, "{name}");
        }
        let reads = "//! A.\nlet home = std::env::var(\"HOME\");";
        assert_eq!(rules("server/src/main.rs", reads).len(), 1);
        assert!(rules("server/src/config/mod.rs", reads).is_empty());
        assert_eq!(rules("a.rs", &format!("//! A.\n#{SILENCED}(dead_code)]")).len(), 1);
    }
}
