//! Plain JavaScript objects, for dictionaries that web-sys knows only in part.

use wasm_bindgen::JsValue;

pub(crate) fn object<const N: usize>(fields: [(&str, JsValue); N]) -> js_sys::Object {
    let object = js_sys::Object::new();
    for (name, value) in fields {
        set(&object, name, &value);
    }
    object
}

pub(crate) fn set(object: &js_sys::Object, name: &str, value: &JsValue) {
    let done = js_sys::Reflect::set(object, &name.into(), value);
    debug_assert!(done.is_ok(), "a fresh object takes any field");
}

/// The `name` of a `DOMException`, or nothing.
pub(crate) fn error_name(error: &JsValue) -> String {
    field(error, "name").as_string().unwrap_or_default()
}

/// `undefined` where there is no such field.
pub(crate) fn field(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
