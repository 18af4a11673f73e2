//! Settings of the process, read once from the environment and validated there (contract 5.1).
//!
//! Names of the contract are kept; names of our own are `SERVER_BIND`, `MEET_DATA_DIR`,
//! `LIVEKIT_PORT`, `LIVEKIT_UDP_PORT`, `LIVEKIT_NODE_IP`, `MEETING_EMPTY_TIMEOUT` and
//! `MEETING_DEPARTURE_TIMEOUT` (the last two are those of newer OpenVidu Meet).

mod http;
mod initial;
mod log;
mod media;
mod reader;
mod secret;
mod signalling;
mod storage;

pub use http::Http;
pub use initial::Initial;
pub use log::Log;
pub use media::Media;
pub use reader::ConfigError;
pub use secret::Secret;
pub use signalling::Signalling;
pub use storage::Storage;

use reader::Reader;

#[derive(Clone, Debug)]
pub struct Config {
    pub http: Http,
    pub signalling: Signalling,
    pub media: Media,
    pub storage: Storage,
    pub initial: Initial,
    pub log: Log,
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Config, ConfigError> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads from any source of variables.
    pub fn read(source: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let reader = Reader(source);
        Ok(Config {
            http: Http::read(&reader)?,
            signalling: Signalling::read(&reader)?,
            media: Media::read(&reader)?,
            storage: Storage::read(&reader),
            initial: Initial::read(&reader),
            log: Log::read(&reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::read(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_gives_the_documented_defaults() {
        let config = read(&[]).unwrap();
        assert_eq!(config.http.port, 9080);
        assert_eq!(config.signalling.port, 7880);
        assert_eq!(config.media.udp_port, 7882);
        assert_eq!(config.signalling.api_key, "devkey");
        assert_eq!(config.initial.api_key.as_ref().map(Secret::reveal), Some("meet-api-key"));
        assert_eq!(config.http.cors_origin.as_deref(), Some("*"));
        assert_eq!(config.signalling.empty_timeout, Duration::from_mins(5));
    }

    #[test]
    fn a_wrong_value_is_named_in_one_sentence() {
        for (name, value, sentence) in [
            ("SERVER_PORT", "web", "SERVER_PORT must be a port number (0 to 65535), but is 'web'"),
            ("LIVEKIT_PORT", "70000", "LIVEKIT_PORT must be a port number (0 to 65535), but is '70000'"),
            (
                "MEET_BASE_URL",
                "meet.example",
                "MEET_BASE_URL must be a URL starting with http:// or https://, but is 'meet.example'",
            ),
            (
                "LIVEKIT_URL",
                "localhost",
                "LIVEKIT_URL must be a URL starting with ws://, wss://, http:// or https://, but is 'localhost'",
            ),
            (
                "LIVEKIT_NODE_IP",
                "here",
                "LIVEKIT_NODE_IP must be a comma-separated list of IP addresses, but is 'here'",
            ),
            (
                "MEET_LOG_LEVEL",
                "loud",
                "MEET_LOG_LEVEL must be error, warn, info, verbose, debug or silly, but is 'loud'",
            ),
            (
                "MEETING_EMPTY_TIMEOUT",
                "soon",
                "MEETING_EMPTY_TIMEOUT must be a duration like 20, 20s or 5m, but is 'soon'",
            ),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err(), sentence);
        }
    }

    #[test]
    fn values_are_taken_over() {
        let config = read(&[
            ("MEET_BASE_URL", "https://meet.example.org/"),
            ("LIVEKIT_URL", "https://live.example.org"),
            ("LIVEKIT_NODE_IP", "10.0.0.1, ::1"),
            ("SERVER_CORS_ORIGIN", ""),
            ("MEET_INITIAL_API_KEY", ""),
            ("MEETING_DEPARTURE_TIMEOUT", "5m"),
        ])
        .unwrap();
        assert_eq!(config.http.base_url.as_deref(), Some("https://meet.example.org"));
        assert_eq!(config.signalling.url.as_deref(), Some("wss://live.example.org"));
        assert_eq!(config.media.node_ips.len(), 2);
        assert_eq!(config.http.cors_origin, None);
        assert!(config.initial.api_key.is_none());
        assert_eq!(config.signalling.departure_timeout, Duration::from_mins(5));
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = read(&[
            ("LIVEKIT_API_SECRET", "s3cr3t-a"),
            ("MEET_INITIAL_ADMIN_PASSWORD", "s3cr3t-b"),
            ("MEET_INITIAL_API_KEY", "s3cr3t-c"),
        ])
        .unwrap();
        assert!(!format!("{config:?}").contains("s3cr3t"));
    }
}
