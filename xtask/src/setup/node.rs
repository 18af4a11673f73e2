//! Node packages of the browser tests, as the lock file says.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::checkout::Checkout;
use crate::process::quietly;

pub(super) fn packages(checkout: &Checkout) -> Result<()> {
    let folder = checkout.playwright();
    let lock = fs::read_to_string(folder.join("package-lock.json"))
        .context("cannot read playwright/package-lock.json")?;
    let installed = folder.join("node_modules/.installed-from");
    if fs::read_to_string(&installed).is_ok_and(|known| known == lock) {
        return Ok(());
    }
    quietly(
        "installing the Node packages of the tests",
        &checkout.logs()?,
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder),
    )?;
    fs::write(&installed, lock).with_context(|| format!("cannot write {}", installed.display()))
}
