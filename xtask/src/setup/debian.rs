//! Debian packages: browsers, Node and Python.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::checkout::Checkout;
use crate::process::{answer, find, quietly};

/// A need, and the package that fills it.
struct Need {
    met: bool,
    package: &'static str,
}

pub(super) fn for_tests(checkout: &Checkout) -> Result<()> {
    let needs = [
        Need { met: find("chromium").is_some(), package: "chromium" },
        Need { met: find("firefox-esr").is_some(), package: "firefox-esr" },
        Need { met: node_is_new_enough(), package: "nodejs" },
        Need { met: find("npm").is_some(), package: "npm" },
        Need { met: find("python3").is_some(), package: "python3" },
        Need { met: python_has_venv(), package: "python3-venv" },
        Need { met: find("ip").is_some() || Path::new("/usr/sbin/ip").exists(), package: "iproute2" },
    ];
    let missing: Vec<&str> = needs.iter().filter(|need| !need.met).map(|need| need.package).collect();
    if missing.is_empty() { Ok(()) } else { install(checkout, &missing) }
}

/// `node --test` with globs and hooks as we use them needs 18.
fn node_is_new_enough() -> bool {
    answer(Command::new("node").arg("--version"))
        .and_then(|version| version.trim_start_matches('v').split('.').next()?.parse::<u32>().ok())
        .is_some_and(|major| major >= 18)
}

fn python_has_venv() -> bool {
    answer(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_some()
}

fn install(checkout: &Checkout, packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if find("apt-get").is_none() {
        bail!(
            "missing: {list} (names of Debian packages); there is no apt-get here, so please install them by hand"
        );
    }
    let is_root = answer(Command::new("id").arg("-u")).as_deref() == Some("0");
    let may_sudo = || answer(Command::new("sudo").args(["-n", "true"])).is_some();
    let prefix: &[&str] = if is_root {
        &[]
    } else if may_sudo() {
        &["sudo", "-n"]
    } else {
        bail!(
            "missing: {list}; please run `sudo apt-get install --no-install-recommends {list}`, then try again"
        );
    };
    let logs = checkout.logs()?;
    let apt = |arguments: &[&str]| {
        let words: Vec<&str> = prefix
            .iter()
            .chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
            .chain(arguments)
            .copied()
            .collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    quietly("reading Debian's package lists", &logs, &mut apt(&["update"]))?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    quietly(&format!("installing {list}"), &logs, &mut apt(&arguments))
}
