//! Identifiers and the seeded source of chance that makes them (contract livekit.md 2.6).

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const ICE_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Cryptographic random numbers from a seed: the shell draws the seed from the operating system,
/// tests fix it.
#[derive(Clone, Debug)]
pub struct Chance(StdRng);

impl Chance {
    pub fn new(seed: [u8; 32]) -> Self {
        Self(StdRng::from_seed(seed))
    }

    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Seed for a component that draws on its own.
    pub fn fork(&mut self) -> Chance {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        Chance::new(seed)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| alphabet[self.0.random_range(0..alphabet.len())] as char).collect()
    }

    /// `prefix` followed by twelve characters, e.g. `sid("RM_")`.
    pub fn sid(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", self.text(ALPHABET, 12))
    }

    /// User fragment and password with 95 and 143 bits of chance (RFC 8445 asks for 24 and 128).
    pub fn ice_credentials(&mut self) -> crate::media::IceCredentials {
        crate::media::IceCredentials { ufrag: self.text(ICE_ALPHABET, 16), pwd: self.text(ICE_ALPHABET, 24) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_ids_and_unequal_seeds_do_not() {
        let sid = |seed| Chance::new([seed; 32]).sid("PA_");
        assert_eq!(sid(1), sid(1));
        assert_ne!(sid(1), sid(2));
        assert_eq!(sid(1).len(), 15);
        assert!(sid(1).starts_with("PA_"));
    }
}
