//! The two ways to encrypt and authenticate a packet, for one direction of one stream kind.

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ctr::{CtrCore, flavors};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::SrtpError;
use super::keys::{Derivation, Label};
use super::profile::Profile;

const CM_TAG: usize = 10;
const GCM_TAG: usize = 16;

#[expect(
    clippy::large_enum_variant,
    reason = "one value per transport and direction, kept inline for locality"
)]
pub(super) enum Cipher {
    Gcm(Gcm),
    Cm(Cm),
}

/// AEAD_AES_128_GCM and AEAD_AES_256_GCM.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

/// AES_CM_128_HMAC_SHA1_80.
pub(super) struct Cm {
    aes: Aes128,
    salt: [u8; 14],
    mac: Hmac<Sha1>,
}

/// Ciphers for RTP and RTCP of one direction.
pub(super) fn ciphers(profile: Profile, key: &[u8], salt: &[u8]) -> Result<(Cipher, Cipher), SrtpError> {
    if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
        return Err(SrtpError::KeyLength);
    }
    let derivation = Derivation::new(key, salt)?;
    let gcm = |key: &[u8], salt| {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, key).map_err(|_| SrtpError::KeyLength)?;
        Ok(Cipher::Gcm(Gcm { key: LessSafeKey::new(key), salt }))
    };
    let cm = |key: [u8; 16], salt, auth: [u8; 20]| {
        Ok(Cipher::Cm(Cm {
            aes: Aes128::new(&key.into()),
            salt,
            mac: <Hmac<Sha1> as KeyInit>::new_from_slice(&auth).map_err(|_| SrtpError::KeyLength)?,
        }))
    };
    Ok(match profile {
        Profile::Aes128CmSha1_80 => (
            cm(
                derivation.derive(Label::RtpKey),
                derivation.derive(Label::RtpSalt),
                derivation.derive(Label::RtpAuth),
            )?,
            cm(
                derivation.derive(Label::RtcpKey),
                derivation.derive(Label::RtcpSalt),
                derivation.derive(Label::RtcpAuth),
            )?,
        ),
        Profile::AeadAes128Gcm => (
            gcm(&derivation.derive::<16>(Label::RtpKey), derivation.derive(Label::RtpSalt))?,
            gcm(&derivation.derive::<16>(Label::RtcpKey), derivation.derive(Label::RtcpSalt))?,
        ),
        Profile::AeadAes256Gcm => (
            gcm(&derivation.derive::<32>(Label::RtpKey), derivation.derive(Label::RtpSalt))?,
            gcm(&derivation.derive::<32>(Label::RtcpKey), derivation.derive(Label::RtcpSalt))?,
        ),
    })
}

impl Gcm {
    /// RFC 7714 sections 8.1 and 9.1: `counter` is roll-over counter and sequence number, or the
    /// SRTCP index.
    fn nonce(&self, ssrc: u32, counter: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..].copy_from_slice(&counter.to_be_bytes()[2..]);
        for (byte, salt) in nonce.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals `plain` followed by `extra` into `out`, which ends with the tag.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        counter: u64,
        aad: &[u8],
        plain: &[u8],
        extra: &[u8],
        out: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let length = plain.len() + extra.len() + GCM_TAG;
        let (body, tail) = out
            .get_mut(..length)
            .and_then(|out| out.split_at_mut_checked(plain.len()))
            .ok_or(SrtpError::NoRoom)?;
        self.key
            .seal_out_of_place_scatter(self.nonce(ssrc, counter), Aad::from(aad), plain, body, extra, tail)
            .map_err(|_| SrtpError::NoRoom)?;
        Ok(length)
    }

    /// Decrypts `body` (ciphertext and tag) in place; answers the plaintext's length.
    pub(super) fn open(
        &self,
        ssrc: u32,
        counter: u64,
        aad: &[u8],
        body: &mut [u8],
    ) -> Result<usize, SrtpError> {
        self.key
            .open_in_place(self.nonce(ssrc, counter), Aad::from(aad), body)
            .map(|plain| plain.len())
            .map_err(|_| SrtpError::Forged)
    }
}

impl Cm {
    /// RFC 3711 section 4.1.1; `index` is 48 bits for RTP, 31 for RTCP.
    fn keystream(
        &self,
        ssrc: u32,
        index: u64,
    ) -> StreamCipherCoreWrapper<CtrCore<&Aes128, flavors::Ctr128BE>> {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        for (byte, part) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= part;
        }
        for (byte, part) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= part;
        }
        StreamCipherCoreWrapper::from_core(CtrCore::inner_iv_init(&self.aes, &iv.into()))
    }

    /// Encrypts `plain` followed by `extra` into `out`.
    pub(super) fn encrypt(
        &self,
        ssrc: u32,
        index: u64,
        plain: &[u8],
        extra: &[u8],
        out: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let length = plain.len() + extra.len();
        let (body, tail) = out
            .get_mut(..length)
            .and_then(|out| out.split_at_mut_checked(plain.len()))
            .ok_or(SrtpError::NoRoom)?;
        let mut keystream = self.keystream(ssrc, index);
        keystream.apply_keystream_b2b(plain, body);
        if !extra.is_empty() {
            tail.copy_from_slice(extra);
            keystream.apply_keystream(tail);
        }
        Ok(length)
    }

    pub(super) fn decrypt(&self, ssrc: u32, index: u64, body: &mut [u8]) {
        self.keystream(ssrc, index).apply_keystream(body);
    }

    /// Truncated tag over `packet` and `suffix`.
    pub(super) fn tag(&self, packet: &[u8], suffix: &[u8]) -> [u8; CM_TAG] {
        let mut mac = self.mac.clone();
        mac.update(packet);
        mac.update(suffix);
        let full = mac.finalize().into_bytes();
        let mut tag = [0; CM_TAG];
        tag.copy_from_slice(&full[..CM_TAG]);
        tag
    }

    pub(super) fn verify(&self, packet: &[u8], suffix: &[u8], tag: &[u8]) -> Result<(), SrtpError> {
        if bool::from(self.tag(packet, suffix).ct_eq(tag)) { Ok(()) } else { Err(SrtpError::Forged) }
    }
}
