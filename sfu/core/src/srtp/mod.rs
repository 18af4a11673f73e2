//! SRTP and SRTCP (RFC 3711, RFC 7714): key derivation, protection, replay and roll-over.
//! Invariant: nothing that failed authentication changes any state, and nothing here allocates per
//! packet.

mod cipher;
mod keys;
mod open;
mod profile;
mod replay;
mod seal;
#[cfg(test)]
mod tests;

pub use open::Opener;
pub use profile::Profile;
pub use seal::Sealer;

/// Why a packet was not accepted, or keys were not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SrtpError {
    #[error("key or salt has the wrong length for the profile")]
    KeyLength,
    #[error("packet is too short")]
    Short,
    #[error("packet was seen before or is older than the replay window")]
    Replayed,
    #[error("authentication failed")]
    Forged,
    #[error("packet is sent in the clear")]
    Unencrypted,
    #[error("output buffer is too small")]
    NoRoom,
    #[error("index space of the key is used up")]
    Exhausted,
}
