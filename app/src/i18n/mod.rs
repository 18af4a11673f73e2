//! Texts in ten languages (contract ui.md 2): English is part of the program, the others are loaded
//! when chosen. A switch changes every text in place.
//!
//! leptos_i18n was tried first: with its dynamic loading every text used as an attribute becomes a
//! future, and nearly every control here has an `aria-label`.

mod locale;
mod table;
mod texts;

use std::sync::Arc;

use leptos::prelude::*;

pub(crate) use locale::Locale;
pub(crate) use table::Table;
pub(crate) use texts::Text;

use crate::storage;

const REMEMBERED: &str = "ovComponents-lang";

/// The current language and its texts.
#[derive(Clone, Copy)]
pub(crate) struct I18n {
    locale: RwSignal<Locale>,
    table: RwSignal<Arc<Table>>,
}

impl I18n {
    /// Starts in the remembered or the browser's language; English if its file cannot be loaded.
    pub(crate) async fn start() -> Self {
        let browser = window().navigator().languages();
        let browser: Vec<String> = browser.iter().filter_map(|tag| tag.as_string()).collect();
        let remembered = storage::local(REMEMBERED);
        let wanted = Locale::choose(remembered.as_deref(), browser.iter().map(String::as_str));
        let (locale, table) = match load(wanted).await {
            Some(table) => (wanted, table),
            None => (Locale::En, Table::english()),
        };
        mark_page(locale);
        Self { locale: RwSignal::new(locale), table: RwSignal::new(Arc::new(table)) }
    }

    pub(crate) fn locale(self) -> Locale {
        self.locale.get()
    }

    /// Switches every text and remembers the choice; keeps the present language if the file cannot be loaded.
    pub(crate) async fn switch(self, locale: Locale) {
        if let Some(table) = load(locale).await {
            storage::set_local(REMEMBERED, locale.code());
            mark_page(locale);
            self.locale.set(locale);
            self.table.set(Arc::new(table));
        }
    }

    /// The text now; tracks the language.
    pub(crate) fn get(self, text: Text) -> String {
        self.table.with(|table| table.text(text).to_owned())
    }

    /// The text with its `{placeholders}` filled; tracks the language.
    pub(crate) fn fill(self, text: Text, values: &[(&str, &str)]) -> String {
        self.table.with(|table| table.fill(text, values))
    }

    /// The text as something a view can render and keep current.
    pub(crate) fn of(self, text: Text) -> impl Fn() -> String + Copy + Send + Sync + 'static {
        move || self.get(text)
    }
}

pub(crate) fn use_i18n() -> I18n {
    expect_context()
}

async fn load(locale: Locale) -> Option<Table> {
    if locale == Locale::En {
        return Some(Table::english());
    }
    let url = format!("/i18n/{}.json", locale.code());
    let answer = gloo::net::http::Request::get(&url).send().await.ok().filter(|answer| answer.ok())?;
    Table::parse(&answer.text().await.ok()?).ok()
}

fn mark_page(locale: Locale) {
    if let Some(root) = document().document_element() {
        // A page that refuses attributes still shows the texts.
        let _ = root.set_attribute("lang", locale.code());
    }
}
