//! What a datagram is, told by its first bytes (RFC 7983, RFC 5761 section 4), and whose a STUN
//! message is, told by its USERNAME (RFC 8489 section 14.3).

/// The protocol of one datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Demux {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Unknown,
}

const STUN_HEADER: usize = 20;
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const DTLS_HEADER: usize = 13;
const RTP_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;
const ATTRIBUTE_USERNAME: u16 = 0x0006;

pub fn demux(datagram: &[u8]) -> Demux {
    match datagram {
        [0..=3, ..] if datagram.len() >= STUN_HEADER && datagram[4..8] == STUN_COOKIE => Demux::Stun,
        [20..=63, ..] if datagram.len() >= DTLS_HEADER => Demux::Dtls,
        [128..=191, 192..=223, ..] if datagram.len() >= RTCP_HEADER => Demux::Rtcp,
        [128..=191, ..] if datagram.len() >= RTP_HEADER => Demux::Rtp,
        _ => Demux::Unknown,
    }
}

/// The two user fragments of a STUN request's USERNAME, the receiver's (ours) first. `None` for
/// anything else or malformed.
pub fn stun_username(datagram: &[u8]) -> Option<(&str, &str)> {
    if demux(datagram) != Demux::Stun {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    let mut attributes = datagram.get(STUN_HEADER..STUN_HEADER + length)?;
    while let [k0, k1, l0, l1, rest @ ..] = attributes {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let value = rest.get(..length)?;
        if u16::from_be_bytes([*k0, *k1]) == ATTRIBUTE_USERNAME {
            return std::str::from_utf8(value).ok()?.split_once(':');
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(username: &str) -> Vec<u8> {
        let mut attributes = vec![0x80, 0x22, 0, 3, b'a', b'b', b'c', 0];
        attributes.extend(ATTRIBUTE_USERNAME.to_be_bytes());
        attributes.extend((username.len() as u16).to_be_bytes());
        attributes.extend(username.as_bytes());
        attributes.resize(attributes.len().next_multiple_of(4), 0);
        let mut datagram = vec![0, 1];
        datagram.extend((attributes.len() as u16).to_be_bytes());
        datagram.extend(STUN_COOKIE);
        datagram.extend([7; 12]);
        datagram.extend(attributes);
        datagram
    }

    #[test]
    fn username_is_found_behind_other_attributes() {
        assert_eq!(stun_username(&request("ours:theirs")), Some(("ours", "theirs")));
        assert_eq!(stun_username(&request("ours")), None);
    }

    #[test]
    fn truncated_requests_have_no_username() {
        let whole = request("ours:theirs");
        for length in 0..whole.len() {
            assert_eq!(stun_username(&whole[..length]), None);
        }
    }

    #[test]
    fn first_bytes_tell_the_protocol() {
        assert_eq!(demux(&request("a:b")), Demux::Stun);
        assert_eq!(demux(&[22; 13]), Demux::Dtls);
        assert_eq!(demux(&[0x80; 12]), Demux::Rtp);
        assert_eq!(demux(&[0x80, 200, 0, 1, 0, 0, 0, 0]), Demux::Rtcp);
        // The marker bit on payload type 111 must not look like RTCP.
        let mut marked = [0; 12];
        marked[..2].copy_from_slice(&[0x80, 0x80 | 0x6f]);
        assert_eq!(demux(&marked), Demux::Rtp);
        for short in [&[][..], &[0], &[22; 12], &[0x80; 11], &[64; 40], &[255; 40]] {
            assert_eq!(demux(short), Demux::Unknown, "{short:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(datagram in proptest::collection::vec(any::<u8>(), 0..200), tail in any::<bool>()) {
            let mut datagram = datagram;
            if tail && datagram.len() >= 8 {
                datagram[0] &= 3;
                datagram[4..8].copy_from_slice(&STUN_COOKIE);
            }
            let _ = demux(&datagram);
            let _ = stun_username(&datagram);
        }
    }
}
