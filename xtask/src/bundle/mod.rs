//! Builds the web app into `dist/`, from `app/index.html` with trunk's `data-trunk` tags and in
//! trunk's layout, but with libraries instead of installed tools:
//!
//! ```text
//! index.html
//! meet-app-<hash>.js, meet-app-<hash>_bg.wasm, snippets/
//! style-<hash>.css
//! v1/openvidu-meet.js          the element for host pages
//! i18n/<locale>.json, fonts/, ...   what `copy-dir`, `copy-file` and `icon` name
//! *.br, *.gz                  of everything that shrinks
//! ```
//!
//! Invariant: `dist/` is whole at all times; a new one is made beside it and takes its place at the
//! end. `dist/.inputs` says what it was made from, so that nothing is built twice.

mod compress;
mod inputs;
mod style;
mod template;
mod wasm;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::checkout::Checkout;
use crate::process::spent;
use template::{Tag, Template};

pub(crate) use compress::brotli;

/// The package that is the web app.
const APP: &str = "meet-app";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// Small: optimised for size, minimised, compressed.
    Release,
    /// Quick to build.
    Dev,
}

impl Profile {
    /// Name of the cargo profile.
    fn cargo(self) -> &'static str {
        match self {
            Profile::Release => "wasm-release",
            Profile::Dev => "dev",
        }
    }
}

/// Builds unless `dist/` was made from the same inputs.
pub(crate) fn build(checkout: &Checkout, profile: Profile, force: bool) -> Result<()> {
    let inputs = inputs::digest(checkout, profile)?;
    let dist = checkout.dist();
    if !force && fs::read_to_string(dist.join(".inputs")).is_ok_and(|known| known == inputs) {
        eprintln!("web app: dist/ is up to date");
        return Ok(());
    }
    let start = Instant::now();
    eprintln!("web app: building");
    let staging = Staging::new(checkout)?;
    assemble(checkout, profile, &staging.path)?;
    fs::create_dir(staging.path.join("v1"))?;
    fs::write(staging.path.join("v1/openvidu-meet.js"), openvidu_meet_element::script())?;
    if profile == Profile::Release {
        compress::folder(&staging.path)?;
    }
    fs::write(staging.path.join(".inputs"), inputs)?;
    staging.publish(&dist)?;
    eprintln!("web app: built in {}", spent(start));
    Ok(())
}

/// Everything but compression.
fn assemble(checkout: &Checkout, profile: Profile, out: &Path) -> Result<()> {
    let app = checkout.path("app");
    let source = app.join("index.html");
    let html = fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let template = Template::parse(&html)?;
    let page = template.render(|tag| match tag {
        Tag::Rust => wasm::build(checkout, profile, out),
        Tag::Sass { href } => {
            let css = style::compile(&app.join(href), profile)?;
            let name = hashed(stem(href)?, "css", css.as_bytes());
            fs::write(out.join(&name), css)?;
            Ok(format!(r#"<link rel="stylesheet" href="/{name}">"#))
        }
        Tag::Icon { href } => {
            let path = app.join(href);
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let extension = path.extension().and_then(|text| text.to_str()).unwrap_or("ico");
            let name = hashed(stem(href)?, extension, &bytes);
            fs::write(out.join(&name), bytes)?;
            Ok(format!(r#"<link rel="icon" href="/{name}">"#))
        }
        Tag::CopyFile { href, target } => {
            let name = Path::new(href).file_name().with_context(|| format!("{href} has no file name"))?;
            let folder = out.join(target);
            fs::create_dir_all(&folder)?;
            fs::copy(app.join(href), folder.join(name)).with_context(|| format!("cannot copy app/{href}"))?;
            Ok(String::new())
        }
        Tag::CopyDir { href, target } => {
            let name = Path::new(href).file_name().with_context(|| format!("{href} has no folder name"))?;
            let folder = target.map_or_else(|| out.join(name), |target| out.join(target));
            copy_tree(&app.join(href), &folder).with_context(|| format!("cannot copy app/{href}"))?;
            Ok(String::new())
        }
    })?;
    fs::write(out.join("index.html"), page)?;
    Ok(())
}

fn stem(href: &str) -> Result<&str> {
    Path::new(href).file_stem().and_then(|stem| stem.to_str()).with_context(|| format!("{href} has no name"))
}

/// `name-<16 hex digits of the content>.extension`.
fn hashed(name: &str, extension: &str, content: &[u8]) -> String {
    format!("{name}-{}.{extension}", short_digest(content))
}

fn short_digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content)[..8])
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Copies a folder without its hidden files.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// All files below a folder, in a stable order.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') || name == "target" || name == "node_modules" {
                continue;
            }
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The folder beside `dist/` where a new one grows; removed when it is not published.
struct Staging {
    path: PathBuf,
}

impl Staging {
    fn new(checkout: &Checkout) -> Result<Self> {
        let path = checkout.path(format!(".dist-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path })
    }

    fn publish(self, dist: &Path) -> Result<()> {
        let old = self.path.with_extension("old");
        let had_one = dist.exists();
        if had_one {
            fs::rename(dist, &old).with_context(|| format!("cannot move {}", dist.display()))?;
        }
        if let Err(error) = fs::rename(&self.path, dist) {
            if had_one {
                fs::rename(&old, dist)?;
            }
            bail!("cannot put the new dist/ in place: {error}");
        }
        if had_one {
            fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After publishing nothing is there any more.
        let _ = fs::remove_dir_all(&self.path);
    }
}
