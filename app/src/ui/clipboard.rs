//! Copies a text. Pages on plain http have no clipboard interface: then through a selection.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// Whether the text is on the clipboard.
pub(crate) async fn copy_text(text: &str) -> bool {
    if window().is_secure_context()
        && JsFuture::from(window().navigator().clipboard().write_text(text)).await.is_ok()
    {
        return true;
    }
    copy_by_selection(text).unwrap_or(false)
}

fn copy_by_selection(text: &str) -> Option<bool> {
    let page: web_sys::HtmlDocument = document().dyn_into().ok()?;
    let focused = page.active_element().and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    let area: web_sys::HtmlTextAreaElement = page.create_element("textarea").ok()?.dyn_into().ok()?;
    area.set_class_name("visually-hidden");
    area.set_value(text);
    page.body()?.append_child(&area).ok()?;
    area.select();
    let copied = page.exec_command("copy").unwrap_or(false);
    area.remove();
    if let Some(element) = focused {
        // Focus is a courtesy: without it the copy still stands.
        let _ = element.focus();
    }
    Some(copied)
}
