//! Which crate of the workspace may depend on which: the walls of the house.

use cargo_metadata::Metadata;

use super::{Finding, finding};

/// Nothing else is allowed, in tests neither, nor any crate that is not listed.
const ARROWS: [(&str, &[&str]); 11] = [
    ("meet-api", &[]),
    ("sfu-protocol", &[]),
    ("meet-domain", &["meet-api"]),
    ("sfu-core", &["sfu-protocol"]),
    ("sfu", &["sfu-core", "sfu-protocol"]),
    ("sfu-client", &["sfu-protocol"]),
    ("meet-egress", &["sfu-protocol"]),
    ("meet-app", &["meet-api", "sfu-protocol"]),
    ("openvidu-meet-element", &["meet-api"]),
    // The app and the element are built assets, the workers programs that it starts.
    ("meet-server", &["meet-api", "meet-domain", "sfu", "sfu-core", "sfu-protocol"]),
    // The build writes the element's script.
    ("xtask", &["openvidu-meet-element"]),
];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            if let Some(rule) = refusal(package.name.as_str(), &dependency.name) {
                findings.push(finding(package.manifest_path.as_str(), rule));
            }
        }
        if !ARROWS.iter().any(|(name, _)| *name == package.name.as_str()) {
            findings.push(finding(
                package.manifest_path.as_str(),
                "is no room of the house (xtask/src/tidy/arrows.rs)",
            ));
        }
    }
    findings
}

fn refusal(from: &str, to: &str) -> Option<String> {
    let allowed = ARROWS.iter().any(|(name, targets)| *name == from && targets.contains(&to));
    (!allowed).then(|| format!("{from} -> {to} is no allowed arrow"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_under_sfu_may_know_meet() {
        for (from, targets) in ARROWS.iter().filter(|(name, _)| name.starts_with("sfu")) {
            assert!(!targets.iter().any(|to| to.starts_with("meet")), "{from}");
        }
        assert!(refusal("sfu-core", "meet-api").is_some());
    }

    #[test]
    fn programs_are_not_linked_into_the_server() {
        for program in ["meet-app", "openvidu-meet-element", "meet-egress", "sfu-client"] {
            assert!(refusal("meet-server", program).is_some(), "{program}");
        }
    }
}
