//! LiveKit's HTTP surface and the rooms behind it.

use std::time::Duration;

use super::{ConfigError, Reader, Secret};

#[derive(Clone, Debug)]
pub struct Signalling {
    pub port: u16,
    /// `ws://` or `wss://` URL for browsers; `None` means the address under which they called.
    pub url: Option<String>,
    pub api_key: String,
    pub api_secret: Secret,
    /// Ends a meeting that nobody entered.
    pub empty_timeout: Duration,
    /// Ends a meeting this long after the last participant left.
    pub departure_timeout: Duration,
}

impl Signalling {
    pub(super) fn read(reader: &Reader<'_>) -> Result<Signalling, ConfigError> {
        let expected = "a URL starting with ws://, wss://, http:// or https://";
        let url = reader.parsed("LIVEKIT_URL", expected, None, |text| {
            let (scheme, rest) = text.split_once("://")?;
            let scheme = match scheme {
                "ws" | "http" => "ws",
                "wss" | "https" => "wss",
                _ => return None,
            };
            Some(Some(format!("{scheme}://{}", rest.trim_end_matches('/'))))
        })?;
        Ok(Signalling {
            port: reader.port("LIVEKIT_PORT", 7880)?,
            url,
            api_key: reader.text("LIVEKIT_API_KEY").unwrap_or_else(|| "devkey".to_owned()),
            api_secret: reader.text("LIVEKIT_API_SECRET").unwrap_or_else(|| "secret".to_owned()).into(),
            empty_timeout: reader.duration("MEETING_EMPTY_TIMEOUT", Duration::from_mins(5))?,
            departure_timeout: reader.duration("MEETING_DEPARTURE_TIMEOUT", Duration::from_secs(20))?,
        })
    }
}
