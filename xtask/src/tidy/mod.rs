//! Rules of the house that no compiler checks. `cargo xtask tidy` prints what breaks them; the same
//! runs as a test of this crate.
//!
//! Files that may be longer than 500 lines are named in [`sources::LONG`], each with its reason.

mod arrows;
mod hosts;
mod sources;
mod texts;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::checkout::Checkout;

/// One broken rule: where, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Finding {
    place: String,
    rule: String,
}

fn finding(place: impl Into<String>, rule: impl Into<String>) -> Finding {
    Finding { place: place.into(), rule: rule.into() }
}

/// A file that git tracks, or would: its path from the root, and its text.
#[derive(Debug)]
struct Text {
    path: String,
    content: String,
}

pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    let findings = findings(checkout)?;
    if findings.is_empty() {
        eprintln!("tidy: nothing to say");
        return Ok(());
    }
    println!("{}", listed(&findings));
    bail!("{} rules of the house are broken", findings.len())
}

fn listed(findings: &[Finding]) -> String {
    let lines: Vec<String> =
        findings.iter().map(|finding| format!("{}: {}", finding.place, finding.rule)).collect();
    lines.join("\n")
}

fn findings(checkout: &Checkout) -> Result<Vec<Finding>> {
    let texts = texts_of(&checkout.root)?;
    let mut findings = arrows::check(&checkout.metadata);
    findings.extend(sources::check(&texts));
    findings.extend(hosts::check(&texts));
    findings.extend(texts::check(&texts)?);
    Ok(findings)
}

fn texts_of(root: &Path) -> Result<Vec<Text>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        bail!("git does not list the files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut texts = Vec::new();
    for path in String::from_utf8(output.stdout)?.lines() {
        // Deleted but still listed, or not text: nothing to read.
        if let Ok(content) = fs::read_to_string(root.join(path)) {
            texts.push(Text { path: path.to_owned(), content });
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let findings = findings(&Checkout::find().unwrap()).unwrap();
        assert!(findings.is_empty(), "\n{}", listed(&findings));
    }
}
