//! Under which address the caller reached us (contract 0.2).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};

use crate::app::App;

/// Addresses to put into answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Base {
    /// Scheme and host of the app, without a trailing slash.
    pub(crate) url: String,
    /// Where browsers open the signalling socket.
    pub(crate) livekit_url: String,
}

impl FromRequestParts<App> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let config = &app.config;
        let called = called(&parts.headers, &parts.uri, config.http.port);
        let url = config.http.base_url.clone().unwrap_or(called);
        // The routes of the media server are also on this port.
        let livekit_url = config.signalling.url.clone().unwrap_or_else(|| url.replacen("http", "ws", 1));
        Ok(Base { url, livekit_url })
    }
}

/// Scheme by the proxy's word, host by the plain `Host` header.
fn called(headers: &HeaderMap, uri: &Uri, port: u16) -> String {
    let proto = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_https = proto.split(',').next().is_some_and(|first| first.trim().eq_ignore_ascii_case("https"));
    let scheme = if is_https { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or(uri.authority().map(|authority| authority.as_str()));
    match host.filter(|host| is_plain(host)) {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://localhost:{port}"),
    }
}

/// What can stand in a URL as host and port, and nothing else.
fn is_plain(host: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called_with(headers: &[(&'static str, &'static str)]) -> String {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        called(&headers, &Uri::from_static("/"), 9080)
    }

    #[test]
    fn the_host_header_and_the_proxy_decide() {
        assert_eq!(called_with(&[("host", "meet.example.org")]), "http://meet.example.org");
        assert_eq!(
            called_with(&[("host", "[::1]:9080"), ("x-forwarded-proto", "https, http")]),
            "https://[::1]:9080"
        );
        assert_eq!(called_with(&[]), "http://localhost:9080");
        assert_eq!(called_with(&[("host", "a\"onload=x")]), "http://localhost:9080");
    }
}
