//! The DTLS certificate of the process: made at start, shared by all transports.

use crate::media::Fingerprint;

/// A self-signed certificate with its key (ECDSA P-256).
#[derive(Clone)]
pub struct Certificate {
    pub(crate) inner: rtc_dtls::crypto::Certificate,
    fingerprint: Fingerprint,
}

impl Certificate {
    /// SHA-256 digest, as it goes into `a=fingerprint`.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}
