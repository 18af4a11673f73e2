//! Compresses once what the server would otherwise compress at every request.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::files_below;

/// What is worth it; images and fonts are compressed already.
const EXTENSIONS: [&str; 8] = ["html", "js", "wasm", "css", "json", "svg", "txt", "webmanifest"];

/// Below this the answer fits one packet anyway.
const SMALLEST: usize = 1024;

/// Puts `<name>.br` and `<name>.gz` beside each file that becomes smaller by it.
pub(super) fn folder(folder: &Path) -> Result<()> {
    for path in files_below(folder)? {
        let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default();
        if !EXTENSIONS.contains(&extension) {
            continue;
        }
        let content = fs::read(&path)?;
        if content.len() < SMALLEST {
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str()).context("file names are text")?;
        for (suffix, compressed) in [("br", brotli(&content)?), ("gz", gzip(&content)?)] {
            if compressed.len() < content.len() {
                File::create(path.with_file_name(format!("{name}.{suffix}")))?.write_all(&compressed)?;
            }
        }
    }
    Ok(())
}

pub(crate) fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut out, &parameters)?;
    Ok(out)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn compressed_bytes_come_back() {
        let text = "every meeting starts with a link ".repeat(100);
        let mut back = String::new();
        brotli::Decompressor::new(&*brotli(text.as_bytes()).unwrap(), 4096)
            .read_to_string(&mut back)
            .unwrap();
        assert_eq!(back, text);
        back.clear();
        flate2::read::GzDecoder::new(&*gzip(text.as_bytes()).unwrap()).read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
    }

    #[test]
    fn only_what_shrinks_gets_a_variant() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("long.js"), "let a = 1;\n".repeat(1000)).unwrap();
        fs::write(folder.path().join("short.js"), "let a = 1;").unwrap();
        fs::write(folder.path().join("photo.jpg"), vec![7; 5000]).unwrap();
        super::folder(folder.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["long.js", "long.js.br", "long.js.gz", "photo.jpg", "short.js"]);
    }
}
