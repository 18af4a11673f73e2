//! The translations: the app's build script writes one JSON file per locale into its output folder,
//! and the browser fetches the one it needs from `/i18n/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::{APP, copy_tree};
use crate::checkout::Checkout;

/// Name of the folder in the build script's output and in the bundle.
pub(super) const FOLDER: &str = "i18n";

/// Copies the texts of the latest build for browsers into `target/i18n`: trunk knows the folder of its
/// bundle but not that of the build script.
pub(crate) fn copy(checkout: &Checkout, target: &Path) -> Result<()> {
    let newest = newest(&checkout.target().join("wasm32-unknown-unknown"))?
        .context("the app has not been built for browsers yet, so there are no texts")?;
    copy_tree(&newest, &target.join(FOLDER))
}

fn newest(builds: &Path) -> Result<Option<PathBuf>> {
    let mut newest: Option<(SystemTime, PathBuf)> = None;
    for profile in fs::read_dir(builds).into_iter().flatten() {
        for script in fs::read_dir(profile?.path().join("build")).into_iter().flatten() {
            let script = script?;
            let texts = script.path().join("out").join(FOLDER);
            if !script.file_name().to_string_lossy().starts_with(APP) || !texts.is_dir() {
                continue;
            }
            let made = fs::metadata(&texts)?.modified()?;
            if newest.as_ref().is_none_or(|(known, _)| *known < made) {
                newest = Some((made, texts));
            }
        }
    }
    Ok(newest.map(|(_, texts)| texts))
}
