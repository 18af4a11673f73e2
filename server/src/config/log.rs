//! What is logged.

use super::{ConfigError, Reader};

#[derive(Clone, Debug)]
pub struct Log {
    /// A filter as `tracing_subscriber::EnvFilter` reads it.
    pub filter: String,
}

impl Log {
    pub(super) fn read(reader: &Reader<'_>) -> Result<Log, ConfigError> {
        let expected = "error, warn, info, verbose, debug or silly";
        let level = reader.parsed("MEET_LOG_LEVEL", expected, "info", |text| match text {
            "error" => Some("error"),
            "warn" => Some("warn"),
            "info" => Some("info"),
            "verbose" | "debug" => Some("debug"),
            "silly" | "trace" => Some("trace"),
            _ => None,
        })?;
        // A handshake of rtc-dtls writes a dozen warnings that mean nothing.
        Ok(Log {
            filter: format!("{level},rtc_dtls=error,rtc_ice=error,rtc_sctp=error,sqlx=warn,hyper=info"),
        })
    }
}
