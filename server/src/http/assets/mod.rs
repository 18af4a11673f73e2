//! The built app, embedded in release builds (contract 0.1).
//!
//! Files with a hash in their name never change and may be kept for ever; all others are asked for
//! again each time, which costs an empty answer while their strong ETag holds. A variant compressed
//! at build time lies beside its file (`app.js.br`, `app.js.gz`). What host pages load lies under `/v1/`,
//! where nothing is ever answered with the page (contract embedding.md 2).

mod policy;

use std::borrow::Cow;
use std::fmt::Write;
use std::marker::PhantomData;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};

const INDEX: &str = "index.html";
/// Files for host pages.
const FOR_HOSTS: &str = "v1/";
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// What `cargo xtask build` or trunk puts out.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
pub(crate) struct Dist;

/// Answers requests for files of `D`, and with its page for every other path.
#[derive(Debug)]
pub(super) struct Assets<D> {
    /// Another origin that the page shall be able to call.
    livekit_url: Option<String>,
    files: PhantomData<fn() -> D>,
}

impl<D: RustEmbed> Assets<D> {
    pub(super) fn new(livekit_url: Option<String>) -> Self {
        Self { livekit_url, files: PhantomData }
    }

    pub(super) fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        let name = path.trim_start_matches('/');
        if is_file_name(name)
            && let Some(response) = self.file(name, headers)
        {
            return response;
        }
        if name.starts_with(FOR_HOSTS) {
            return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
        }
        self.file(INDEX, headers).unwrap_or_else(|| {
            let text = "The web app is not part of this build: `cargo xtask run` builds and serves it.\n";
            (StatusCode::NOT_FOUND, text).into_response()
        })
    }

    fn file(&self, name: &str, headers: &HeaderMap) -> Option<Response> {
        let plain = D::get(name)?;
        let security_policy = (extension(name) == "html").then(|| {
            policy::content_security(&String::from_utf8_lossy(&plain.data), self.livekit_url.as_deref())
        });
        let (encoding, file) =
            best_variant::<D>(name, headers).map_or(("", plain), |(name, file)| (name, file));
        let etag = etag(&file);
        let is_known = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag));

        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(match file.data {
                Cow::Borrowed(data) => Body::from(Bytes::from_static(data)),
                Cow::Owned(data) => Body::from(data),
            });
            set(&mut response, header::CONTENT_TYPE, content_type(name));
            if !encoding.is_empty() {
                set(&mut response, header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            response
        };
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            set(&mut response, header::ETAG, etag);
        }
        set(&mut response, header::CACHE_CONTROL, if is_hashed(name) { IMMUTABLE } else { NO_CACHE });
        set(&mut response, header::VARY, header::ACCEPT_ENCODING.into());
        set(&mut response, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if name.starts_with(FOR_HOSTS) {
            // Also for host pages that isolate themselves (Cross-Origin-Embedder-Policy).
            let policy = HeaderName::from_static("cross-origin-resource-policy");
            set(&mut response, policy, HeaderValue::from_static("cross-origin"));
        }
        if let Some(security_policy) = security_policy {
            set(&mut response, header::CONTENT_SECURITY_POLICY, security_policy);
            set(&mut response, HeaderName::from_static("permissions-policy"), policy::PERMISSIONS);
            // Links carry secrets in their query.
            set(&mut response, header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        }
        Some(response)
    }
}

fn set(response: &mut Response, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}

/// Only what a build can have made: no way out of the folder (debug builds read the disk), and no
/// compressed variant by its own name.
fn is_file_name(name: &str) -> bool {
    let is_plain = name
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '%', ':', '\0']));
    is_plain && !matches!(extension(name), "br" | "gz")
}

/// The smallest variant that the client takes.
fn best_variant<D: RustEmbed>(name: &str, headers: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(encoding, _)| accepts(accepted, encoding))
        .find_map(|(encoding, extension)| Some((encoding, D::get(&format!("{name}.{extension}"))?)))
}

/// Whether an `Accept-Encoding` names the encoding without weight zero.
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut parts = part.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let is_refused = parts.any(|weight| {
            weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
        });
        is_named && !is_refused
    })
}

/// The SHA-256 digest of what is sent, so each variant has its own.
fn etag(file: &EmbeddedFile) -> String {
    let mut etag = String::from("\"");
    for byte in file.metadata.sha256_hash() {
        // Writing to a string cannot fail.
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    etag
}

/// Whether a part of the name is a hash of at least eight hexadecimal digits.
fn is_hashed(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split(['-', '_', '.']).any(|part| {
        part.len() >= 8
            && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && part.bytes().any(|byte| byte.is_ascii_digit())
    })
}

fn extension(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn content_type(name: &str) -> HeaderValue {
    HeaderValue::from_static(match extension(name) {
        "html" => "text/html; charset=utf-8",
        "js" if name.starts_with(FOR_HOSTS) => "application/javascript",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_in_names_are_recognised() {
        assert!(is_hashed("meet-app-1a2b3c4d5e6f7081.js"));
        assert!(is_hashed("a/meet-app-1a2b3c4d5e6f7081_bg.wasm"));
        assert!(!is_hashed("index.html"));
        assert!(!is_hashed("v1/openvidu-meet.js"));
        assert!(!is_hashed("facade-deadbeef.js"), "a word is no hash");
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        assert!(is_file_name("i18n/en.json"));
        for name in [
            "",
            "..",
            "../Cargo.toml",
            "a/../../b",
            ".env",
            "a//b",
            "/etc/passwd",
            "a\\b",
            "%2e%2e/x",
            "a.js.br",
        ] {
            assert!(!is_file_name(name), "{name}");
        }
    }

    #[test]
    fn encodings_are_read_with_their_weights() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("GZIP;q=0.5", "gzip"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("identity", "br"));
    }
}
