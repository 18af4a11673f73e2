//! A digest of everything that `dist/` is made from.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{APP, Profile, files_below, hex};
use crate::checkout::Checkout;
use crate::process::answer;

/// Files and folders at the top that shape the bundle besides the app's own sources.
const SHARED: [&str; 6] = ["Cargo.toml", "Cargo.lock", ".cargo", "style", "public", "xtask/src"];

pub(super) fn digest(checkout: &Checkout, profile: Profile) -> Result<String> {
    let mut digest = Sha256::new();
    digest.update(profile.cargo());
    digest.update(answer(Command::new("rustc").arg("--version")).unwrap_or_default());
    digest.update(openvidu_meet_element::script());

    let mut folders: Vec<PathBuf> = SHARED.iter().map(|name| checkout.path(name)).collect();
    folders.extend(checkout.source_folders(APP)?);
    folders.sort();
    for folder in folders {
        let files = if folder.is_dir() { files_below(&folder)? } else { vec![folder] };
        for file in files.into_iter().filter(|file| file.exists()) {
            let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            digest.update(file.strip_prefix(&checkout.root).unwrap_or(&file).as_os_str().as_encoded_bytes());
            digest.update((content.len() as u64).to_le_bytes());
            digest.update(content);
        }
    }
    Ok(hex(&digest.finalize()))
}
