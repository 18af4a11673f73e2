//! SRTP and SRTCP (RFC 3711, RFC 7714): key derivation, protection, replay and roll-over.
//! Invariant: nothing that failed authentication changes any state.

mod profile;

pub use profile::Profile;
