//! The texts of one language, in the order of [`Text`].

use std::collections::HashMap;

use super::Text;

/// All texts of a language. What a language file lacks is there in English.
#[derive(Debug)]
pub(crate) struct Table(Vec<String>);

const ENGLISH: &str = include_str!("../../i18n/en.json");

impl Table {
    pub(crate) fn english() -> Self {
        let mut words = read(ENGLISH).expect("the English file is checked by a test");
        Self(Text::ALL.iter().map(|text| words.remove(text.key()).unwrap_or_default()).collect())
    }

    /// Reads a language file: one flat JSON object.
    pub(crate) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let mut words = read(json)?;
        let mut table = Self::english();
        for text in Text::ALL {
            if let Some(word) = words.remove(text.key()) {
                table.0[*text as usize] = word;
            }
        }
        Ok(table)
    }

    pub(crate) fn text(&self, text: Text) -> &str {
        &self.0[text as usize]
    }

    /// Fills `{name}` placeholders; a value is never searched for placeholders itself.
    pub(crate) fn fill(&self, text: Text, values: &[(&str, &str)]) -> String {
        let mut rest = self.text(text);
        let mut filled = String::with_capacity(rest.len() + 16);
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = after;
                continue;
            };
            if let Some((_, value)) = values.iter().find(|(key, _)| *key == name) {
                filled.push_str(value);
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

fn read(json: &str) -> Result<HashMap<String, String>, serde_json::Error> {
    serde_json::from_str(json)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::{ENGLISH, Table, Text, read};
    use crate::i18n::Locale;

    fn placeholders(text: &str) -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect()
    }

    #[test]
    fn every_language_has_every_text_and_its_placeholders() {
        let english = read(ENGLISH).unwrap();
        let wanted: BTreeSet<_> = Text::ALL.iter().map(|text| text.key().to_owned()).collect();
        for locale in Locale::ALL {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("i18n/{}.json", locale.code()));
            let words = read(&fs::read_to_string(path).unwrap()).unwrap();
            let found: BTreeSet<_> = words.keys().cloned().collect();
            assert_eq!(wanted, found, "{locale:?}");
            for (key, text) in &words {
                assert!(!text.trim().is_empty(), "{locale:?} {key}");
                assert_eq!(placeholders(&english[key]), placeholders(text), "{locale:?} {key}");
            }
        }
    }

    #[test]
    fn values_are_not_searched_for_placeholders() {
        let table = Table::english();
        assert_eq!(table.fill(Text::MeetingJoined, &[("name", "{name} {room}")]), "{name} {room} joined");
    }

    #[test]
    fn a_missing_text_is_there_in_english() {
        let table = Table::parse(r#"{"common.back": "Zurück"}"#).unwrap();
        assert_eq!(table.text(Text::Back), "Zurück");
        assert_eq!(table.text(Text::Retry), "Try again");
    }
}
