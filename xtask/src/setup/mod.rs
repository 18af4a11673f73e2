//! Installs what a clean machine lacks, and only that: each step first looks whether its thing is
//! there, so a second run costs well under a second.

mod debian;
mod node;
mod python;
mod rust;

use anyhow::Result;

use crate::checkout::Checkout;

/// What building and running needs.
pub(crate) fn for_build(checkout: &Checkout) -> Result<()> {
    rust::wasm_target(checkout)
}

/// What the whole test run needs.
pub(crate) fn for_tests(checkout: &Checkout) -> Result<()> {
    for_build(checkout)?;
    rust::components(checkout)?;
    debian::for_tests(checkout)?;
    node::packages(checkout)?;
    python::packages(checkout)?;
    rust::cargo_deny(checkout)
}

pub(crate) use python::interpreter as python_interpreter;
