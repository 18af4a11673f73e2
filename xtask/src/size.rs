//! `size`: what a browser has to fetch, and what a machine has to hold.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::bundle::{brotli, files_below};
use crate::checkout::Checkout;

pub(crate) fn print(checkout: &Checkout) -> Result<()> {
    let dist = checkout.dist();
    if !dist.is_dir() {
        bail!("there is no dist/ yet: run `cargo xtask build` first");
    }
    println!("{:>12} {:>12}  file of the web app", "bytes", "brotli");
    let (mut first_raw, mut first_brotli) = (0, 0);
    for path in files_below(&dist)? {
        let name = path.strip_prefix(&dist)?.display().to_string();
        let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default();
        if matches!(extension, "br" | "gz") {
            continue;
        }
        let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let compressed = brotli(&content)?.len().min(content.len());
        println!("{:>12} {compressed:>12}  {name}", content.len());
        if matches!(extension, "js" | "wasm") {
            first_raw += content.len();
            first_brotli += compressed;
        }
    }
    println!("{first_raw:>12} {first_brotli:>12}  all js and wasm");
    let server = checkout.target().join("release/meet-server");
    match fs::metadata(&server) {
        Ok(metadata) => println!("{:>12} {:>12}  release server, app included", metadata.len(), ""),
        Err(_) => println!("the release server is not built yet"),
    }
    Ok(())
}
