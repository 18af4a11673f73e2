//! What the page may do. Inline scripts are allowed by their digest only, so the policy is made
//! from the page itself. Any site may frame the app: that is what embedding is.

use aws_lc_rs::digest;
use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(super) const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), fullscreen=(self), \
     picture-in-picture=(self), clipboard-write=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=()",
);

pub(super) fn content_security(page: &str, livekit_url: Option<&str>) -> HeaderValue {
    let mut scripts = String::new();
    for script in inline_scripts(page) {
        scripts.push_str(" 'sha256-");
        scripts.push_str(&sha256(script));
        scripts.push('\'');
    }
    // The socket's own scheme is covered by `ws:` and `wss:`; /validate is called over HTTP.
    let other = livekit_url.map(|url| format!(" {}", url.replacen("ws", "http", 1))).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; \
         connect-src 'self' ws: wss:{other}; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; \
         form-action 'self'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

/// Contents of the script elements that have no `src`.
fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (content, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=") && !content.is_empty()).then_some(content)
    })
}

fn sha256(text: &str) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_allowed_by_digest() {
        let page = "<script src=\"a.js\"></script><script type=\"module\">alert(1)</script>";
        let policy = content_security(page, Some("wss://live.example.org"));
        let policy = policy.to_str().unwrap();
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert!(
            policy.contains("'wasm-unsafe-eval' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';"),
            "{policy}"
        );
        assert!(policy.contains("connect-src 'self' ws: wss: https://live.example.org;"));
        assert!(!policy.contains("frame-ancestors"));
    }
}
