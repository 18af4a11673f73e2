//! Parts of the Rust toolchain.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::checkout::Checkout;
use crate::process::{answer, cargo, find, quietly};

const WASM: &str = "wasm32-unknown-unknown";

pub(super) fn wasm_target(checkout: &Checkout) -> Result<()> {
    let libraries = answer(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]));
    if libraries.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(());
    }
    if find("rustup").is_none() {
        bail!(
            "the Rust target {WASM} is missing and there is no rustup to add it: install it with your toolchain"
        );
    }
    quietly(
        "adding the Rust target for browsers",
        &checkout.logs()?,
        Command::new("rustup").args(["target", "add", WASM]),
    )
}

pub(super) fn components(checkout: &Checkout) -> Result<()> {
    for (program, component) in [("cargo-fmt", "rustfmt"), ("cargo-clippy", "clippy")] {
        if find(program).is_some() {
            continue;
        }
        if find("rustup").is_none() {
            bail!("{program} is missing and there is no rustup to add it: install it with your toolchain");
        }
        quietly(
            &format!("adding {component}"),
            &checkout.logs()?,
            Command::new("rustup").args(["component", "add", component]),
        )?;
    }
    Ok(())
}

/// `cargo deny` checks licences and sources; it has no package in Debian.
pub(super) fn cargo_deny(checkout: &Checkout) -> Result<()> {
    if answer(cargo(&checkout.root).args(["deny", "--version"])).is_some() {
        return Ok(());
    }
    quietly(
        "compiling cargo-deny, once",
        &checkout.logs()?,
        cargo(&checkout.root).args(["install", "cargo-deny", "--locked"]),
    )
}
