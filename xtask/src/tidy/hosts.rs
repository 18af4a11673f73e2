//! No file of ours names the host of a package registry: which one is reached is the machine's affair.

use super::{Finding, Text, finding};

/// Parts of host names, in two pieces so that this file does not name them.
const HOSTS: [(&str, &str); 7] = [
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("yarnpkg", ".com"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("static.crates", ".io"),
    ("/artif", "actory/"),
];

pub(super) fn check(texts: &[Text]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in texts {
        for (number, line) in text.content.lines().enumerate() {
            for (start, end) in HOSTS {
                if line.contains(&format!("{start}{end}")) {
                    findings.push(finding(
                        format!("{}:{}", text.path, number + 1),
                        "names the host of a package registry",
                    ));
                }
            }
        }
        // npm writes the address of each package there unless told not to.
        if text.path.ends_with("package-lock.json") && text.content.contains("\"resolved\": \"http") {
            findings
                .push(finding(&*text.path, "has addresses: keep omit-lockfile-registry-resolved in .npmrc"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_host_is_found_and_a_package_name_is_not() {
        let text = |content: String| Text { path: "playwright/package-lock.json".to_owned(), content };
        assert_eq!(check(&[text(format!("see registry.{}{}", HOSTS[0].0, HOSTS[0].1))]).len(), 1);
        assert_eq!(check(&[text("\"resolved\": \"https://example.org/a.tgz\"".to_owned())]).len(), 1);
        assert!(check(&[text("\"node_modules/playwright-core\": {}".to_owned())]).is_empty());
    }
}
