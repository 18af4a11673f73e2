//! Which crate of the workspace may depend on which: the walls of the house.

use cargo_metadata::{DependencyKind, Metadata};

use super::{Finding, finding};

/// Nothing else is allowed, nor any crate that is not listed.
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
    // All but the app, the element and the workers: those are assets and programs.
    ("meet-server", &["meet-api", "meet-domain", "sfu", "sfu-core", "sfu-protocol"]),
    ("xtask", &[]),
];

/// Tests may also drive the media server with the native client.
const IN_TESTS: [(&str, &str); 2] = [("sfu", "sfu-client"), ("meet-server", "sfu-client")];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let tests = dependency.kind == DependencyKind::Development;
            if let Some(rule) = refusal(package.name.as_str(), &dependency.name, tests) {
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

fn refusal(from: &str, to: &str, tests: bool) -> Option<String> {
    let allowed = ARROWS.iter().any(|(name, targets)| *name == from && targets.contains(&to))
        || (tests && IN_TESTS.contains(&(from, to)));
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
        assert!(refusal("sfu-core", "meet-api", false).is_some());
        assert!(refusal("sfu-core", "meet-api", true).is_some());
    }

    #[test]
    fn the_server_may_use_the_native_client_in_tests_only() {
        assert!(refusal("meet-server", "sfu-client", false).is_some());
        assert!(refusal("meet-server", "sfu-client", true).is_none());
    }
}
