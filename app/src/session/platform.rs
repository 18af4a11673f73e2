//! What the session needs to know of the browser.

use leptos::prelude::window;
use sfu_protocol::client::Millis;
use sfu_protocol::proto::{ClientInfo, client_info::Sdk};

/// LiveKit protocol that we speak: data channels are opened in band.
const PROTOCOL: i32 = 17;

/// Milliseconds since the Unix epoch, by a clock that never goes back.
pub(super) fn now() -> Millis {
    let millis =
        window().performance().map_or_else(js_sys::Date::now, |clock| clock.time_origin() + clock.now());
    millis as Millis
}

pub(super) fn seed() -> u64 {
    (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64
}

/// Firefox ignores parts of what other browsers offer (contract livekit.md 1.4, 3.6).
pub(super) fn is_firefox() -> bool {
    browser(&user_agent()) == "Firefox"
}

pub(super) fn client_info() -> ClientInfo {
    let agent = user_agent();
    ClientInfo {
        sdk: Sdk::Js as i32,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        os: os(&agent).to_owned(),
        browser: browser(&agent).to_owned(),
        ..ClientInfo::default()
    }
}

fn user_agent() -> String {
    window().navigator().user_agent().unwrap_or_default()
}

fn browser(agent: &str) -> &'static str {
    // Each later one also claims to be those that follow it here.
    let names = [("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    names.iter().find(|(mark, _)| agent.contains(mark)).map_or("", |(_, name)| name)
}

fn os(agent: &str) -> &'static str {
    let names = [
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    names.iter().find(|(mark, _)| agent.contains(mark)).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!((browser(chrome), os(chrome)), ("Chrome", "Linux"));
        let firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0";
        assert_eq!((browser(firefox), os(firefox)), ("Firefox", "Windows"));
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!((browser(safari), os(safari)), ("Safari", "iOS"));
    }
}
