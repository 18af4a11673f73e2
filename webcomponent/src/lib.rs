//! The `<openvidu-meet>` element as one small classic script for host pages
//! (contract embedding.md 2 to 6).
//!
//! The script is written by hand: the same logic in WebAssembly is ten times as large and asks the
//! host page for `wasm-unsafe-eval` (workbench.md, The element). Its tables of attributes, events and
//! command aliases come from [`meet_api::embedding`], which the app uses as well, so the two ends of the
//! wire cannot drift apart.

use std::fmt::Write;

use meet_api::embedding::{Attribute, Command, Event, FRAME_PERMISSIONS};

const SOURCE: &str = include_str!("openvidu-meet.js");
const PLACE: &str = "/*contract*/";

/// The script as it is served at `/v1/openvidu-meet.js`: without indentation and comments.
pub fn script() -> String {
    let mut script = String::with_capacity(SOURCE.len());
    let mut in_comment = false;
    // The source keeps comments on lines of their own and has no text that spans lines.
    for line in SOURCE.lines().map(str::trim) {
        in_comment |= line.starts_with("/**");
        if !in_comment && !line.is_empty() && !line.starts_with("//") {
            script.push_str(line);
            script.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    script.replacen(PLACE, &contract(), 1)
}

/// The tables as a JavaScript object literal. All names are plain ASCII without quotes.
fn contract() -> String {
    let mut text = format!("{{permissions:'{FRAME_PERMISSIONS}',attributes:{{");
    for attribute in Attribute::ALL {
        write!(text, "'{}':'{}',", attribute.name(), attribute.property()).expect("writing to a string");
    }
    text += "},events:{";
    for event in Event::ALL {
        write!(text, "{}:'{}',", event.name(), event.newer_name().unwrap_or_default())
            .expect("writing to a string");
    }
    text += "},aliases:{";
    for command in Command::ALL {
        write!(text, "{}:'{}',", command.newer_name(), command.name()).expect("writing to a string");
    }
    text + "}}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_carries_every_name_of_the_contract() {
        let script = script();
        assert!(!script.contains(PLACE));
        for attribute in Attribute::ALL {
            assert!(script.contains(&format!("'{}':'{}'", attribute.name(), attribute.property())));
        }
        for command in Command::ALL {
            assert!(script.contains(&format!("\n{}(", command.name())), "no method {}", command.name());
        }
    }

    #[test]
    fn comments_and_indentation_are_not_served() {
        let script = script();
        for line in script.lines() {
            assert_eq!(line.trim(), line);
            assert!(!line.is_empty() && !line.starts_with("//") && !line.starts_with('*'), "{line}");
        }
        assert!(!script.contains("/*") && !script.contains("*/") && !script.contains('`'));
    }
}
