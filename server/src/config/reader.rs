//! Reads variables and says what is wrong with them.

use std::time::Duration;

/// A variable that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name} must be {expected}, but is '{value}'")]
pub struct ConfigError {
    pub name: &'static str,
    pub expected: &'static str,
    pub value: String,
}

pub(super) struct Reader<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Reader<'_> {
    /// The text as it is set, even empty.
    pub(super) fn raw(&self, name: &'static str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned())
    }

    /// The text, where empty counts as not set.
    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// `default` when not set, an error when `parse` finds nothing.
    pub(super) fn parsed<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.text(name) {
            None => Ok(default),
            Some(value) => parse(&value).ok_or(ConfigError { name, expected, value }),
        }
    }

    pub(super) fn port(&self, name: &'static str, default: u16) -> Result<u16, ConfigError> {
        self.parsed(name, "a port number (0 to 65535)", default, |text| text.parse().ok())
    }

    /// Seconds, or a number with the unit `s`, `m` or `h`.
    pub(super) fn duration(&self, name: &'static str, default: Duration) -> Result<Duration, ConfigError> {
        self.parsed(name, "a duration like 20, 20s or 5m", default, |text| {
            let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
            let unit_s = match text[digits.len()..].trim() {
                "" | "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => return None,
            };
            digits.parse::<u32>().ok().map(|number| Duration::from_secs(u64::from(number) * unit_s))
        })
    }
}
