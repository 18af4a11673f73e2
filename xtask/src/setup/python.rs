//! A virtual environment with LiveKit's Python SDK: an independent client that publishes and decodes
//! media without a browser.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::checkout::Checkout;
use crate::process::quietly;

/// The Python that has the SDK.
pub(crate) fn interpreter(checkout: &Checkout) -> PathBuf {
    checkout.playwright().join(".venv/bin/python")
}

pub(super) fn packages(checkout: &Checkout) -> Result<()> {
    let requirements = checkout.playwright().join("python/requirements.txt");
    let wanted =
        fs::read_to_string(&requirements).context("cannot read playwright/python/requirements.txt")?;
    let environment = checkout.playwright().join(".venv");
    let installed = environment.join("installed-from");
    if fs::read_to_string(&installed).is_ok_and(|known| known == wanted) {
        return Ok(());
    }
    let logs = checkout.logs()?;
    quietly(
        "making a Python environment",
        &logs,
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment),
    )?;
    quietly(
        "installing the Python SDK for the tests",
        &logs,
        Command::new(interpreter(checkout))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements),
    )?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))
}
