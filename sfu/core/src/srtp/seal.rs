//! Protection of what we send.

use super::cipher::{Cipher, ciphers};
use super::{Profile, SrtpError};

/// RTP padding that can be added while sealing.
const MAX_PADDING: usize = 8;

/// `PADDING[n - 1]` ends with `n`, after `n - 1` zeros (RFC 3550 section 5.1).
const PADDING: [[u8; MAX_PADDING]; MAX_PADDING] = {
    let mut table = [[0; MAX_PADDING]; MAX_PADDING];
    let mut n = 0;
    while n < MAX_PADDING {
        table[n][n] = n as u8 + 1;
        n += 1;
    }
    table
};

/// Seals packets of one direction of one transport.
pub struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    profile: Profile,
    /// One count for all our SSRCs: larger than needed for each, unique for all.
    rtcp_index: u32,
}

impl Sealer {
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        let (rtp, rtcp) = ciphers(profile, key, salt)?;
        Ok(Self { rtp, rtcp, profile, rtcp_index: 0 })
    }

    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Seals `payload` and `padding` bytes of RTP padding (at most 8; the header has
    /// its P bit set by the caller) behind the header that already stands in `out[..header_len]`.
    /// `index` is roll-over counter and sequence number. Answers the length of the packet.
    pub fn rtp(
        &self,
        out: &mut [u8],
        header_len: usize,
        payload: &[u8],
        padding: usize,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let (header, body) = out.split_at_mut_checked(header_len).ok_or(SrtpError::NoRoom)?;
        let ssrc = u32_at(header, 8).ok_or(SrtpError::Short)?;
        let extra = match padding {
            0 => &[][..],
            n => PADDING.get(n - 1).and_then(|bytes| bytes.get(..n)).ok_or(SrtpError::NoRoom)?,
        };
        match &self.rtp {
            Cipher::Gcm(gcm) => Ok(header_len + gcm.seal(ssrc, index, header, payload, extra, body)?),
            Cipher::Cm(cm) => {
                let end = header_len + cm.encrypt(ssrc, index, payload, extra, body)?;
                let (packet, rest) = out.split_at_mut(end);
                let tag = cm.tag(packet, &roll_over(index));
                rest.get_mut(..tag.len()).ok_or(SrtpError::NoRoom)?.copy_from_slice(&tag);
                Ok(end + tag.len())
            }
        }
    }

    /// Seals a whole RTCP packet into `out`; answers its length there.
    pub fn rtcp(&mut self, plain: &[u8], out: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = u32_at(plain, 4).ok_or(SrtpError::Short)?;
        let index = self.rtcp_index;
        if index >= 1 << 31 {
            return Err(SrtpError::Exhausted);
        }
        let trailer = (1 << 31 | index).to_be_bytes();
        let (head, body) = plain.split_at_checked(8).ok_or(SrtpError::Short)?;
        out.get_mut(..8).ok_or(SrtpError::NoRoom)?.copy_from_slice(head);
        let length = match &self.rtcp {
            Cipher::Gcm(gcm) => {
                let mut aad = [0; 12];
                aad[..8].copy_from_slice(head);
                aad[8..].copy_from_slice(&trailer);
                let end = 8 + gcm.seal(ssrc, u64::from(index), &aad, body, &[], &mut out[8..])?;
                out.get_mut(end..end + 4).ok_or(SrtpError::NoRoom)?.copy_from_slice(&trailer);
                end + 4
            }
            Cipher::Cm(cm) => {
                let end = 8 + cm.encrypt(ssrc, u64::from(index), body, &[], &mut out[8..])?;
                out.get_mut(end..end + 4).ok_or(SrtpError::NoRoom)?.copy_from_slice(&trailer);
                let (packet, rest) = out.split_at_mut(end + 4);
                let tag = cm.tag(packet, &[]);
                rest.get_mut(..tag.len()).ok_or(SrtpError::NoRoom)?.copy_from_slice(&tag);
                end + 4 + tag.len()
            }
        };
        self.rtcp_index += 1;
        Ok(length)
    }
}

fn roll_over(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}
