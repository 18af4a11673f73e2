//! Reads the `data-trunk` tags of `index.html`; the rest passes through untouched.
//!
//! Source: trunk's documentation of its assets. Understood: `rust`, `scss`, `sass`, `css`, `icon`,
//! `copy-file` and `copy-dir`, each a `<link data-trunk rel=... href=...>` on its own.

use anyhow::{Context, Result, bail};

/// One tag for the bundler. Paths are relative to the folder of `index.html`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tag<'a> {
    Rust,
    /// Also plain CSS.
    Sass {
        href: &'a str,
    },
    Icon {
        href: &'a str,
    },
    /// `target` is a folder of the bundle; empty means its root.
    CopyFile {
        href: &'a str,
        target: &'a str,
    },
    /// `target` is where the content goes; by default a folder of the same name.
    CopyDir {
        href: &'a str,
        target: Option<&'a str>,
    },
}

#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    Text(&'a str),
    Tag(Tag<'a>),
}

#[derive(Debug)]
pub(super) struct Template<'a> {
    pieces: Vec<Piece<'a>>,
}

impl<'a> Template<'a> {
    pub(super) fn parse(html: &'a str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut plain_from = 0;
        let mut at = 0;
        while let Some(found) = html[at..].find('<') {
            let start = at + found;
            if html[start..].starts_with("<!--") {
                at = html[start..].find("-->").map_or(html.len(), |end| start + end + 3);
                continue;
            }
            let Some(length) = html[start..].find('>') else { break };
            let end = start + length + 1;
            let attributes = attributes(&html[start..end]);
            at = end;
            if !attributes.iter().any(|(name, _)| *name == "data-trunk") {
                continue;
            }
            if !html[start..end].starts_with("<link") {
                bail!("app/index.html: only <link> may carry data-trunk here, not {}", &html[start..end]);
            }
            pieces.push(Piece::Text(&html[plain_from..start]));
            pieces.push(Piece::Tag(
                tag(&attributes).with_context(|| format!("app/index.html: {}", &html[start..end]))?,
            ));
            plain_from = end;
        }
        pieces.push(Piece::Text(&html[plain_from..]));
        if !pieces.iter().any(|piece| matches!(piece, Piece::Tag(Tag::Rust))) {
            bail!("app/index.html has no <link data-trunk rel=\"rust\">");
        }
        Ok(Self { pieces })
    }

    /// The page, with each tag replaced by what `build` answers for it.
    pub(super) fn render(&self, mut build: impl FnMut(Tag<'a>) -> Result<String>) -> Result<String> {
        let mut page = String::new();
        for piece in &self.pieces {
            match *piece {
                Piece::Text(text) => page.push_str(text),
                Piece::Tag(tag) => page.push_str(&build(tag)?),
            }
        }
        Ok(page)
    }
}

fn tag<'a>(attributes: &[(&'a str, &'a str)]) -> Result<Tag<'a>> {
    let value = |wanted: &str| attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let href = || value("href").context("href is missing");
    let target = value("data-target-path");
    Ok(match value("rel").context("rel is missing")? {
        "rust" => Tag::Rust,
        "scss" | "sass" | "css" => Tag::Sass { href: href()? },
        "icon" => Tag::Icon { href: href()? },
        "copy-file" => Tag::CopyFile { href: href()?, target: target.unwrap_or_default() },
        "copy-dir" => Tag::CopyDir { href: href()?, target },
        other => bail!("rel=\"{other}\" is not understood by xtask"),
    })
}

/// Names and values of a tag's attributes; a name alone has an empty value.
fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let inside = tag.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
    let mut rest = inside.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        let length = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        if length == 0 {
            return attributes;
        }
        let (name, after) = rest.split_at(length);
        let Some(after) = after.strip_prefix('=') else {
            attributes.push((name, ""));
            rest = after;
            continue;
        };
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        attributes.push((name, value));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_replaced_and_the_rest_stays() {
        let html = "<head>\n<!-- <link data-trunk rel=\"icon\"> -->\n<link rel=\"preconnect\" href=\"/\">\n\
            <link data-trunk rel='scss' href='../style/main.scss' />\n<link data-trunk rel=rust href=Cargo.toml>\n\
            <link data-trunk rel=\"copy-dir\" href=\"../public\" data-target-path=\".\"/></head>";
        let template = Template::parse(html).unwrap();
        let mut tags = Vec::new();
        let page = template
            .render(|tag| {
                tags.push(tag);
                Ok(format!("[{}]", tags.len()))
            })
            .unwrap();
        assert_eq!(
            tags,
            [
                Tag::Sass { href: "../style/main.scss" },
                Tag::Rust,
                Tag::CopyDir { href: "../public", target: Some(".") }
            ]
        );
        assert_eq!(
            page,
            "<head>\n<!-- <link data-trunk rel=\"icon\"> -->\n<link rel=\"preconnect\" href=\"/\">\n[1]\n[2]\n[3]</head>"
        );
    }

    #[test]
    fn unknown_assets_are_refused() {
        let html = r#"<link data-trunk rel="rust"><link data-trunk rel="tailwind-css" href="a.css">"#;
        let error = Template::parse(html).unwrap_err();
        assert!(format!("{error:#}").contains("tailwind-css"), "{error:#}");
    }

    #[test]
    fn a_page_without_the_app_is_refused() {
        assert!(Template::parse("<head></head>").is_err());
    }
}
