//! Session keys from master key and salt: the AES-CM pseudo-random function (RFC 3711 section 4.3,
//! RFC 7714 section 11), with a key derivation rate of zero.

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};

use super::SrtpError;

/// What a derived key is for (RFC 3711 section 4.3.2).
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Label {
    RtpKey = 0,
    RtpAuth = 1,
    RtpSalt = 2,
    RtcpKey = 3,
    RtcpAuth = 4,
    RtcpSalt = 5,
}

enum Prf {
    Aes128(Aes128),
    Aes256(Aes256),
}

pub(super) struct Derivation {
    prf: Prf,
    /// The master salt, shifted into the upper 14 of 16 bytes.
    salt: [u8; 16],
}

impl Derivation {
    pub(super) fn new(key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        let prf = match key.len() {
            16 => Prf::Aes128(Aes128::new_from_slice(key).map_err(|_| SrtpError::KeyLength)?),
            32 => Prf::Aes256(Aes256::new_from_slice(key).map_err(|_| SrtpError::KeyLength)?),
            _ => return Err(SrtpError::KeyLength),
        };
        let mut padded = [0; 16];
        padded
            .get_mut(..salt.len())
            .filter(|_| salt.len() <= 14)
            .ok_or(SrtpError::KeyLength)?
            .copy_from_slice(salt);
        Ok(Self { prf, salt: padded })
    }

    pub(super) fn derive<const N: usize>(&self, label: Label) -> [u8; N] {
        let mut out = [0; N];
        for (counter, chunk) in out.chunks_mut(16).enumerate() {
            let mut block = self.salt;
            block[7] ^= label as u8;
            block[14..].copy_from_slice(&(counter as u16).to_be_bytes());
            let mut block = Array::from(block);
            match &self.prf {
                Prf::Aes128(aes) => aes.encrypt_block(&mut block),
                Prf::Aes256(aes) => aes.encrypt_block(&mut block),
            }
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3711 appendix B.3.
    #[test]
    fn derivation_matches_the_vectors_of_the_rfc() {
        let key =
            [0xE1, 0xF9, 0x7A, 0x0D, 0x3E, 0x01, 0x8B, 0xE0, 0xD6, 0x4F, 0xA3, 0x2C, 0x06, 0xDE, 0x41, 0x39];
        let salt = [0x0E, 0xC6, 0x75, 0xAD, 0x49, 0x8A, 0xFE, 0xEB, 0xB6, 0x96, 0x0B, 0x3A, 0xAB, 0xE6];
        let derivation = Derivation::new(&key, &salt).unwrap();
        assert_eq!(
            derivation.derive::<16>(Label::RtpKey),
            [0xC6, 0x1E, 0x7A, 0x93, 0x74, 0x4F, 0x39, 0xEE, 0x10, 0x73, 0x4A, 0xFE, 0x3F, 0xF7, 0xA0, 0x87]
        );
        assert_eq!(
            derivation.derive::<14>(Label::RtpSalt),
            [0x30, 0xCB, 0xBC, 0x08, 0x86, 0x3D, 0x8C, 0x85, 0xD4, 0x9D, 0xB3, 0x4A, 0x9A, 0xE1]
        );
        assert_eq!(
            derivation.derive::<20>(Label::RtpAuth)[..16],
            [0xCE, 0xBE, 0x32, 0x1F, 0x6F, 0xF7, 0x71, 0x6B, 0x6F, 0xD4, 0xAB, 0x49, 0xAF, 0x25, 0x6A, 0x15]
        );
    }
}
