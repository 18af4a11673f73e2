//! The ten languages (contract ui.md 2).

/// A language of the app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Locale {
    En,
    Es,
    De,
    Fr,
    Zh,
    Hi,
    It,
    Ja,
    Nl,
    Pt,
}

impl Locale {
    pub(crate) const ALL: [Self; 10] =
        [Self::En, Self::Es, Self::De, Self::Fr, Self::Zh, Self::Hi, Self::It, Self::Ja, Self::Nl, Self::Pt];

    /// ISO 639 code: the name of the language file and the `lang` of the page.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Zh => "zh",
            Self::Hi => "hi",
            Self::It => "it",
            Self::Ja => "ja",
            Self::Nl => "nl",
            Self::Pt => "pt",
        }
    }

    /// The language's own name for itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Es => "Español",
            Self::De => "Deutsch",
            Self::Fr => "Français",
            Self::Zh => "中文",
            Self::Hi => "हिन्दी",
            Self::It => "Italiano",
            Self::Ja => "日本語",
            Self::Nl => "Nederlands",
            Self::Pt => "Português",
        }
    }

    /// Reads a language tag such as `pt-BR`; `cn` is OpenVidu Meet 3.4.1's word for Chinese.
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        let code = tag.split(['-', '_']).next()?.to_ascii_lowercase();
        if code == "cn" {
            return Some(Self::Zh);
        }
        Self::ALL.into_iter().find(|locale| locale.code() == code)
    }

    /// The remembered language, else the first of the browser's that we speak, else English.
    pub(crate) fn choose<'a>(remembered: Option<&str>, browser: impl IntoIterator<Item = &'a str>) -> Self {
        remembered
            .and_then(Self::from_tag)
            .or_else(|| browser.into_iter().find_map(Self::from_tag))
            .unwrap_or(Self::En)
    }
}

#[cfg(test)]
mod tests {
    use super::Locale;

    #[test]
    fn remembered_language_wins_over_the_browser() {
        assert_eq!(Locale::choose(Some("cn"), ["de-AT"]), Locale::Zh);
    }

    #[test]
    fn first_known_browser_language_is_taken() {
        assert_eq!(Locale::choose(None, ["ca", "pt-BR", "en"]), Locale::Pt);
    }

    #[test]
    fn unknown_languages_fall_back_to_english() {
        assert_eq!(Locale::choose(Some("tlh"), ["eo"]), Locale::En);
    }
}
