//! The little of STUN that must be known before the ICE agent sees a message (RFC 8489): its
//! class, whom it is for and whether it is authentic.

use aws_lc_rs::hmac;

use super::demux::{Demux, demux};

const HEADER: usize = 20;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const INTEGRITY_LENGTH: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// A well-formed binding message. Attributes behind MESSAGE-INTEGRITY, other than FINGERPRINT,
/// make a message malformed: nothing would protect them.
pub(super) struct Stun<'a> {
    pub(super) class: Class,
    raw: &'a [u8],
    username: Option<&'a [u8]>,
    use_candidate: bool,
    /// Where the MESSAGE-INTEGRITY attribute starts.
    integrity: Option<usize>,
}

impl<'a> Stun<'a> {
    pub(super) fn parse(raw: &'a [u8]) -> Option<Stun<'a>> {
        if demux(raw) != Demux::Stun {
            return None;
        }
        let class = match u16::from_be_bytes([raw[0], raw[1]]) {
            0x0001 => Class::Request,
            0x0011 => Class::Indication,
            0x0101 => Class::Success,
            0x0111 => Class::Error,
            _ => return None,
        };
        if HEADER + usize::from(u16::from_be_bytes([raw[2], raw[3]])) != raw.len() {
            return None;
        }
        let mut stun = Stun { class, raw, username: None, use_candidate: false, integrity: None };
        let mut at = HEADER;
        while at < raw.len() {
            let head = raw.get(at..at + 4)?;
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = raw.get(at + 4..at + 4 + length)?;
            match kind {
                FINGERPRINT if length == 4 => {}
                _ if stun.integrity.is_some() => return None,
                MESSAGE_INTEGRITY if length == INTEGRITY_LENGTH => stun.integrity = Some(at),
                MESSAGE_INTEGRITY => return None,
                USERNAME if stun.username.is_none() => stun.username = Some(value),
                USE_CANDIDATE => stun.use_candidate = true,
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        Some(stun)
    }

    /// The receiver's and the sender's user fragment.
    pub(super) fn username(&self) -> Option<(&'a str, &'a str)> {
        std::str::from_utf8(self.username?).ok()?.split_once(':')
    }

    pub(super) fn use_candidate(&self) -> bool {
        self.use_candidate
    }

    /// Checks MESSAGE-INTEGRITY with a short-term password (RFC 8489 section 14.5).
    pub(super) fn is_authentic(&self, pwd: &str) -> bool {
        let Some(at) = self.integrity else { return false };
        // The header's length counts up to and with the attribute itself.
        let length = (at + 4 + INTEGRITY_LENGTH - HEADER) as u16;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes());
        let mut text = Vec::with_capacity(at);
        text.extend_from_slice(&self.raw[..2]);
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(&self.raw[4..at]);
        hmac::verify(&key, &text, &self.raw[at + 4..at + 4 + INTEGRITY_LENGTH]).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 section 2.1, a request made with the password below.
    const REQUEST: [u8; 108] = [
        0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa,
        0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20,
        0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00,
        0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a,
        0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf,
        0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28,
        0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
    ];
    const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn the_request_of_rfc_5769_is_authentic() {
        let stun = Stun::parse(&REQUEST).unwrap();
        assert_eq!(stun.class, Class::Request);
        assert_eq!(stun.username(), Some(("evtj", "h6vY")));
        assert!(stun.is_authentic(PASSWORD));
        assert!(!stun.is_authentic("VOkJxbRl1RmTxUk/WvJxBT"));
        assert!(!stun.use_candidate());
    }

    #[test]
    fn damaged_requests_are_not_authentic() {
        for at in 0..REQUEST.len() - 8 {
            let mut damaged = REQUEST;
            damaged[at] ^= 1;
            assert!(Stun::parse(&damaged).is_none_or(|stun| !stun.is_authentic(PASSWORD)), "byte {at}");
        }
        for length in 0..REQUEST.len() {
            assert!(Stun::parse(&REQUEST[..length]).is_none());
        }
    }

    #[test]
    fn nothing_may_follow_the_integrity() {
        let mut longer = REQUEST[..100].to_vec();
        longer.extend([0x00, 0x25, 0x00, 0x00]);
        longer[3] = 84;
        assert!(Stun::parse(&longer).is_none());
    }
}
