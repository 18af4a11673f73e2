//! Who has no picture is shown by initials on a colour of their own.

use leptos::prelude::*;

/// Initials on a disc whose hue follows from the name.
#[component]
pub(crate) fn Avatar(#[prop(into)] name: Signal<String>) -> impl IntoView {
    view! {
        <span class="avatar" aria-hidden="true" style=move || format!("--hue: {}", name.with(|name| hue(name)))>
            <span class="poster">{move || name.with(|name| initials(name))}</span>
        </span>
    }
}

/// First letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// A hue in degrees, the same for the same name everywhere (FNV-1a).
fn hue(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)) % 360
}

#[cfg(test)]
mod tests {
    use super::{hue, initials};

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        assert_eq!(initials("Nora Vik"), "NV");
        assert_eq!(initials("maria del mar ruiz"), "MR");
        assert_eq!(initials("  Zoë "), "Z");
        assert_eq!(initials("李 小龙"), "李小");
        assert_eq!(initials("(guest) *"), "G");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn hue_is_stable_and_in_range() {
        assert_eq!(hue("Nora Vik"), hue("Nora Vik"));
        assert!(["", "a", "Nora Vik", "李"].iter().all(|name| hue(name) < 360));
    }
}
