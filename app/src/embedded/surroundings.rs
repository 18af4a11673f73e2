//! Which page holds the frame (contract embedding.md 1, 6.4).

use leptos::prelude::window;

use crate::rtc;

/// The origin of the page that holds the frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Parent {
    Known(String),
    /// The browser does not tell; the parent's first message will.
    Unknown,
    /// It has none, as a file or a sandboxed page: nothing can be sent to it alone.
    Nameless,
}

impl Parent {
    pub(crate) fn origin(self) -> Option<String> {
        match self {
            Self::Known(origin) => Some(origin),
            Self::Unknown | Self::Nameless => None,
        }
    }

    /// `ancestor` is what Chromium and WebKit tell; elsewhere there is the referrer at best.
    fn of(ancestor: Option<&str>, referrer: &str) -> Self {
        match ancestor {
            Some(ancestor) => {
                origin_of(ancestor).map_or(Self::Nameless, |origin| Self::Known(origin.to_owned()))
            }
            None => origin_of(referrer).map_or(Self::Unknown, |origin| Self::Known(origin.to_owned())),
        }
    }
}

/// Whether another page holds ours.
pub(crate) fn embedded() -> bool {
    let window = window();
    // A top window that cannot even be asked for is another origin's.
    window.top().map_or(true, |top| top.is_some_and(|top| top != window))
}

/// The parent of our frame, as far as the browser tells.
pub(crate) fn parent() -> Parent {
    let window = window();
    let ancestors = rtc::field(&window.location(), "ancestorOrigins");
    let ancestor = rtc::field(&ancestors, "0").as_string();
    let referrer = window.document().map(|document| document.referrer()).unwrap_or_default();
    Parent::of(ancestor.as_deref(), &referrer)
}

/// `https://host:port` of a web address.
pub(crate) fn origin_of(url: &str) -> Option<&str> {
    let scheme = url.find("://")?;
    if !matches!(url[..scheme].to_ascii_lowercase().as_str(), "http" | "https") {
        return None;
    }
    let host = scheme + 3;
    let end = url[host..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| host + at);
    Some(&url[..end]).filter(|_| end > host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_word_comes_before_the_referrer() {
        let known = |origin: &str| Parent::Known(origin.to_owned());
        assert_eq!(
            Parent::of(Some("https://host.example"), "https://else.example/"),
            known("https://host.example")
        );
        assert_eq!(Parent::of(None, "https://host.example:8443/a?b"), known("https://host.example:8443"));
        assert_eq!(Parent::of(None, ""), Parent::Unknown);
    }

    #[test]
    fn an_opaque_parent_is_nobody_whatever_the_referrer_says() {
        assert_eq!(Parent::of(Some("null"), "https://host.example/"), Parent::Nameless);
        assert_eq!(Parent::of(Some("file://"), ""), Parent::Nameless);
    }
}
