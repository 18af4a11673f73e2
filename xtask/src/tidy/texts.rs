//! Translations: every language says the same things.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Finding, Text, finding};

const FOLDER: &str = "app/i18n/";
const MODEL: &str = "en";

pub(super) fn check(texts: &[Text]) -> Result<Vec<Finding>> {
    let mut locales = Vec::new();
    for text in texts {
        let Some(name) = text.path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".json")) else {
            continue;
        };
        let value =
            serde_json::from_str(&text.content).with_context(|| format!("{} is no JSON", text.path))?;
        let mut keys = BTreeSet::new();
        collect(&value, String::new(), &mut keys);
        locales.push((name, keys));
    }
    Ok(compare(&locales))
}

fn compare(locales: &[(&str, BTreeSet<String>)]) -> Vec<Finding> {
    let Some((_, model)) = locales.iter().find(|(name, _)| *name == MODEL) else { return Vec::new() };
    let mut findings = Vec::new();
    for (name, keys) in locales {
        for key in model.difference(keys) {
            findings.push(finding(format!("{FOLDER}{name}.json"), format!("lacks {key}")));
        }
        for key in keys.difference(model) {
            findings.push(finding(format!("{FOLDER}{name}.json"), format!("has {key}, which {MODEL} lacks")));
        }
    }
    findings
}

/// Dotted paths of all texts. Plural forms differ between languages, so `key_one` and `key_other` count
/// as `key`.
fn collect(value: &Value, path: String, keys: &mut BTreeSet<String>) {
    let Value::Object(object) = value else {
        keys.insert(path);
        return;
    };
    for (key, value) in object {
        let base = ["_zero", "_one", "_two", "_few", "_many", "_other"]
            .iter()
            .find_map(|form| key.strip_suffix(form))
            .unwrap_or(key);
        let path = if path.is_empty() { base.to_owned() } else { format!("{path}.{base}") };
        collect(value, path, keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_surplus_texts_are_named() {
        let text = |name: &str, content: &str| Text {
            path: format!("{FOLDER}{name}.json"),
            content: content.to_owned(),
        };
        let english = text("en", r#"{"join":{"title":"Join","people_one":"one","people_other":"many"}}"#);
        let polish =
            text("pl", r#"{"join":{"title":"x","people_one":"x","people_few":"x","people_other":"x"}}"#);
        assert!(check(&[english, polish]).unwrap().is_empty());
        let english = text("en", r#"{"join":{"title":"Join"}}"#);
        let german = text("de", r#"{"join":{"titel":"Beitreten"}}"#);
        let rules: Vec<_> =
            check(&[english, german]).unwrap().into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, ["lacks join.title", "has join.titel, which en lacks"]);
    }
}
