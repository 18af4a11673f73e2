//! DTLS records as they look from outside (RFC 6347 section 4): enough to drop what would harm a
//! handshake, to tell a repetition from news, and to read which SRTP profiles a client lists.
//!
//! Invariant: [`inspect`] lets through only datagrams whose every record is whole. The DTLS
//! implementation answers a broken record with a fatal alert, which any stray datagram could
//! provoke, and it reassembles fragments by recursion, so their number must be bounded.

/// Largest handshake message we take: a chain of certificates fits.
const MAX_MESSAGE: usize = 32 * 1024;
const RECORD_HEADER: usize = 13;
const HANDSHAKE_HEADER: usize = 12;
const CLIENT_HELLO: u8 = 1;
const EXTENSION_USE_SRTP: u16 = 14;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// A plaintext piece of a handshake message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) kind: u8,
    /// Length of the whole message.
    pub(super) length: usize,
    pub(super) sequence: u16,
    pub(super) offset: usize,
    pub(super) data: &'a [u8],
}

/// What a datagram holds.
#[derive(Default, Debug)]
pub(super) struct Inspection<'a> {
    /// Plaintext handshake fragments, in order.
    pub(super) fragments: Vec<Fragment<'a>>,
    /// Records other than those.
    pub(super) others: usize,
}

/// `None` unless the datagram is a sequence of whole records that a WebRTC peer may send.
pub(super) fn inspect(datagram: &[u8]) -> Option<Inspection<'_>> {
    let mut inspection = Inspection::default();
    let mut rest = datagram;
    while !rest.is_empty() {
        let header = rest.get(..RECORD_HEADER)?;
        let (kind, epoch) = (header[0], u16::from_be_bytes([header[3], header[4]]));
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let body = rest.get(RECORD_HEADER..RECORD_HEADER + length)?;
        // 1.0 appears in the very first flight, 1.2 in all others.
        if body.is_empty() || !matches!(header[1..3], [0xfe, 0xff | 0xfd]) {
            return None;
        }
        match (kind, epoch) {
            (HANDSHAKE, 0) => fragments(body, &mut inspection.fragments)?,
            (CHANGE_CIPHER_SPEC, 0) if body == [1] => inspection.others += 1,
            (ALERT, 0) if body.len() == 2 => inspection.others += 1,
            (CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | APPLICATION_DATA, 1) => {
                inspection.others += 1;
            }
            _ => return None,
        }
        rest = &rest[RECORD_HEADER + length..];
    }
    (!datagram.is_empty()).then_some(inspection)
}

fn fragments<'a>(mut body: &'a [u8], found: &mut Vec<Fragment<'a>>) -> Option<()> {
    while !body.is_empty() {
        let header = body.get(..HANDSHAKE_HEADER)?;
        let u24 = |at: usize| {
            usize::from(header[at]) << 16 | usize::from(header[at + 1]) << 8 | usize::from(header[at + 2])
        };
        let (length, offset, size) = (u24(1), u24(6), u24(9));
        let data = body.get(HANDSHAKE_HEADER..HANDSHAKE_HEADER + size)?;
        if length > MAX_MESSAGE || offset + size > length || (size == 0 && length != 0) {
            return None;
        }
        found.push(Fragment {
            kind: header[0],
            length,
            sequence: u16::from_be_bytes([header[4], header[5]]),
            offset,
            data,
        });
        body = &body[HANDSHAKE_HEADER + size..];
    }
    Some(())
}

/// Puts the first ClientHello together, which may come in pieces and in any order.
#[derive(Default, Debug)]
pub(super) struct Hello {
    message: Vec<u8>,
    /// Which bytes of it are there.
    filled: Vec<bool>,
}

impl Hello {
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) {
        if fragment.kind != CLIENT_HELLO || fragment.sequence != 0 {
            return;
        }
        if self.message.is_empty() {
            self.message = vec![0; fragment.length];
            self.filled = vec![false; fragment.length];
        }
        let range = fragment.offset..fragment.offset + fragment.data.len();
        if fragment.length == self.message.len() {
            self.message[range.clone()].copy_from_slice(fragment.data);
            self.filled[range].fill(true);
        }
    }

    /// The SRTP profiles that the client lists, in its order; `None` while the message is not
    /// complete. Nonsense counts as an empty list: the handshake will tell.
    pub(super) fn srtp_profiles(&self) -> Option<Vec<u16>> {
        let complete = !self.filled.is_empty() && self.filled.iter().all(|filled| *filled);
        complete.then(|| use_srtp(&self.message).unwrap_or_default())
    }
}

fn use_srtp(hello: &[u8]) -> Option<Vec<u16>> {
    // Version and random, then session id, cookie, cipher suites and compression methods.
    let rest = hello.get(2 + 32..)?;
    let rest = skip(rest, 1)?;
    let rest = skip(rest, 1)?;
    let rest = skip(rest, 2)?;
    let rest = skip(rest, 1)?;
    let (mut extensions, _) = vector(rest, 2)?;
    while !extensions.is_empty() {
        let kind = u16::from_be_bytes([*extensions.first()?, *extensions.get(1)?]);
        let (body, rest) = vector(&extensions[2..], 2)?;
        if kind == EXTENSION_USE_SRTP {
            let (profiles, _) = vector(body, 2)?;
            return Some(profiles.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect());
        }
        extensions = rest;
    }
    None
}

/// Splits off a vector whose length stands in front of it in `size` bytes.
fn vector(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let length = bytes.get(..size)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    bytes[size..].split_at_checked(length)
}

fn skip(bytes: &[u8], size: usize) -> Option<&[u8]> {
    vector(bytes, size).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u8, epoch: u16, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 0xfe, 0xfd];
        record.extend(epoch.to_be_bytes());
        record.extend([0; 6]);
        record.extend((body.len() as u16).to_be_bytes());
        record.extend(body);
        record
    }

    fn fragment(message: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
        let u24 = |n: usize| [(n >> 16) as u8, (n >> 8) as u8, n as u8];
        let mut fragment = vec![CLIENT_HELLO];
        fragment.extend(u24(message.len()));
        fragment.extend([0, 0]);
        fragment.extend(u24(range.start));
        fragment.extend(u24(range.len()));
        fragment.extend(&message[range]);
        record(HANDSHAKE, 0, &fragment)
    }

    fn hello() -> Vec<u8> {
        let mut hello = vec![0xfe, 0xfd];
        hello.extend([9; 32]);
        hello.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
        let extensions = [&[0, 23, 0, 0][..], &[0, 14, 0, 9, 0, 6, 0, 1, 0, 8, 0, 7, 0]].concat();
        hello.extend((extensions.len() as u16).to_be_bytes());
        hello.extend(extensions);
        hello
    }

    #[test]
    fn profiles_are_read_from_pieces_in_any_order() {
        let message = hello();
        let pieces = [fragment(&message, 40..message.len()), fragment(&message, 0..40)];
        let mut hello = Hello::default();
        for (index, piece) in pieces.iter().enumerate() {
            assert_eq!(hello.srtp_profiles(), None, "piece {index}");
            let inspection = inspect(piece).unwrap();
            assert_eq!(inspection.fragments.len(), 1);
            hello.add(&inspection.fragments[0]);
        }
        assert_eq!(hello.srtp_profiles(), Some(vec![1, 8, 7]));
    }

    #[test]
    fn broken_records_are_dropped() {
        let message = hello();
        let whole = fragment(&message, 0..message.len());
        assert!(inspect(&whole).is_some());
        for length in 0..whole.len() {
            assert!(inspect(&whole[..length]).is_none(), "{length}");
        }
        assert!(inspect(&record(ALERT, 0, &[2])).is_none());
        assert!(inspect(&record(ALERT, 0, &[2, 40])).is_some());
        assert!(inspect(&record(CHANGE_CIPHER_SPEC, 0, &[2])).is_none());
        assert!(inspect(&record(APPLICATION_DATA, 0, &[1, 2, 3])).is_none());
        assert!(inspect(&record(APPLICATION_DATA, 1, &[1, 2, 3])).is_some());
        assert!(inspect(&record(25, 1, &[1, 2, 3])).is_none());
        assert!(inspect(&[whole, vec![22; 5]].concat()).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            body in proptest::collection::vec(any::<u8>(), 0..300),
            message in proptest::collection::vec(any::<u8>(), 1..200),
        ) {
            inspect(&body);
            inspect(&record(HANDSHAKE, 0, &body));
            let datagram = fragment(&message, 0..message.len());
            let mut hello = Hello::default();
            for fragment in inspect(&datagram).unwrap().fragments {
                hello.add(&fragment);
            }
            prop_assert!(hello.srtp_profiles().is_some());
        }
    }
}
