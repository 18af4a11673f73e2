//! App and REST API.

use std::net::{IpAddr, Ipv4Addr};

use super::{ConfigError, Reader};

#[derive(Clone, Debug)]
pub struct Http {
    pub bind: IpAddr,
    pub port: u16,
    /// Without a trailing slash; `None` means that requests tell it.
    pub base_url: Option<String>,
    /// Value of `Access-Control-Allow-Origin`; `None` switches CORS off.
    pub cors_origin: Option<String>,
}

impl Http {
    pub(super) fn read(reader: &Reader<'_>) -> Result<Http, ConfigError> {
        let base_url =
            reader.parsed("MEET_BASE_URL", "a URL starting with http:// or https://", None, |text| {
                let known = text.starts_with("http://") || text.starts_with("https://");
                known.then(|| Some(text.trim_end_matches('/').to_owned()))
            })?;
        Ok(Http {
            bind: reader.parsed("SERVER_BIND", "an IP address", Ipv4Addr::UNSPECIFIED.into(), |text| {
                text.parse().ok()
            })?,
            port: reader.port("SERVER_PORT", 9080)?,
            base_url,
            cors_origin: Some(reader.raw("SERVER_CORS_ORIGIN").unwrap_or_else(|| "*".to_owned()))
                .filter(|origin| !origin.is_empty()),
        })
    }
}
