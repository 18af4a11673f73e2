//! SCSS to CSS.

use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::Profile;

pub(super) fn compile(source: &Path, profile: Profile) -> Result<String> {
    let folder = source.parent().context("a style sheet is in a folder")?;
    let style = match profile {
        Profile::Release => grass::OutputStyle::Compressed,
        Profile::Dev => grass::OutputStyle::Expanded,
    };
    let options = grass::Options::default().style(style).load_path(folder);
    // The error shows the line; it borrows, so it becomes text.
    grass::from_path(source, &options).map_err(|error| anyhow!("{}: {error}", source.display()))
}
