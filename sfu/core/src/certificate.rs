//! The DTLS certificate of the process: made at start, shared by all transports.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::media::Fingerprint;

/// A self-signed certificate with its key (ECDSA P-256).
#[derive(Clone)]
pub struct Certificate {
    pub(crate) inner: rtc_dtls::crypto::Certificate,
    fingerprint: Fingerprint,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate: {0}")]
pub struct CertificateError(String);

impl Certificate {
    /// Makes a new key and certificate with the operating system's randomness.
    pub fn generate() -> Result<Certificate, CertificateError> {
        let provider = rtc_dtls::crypto_provider::default_provider()
            .map_err(|error| CertificateError(error.to_string()))?;
        let inner =
            rtc_dtls::crypto::Certificate::generate_self_signed(vec!["sfu".to_owned()], provider.crypto())
                .map_err(|error| CertificateError(error.to_string()))?;
        let der = inner.certificate.first().ok_or_else(|| CertificateError("empty".to_owned()))?;
        Ok(Certificate { fingerprint: sha256(der), inner })
    }

    /// SHA-256 digest, as it goes into `a=fingerprint`.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

fn sha256(der: &[u8]) -> Fingerprint {
    Fingerprint { algorithm: "sha-256".to_owned(), digest: digest(&SHA256, der).as_ref().to_vec() }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}
