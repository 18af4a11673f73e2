//! Authentication and decryption of what we receive.

use std::collections::HashMap;

use super::cipher::{Cipher, ciphers};
use super::replay::Window;
use super::{Profile, SrtpError};

/// Streams remembered per transport and kind; the longest unused makes room for a new one.
const MAX_STREAMS: usize = 1024;

/// Opens packets of one direction of one transport.
pub struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    profile: Profile,
    rtp_streams: Streams,
    rtcp_streams: Streams,
}

#[derive(Default)]
struct Streams {
    by_ssrc: HashMap<u32, Stream>,
    clock: u64,
}

struct Stream {
    window: Window,
    used: u64,
}

impl Opener {
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        let (rtp, rtcp) = ciphers(profile, key, salt)?;
        Ok(Self { rtp, rtcp, profile, rtp_streams: Streams::default(), rtcp_streams: Streams::default() })
    }

    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Decrypts an RTP packet in place, whose header (`header_len` bytes) was parsed already.
    /// Answers the length of header and plaintext, which still contains padding.
    pub fn rtp(&mut self, packet: &mut [u8], header_len: usize) -> Result<usize, SrtpError> {
        if header_len < 12 || packet.len() < header_len + self.profile.rtp_overhead() {
            return Err(SrtpError::Short);
        }
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
        let index = match self.rtp_streams.by_ssrc.get(&ssrc) {
            Some(stream) => {
                let index = stream.window.extend(sequence);
                if !stream.window.is_fresh(index) {
                    return Err(SrtpError::Replayed);
                }
                index
            }
            None => u64::from(sequence),
        };
        let length = match &self.rtp {
            Cipher::Gcm(gcm) => {
                let (header, body) = packet.split_at_mut(header_len);
                header_len + gcm.open(ssrc, index, header, body)?
            }
            Cipher::Cm(cm) => {
                let end = packet.len() - self.profile.rtp_overhead();
                let (packet, tag) = packet.split_at_mut(end);
                cm.verify(packet, &((index >> 16) as u32).to_be_bytes(), tag)?;
                cm.decrypt(ssrc, index, &mut packet[header_len..]);
                end
            }
        };
        self.rtp_streams.record(ssrc, index);
        Ok(length)
    }

    /// Decrypts an RTCP packet in place; answers its plaintext's length.
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let overhead = self.profile.rtcp_overhead();
        if packet.len() < 8 + overhead {
            return Err(SrtpError::Short);
        }
        let ssrc = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
        let trailer_at = match &self.rtcp {
            Cipher::Gcm(_) => packet.len() - 4,
            Cipher::Cm(_) => packet.len() - overhead,
        };
        let trailer =
            [packet[trailer_at], packet[trailer_at + 1], packet[trailer_at + 2], packet[trailer_at + 3]];
        let word = u32::from_be_bytes(trailer);
        if word >> 31 == 0 {
            return Err(SrtpError::Unencrypted);
        }
        let index = u64::from(word & 0x7fff_ffff);
        if self.rtcp_streams.by_ssrc.get(&ssrc).is_some_and(|stream| !stream.window.is_fresh(index)) {
            return Err(SrtpError::Replayed);
        }
        let length = match &self.rtcp {
            Cipher::Gcm(gcm) => {
                let (header, rest) = packet.split_at_mut(8);
                let mut aad = [0; 12];
                aad[..8].copy_from_slice(header);
                aad[8..].copy_from_slice(&trailer);
                let body_len = rest.len() - 4;
                8 + gcm.open(ssrc, index, &aad, &mut rest[..body_len])?
            }
            Cipher::Cm(cm) => {
                let (packet, tag) = packet.split_at_mut(trailer_at + 4);
                cm.verify(packet, &[], tag)?;
                cm.decrypt(ssrc, index, &mut packet[8..trailer_at]);
                trailer_at
            }
        };
        self.rtcp_streams.record(ssrc, index);
        Ok(length)
    }
}

impl Streams {
    fn record(&mut self, ssrc: u32, index: u64) {
        self.clock += 1;
        if let Some(stream) = self.by_ssrc.get_mut(&ssrc) {
            stream.used = self.clock;
            stream.window.record(index);
            return;
        }
        if self.by_ssrc.len() >= MAX_STREAMS
            && let Some(oldest) =
                self.by_ssrc.iter().min_by_key(|(_, stream)| stream.used).map(|(ssrc, _)| *ssrc)
        {
            self.by_ssrc.remove(&oldest);
        }
        let mut window = Window::new();
        window.record(index);
        self.by_ssrc.insert(ssrc, Stream { window, used: self.clock });
    }
}
