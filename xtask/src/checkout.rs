//! Where things are in this checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The workspace as cargo sees it.
#[derive(Debug)]
pub(crate) struct Checkout {
    pub(crate) metadata: Metadata,
    pub(crate) root: PathBuf,
}

impl Checkout {
    pub(crate) fn find() -> Result<Self> {
        // Where cargo says that we are, or where we are called: never where we were compiled, since
        // several checkouts may share a target folder.
        let mut metadata = MetadataCommand::new();
        if let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") {
            metadata.current_dir(folder);
        }
        let metadata = metadata.exec().context("cannot read the workspace")?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        Ok(Self { metadata, root })
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The built web app, embedded by the release server.
    pub(crate) fn dist(&self) -> PathBuf {
        self.path("dist")
    }

    pub(crate) fn playwright(&self) -> PathBuf {
        self.path("playwright")
    }

    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Folder for logs of the commands that xtask runs.
    pub(crate) fn logs(&self) -> Result<PathBuf> {
        let logs = self.target().join("xtask");
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        Ok(logs)
    }

    pub(crate) fn package(&self, name: &str) -> Result<&Package> {
        self.metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name.as_str() == name)
            .with_context(|| format!("the workspace has no package {name}"))
    }

    /// Folders of a workspace package and of every workspace package it is built from.
    pub(crate) fn source_folders(&self, name: &str) -> Result<Vec<PathBuf>> {
        let mut pending = vec![self.package(name)?];
        let mut folders: Vec<PathBuf> = Vec::new();
        while let Some(package) = pending.pop() {
            let folder = package.manifest_path.parent().context("a manifest has a folder")?;
            if folders.iter().any(|known| known == folder.as_std_path()) {
                continue;
            }
            folders.push(folder.as_std_path().to_owned());
            for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
                pending.push(self.package(&dependency.name)?);
            }
        }
        Ok(folders)
    }
}
