//! Our SRTP against `rtc-srtp`, both directions, all profiles.

use rtc_srtp::context::Context;
use rtc_srtp::option::srtp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::*;

const PROFILES: [Profile; 3] = [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80];

fn keys(profile: Profile) -> (Vec<u8>, Vec<u8>) {
    let key = (0..profile.key_len()).map(|n| (n * 7 + 3) as u8).collect();
    let salt = (0..profile.salt_len()).map(|n| (n * 11 + 5) as u8).collect();
    (key, salt)
}

fn oracle(profile: Profile) -> Context {
    let (key, salt) = keys(profile);
    let theirs = match profile {
        Profile::Aes128CmSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    let crypto = rtc_srtp::crypto::default_provider().unwrap();
    Context::new(&key, &salt, theirs, Some(srtp_replay_protection(64)), None, crypto.crypto()).unwrap()
}

fn sealer(profile: Profile) -> Sealer {
    let (key, salt) = keys(profile);
    Sealer::new(profile, &key, &salt).unwrap()
}

fn opener(profile: Profile) -> Opener {
    let (key, salt) = keys(profile);
    Opener::new(profile, &key, &salt).unwrap()
}

fn header(sequence: u16, ssrc: u32) -> [u8; 12] {
    let mut header = [0x80, 96, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0];
    header[2..4].copy_from_slice(&sequence.to_be_bytes());
    header[8..].copy_from_slice(&ssrc.to_be_bytes());
    header
}

fn plain(sequence: u16, ssrc: u32, length: usize) -> Vec<u8> {
    let mut packet = header(sequence, ssrc).to_vec();
    packet.extend((0..length).map(|n| (n + usize::from(sequence)) as u8));
    packet
}

fn seal(sealer: &Sealer, packet: &[u8], index: u64) -> Vec<u8> {
    let mut out = vec![0; packet.len() + 32];
    out[..12].copy_from_slice(&packet[..12]);
    let length = sealer.rtp(&mut out, 12, &packet[12..], 0, index).unwrap();
    out.truncate(length);
    out
}

#[test]
fn the_oracle_reads_what_we_seal_across_the_roll_over() {
    for profile in PROFILES {
        let (ours, mut theirs) = (sealer(profile), oracle(profile));
        for index in 65_500..65_600_u64 {
            let packet = plain(index as u16, 0xdead_beef, 700 + index as usize % 400);
            let opened = theirs.decrypt_rtp(&seal(&ours, &packet, index)).unwrap();
            assert_eq!(opened[..], packet[..], "{profile:?} {index}");
        }
    }
}

#[test]
fn we_read_what_the_oracle_seals_across_the_roll_over() {
    for profile in PROFILES {
        let (mut ours, mut theirs) = (opener(profile), oracle(profile));
        for index in 65_500..65_600_u64 {
            let packet = plain(index as u16, 77, 90);
            let mut sealed = theirs.encrypt_rtp(&packet).unwrap().to_vec();
            let length = ours.rtp(&mut sealed, 12).unwrap();
            assert_eq!(sealed[..length], packet[..], "{profile:?} {index}");
        }
    }
}

#[test]
fn reordered_packets_around_the_roll_over_are_read() {
    for profile in PROFILES {
        let (ours, mut open) = (sealer(profile), opener(profile));
        for index in [65_533_u64, 65_537, 65_534, 65_538, 65_535, 65_536] {
            let packet = plain(index as u16, 9, 50);
            let mut sealed = seal(&ours, &packet, index);
            let length = open.rtp(&mut sealed, 12).unwrap();
            assert_eq!(sealed[..length], packet[..]);
        }
    }
}

#[test]
fn rtcp_passes_both_ways() {
    let mut report = vec![0x80, 201, 0, 1, 1, 2, 3, 4];
    report.extend([0x81, 206, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
    for profile in PROFILES {
        let (mut seal, mut open, mut theirs, mut theirs_out) =
            (sealer(profile), opener(profile), oracle(profile), oracle(profile));
        for _ in 0..50 {
            let mut out = [0; 128];
            let length = seal.rtcp(&report, &mut out).unwrap();
            assert_eq!(length, report.len() + profile.rtcp_overhead());
            assert_eq!(theirs.decrypt_rtcp(&out[..length]).unwrap()[..], report[..]);
            let mut sealed = theirs_out.encrypt_rtcp(&report).unwrap().to_vec();
            let length = open.rtcp(&mut sealed).unwrap();
            assert_eq!(sealed[..length], report[..]);
        }
    }
}

#[test]
fn replayed_packets_are_rejected() {
    for profile in PROFILES {
        let (mut seal_with, mut open) = (sealer(profile), opener(profile));
        let sealed: Vec<_> = (0..2000_u64).map(|n| seal(&seal_with, &plain(n as u16, 5, 20), n)).collect();
        for packet in &sealed {
            open.rtp(&mut packet.clone(), 12).unwrap();
        }
        for packet in &sealed {
            assert_eq!(open.rtp(&mut packet.clone(), 12), Err(SrtpError::Replayed));
        }
        let mut out = [0; 64];
        let length = seal_with.rtcp(&[0x80, 201, 0, 1, 1, 2, 3, 4], &mut out).unwrap();
        open.rtcp(&mut out[..length].to_vec()).unwrap();
        assert_eq!(open.rtcp(&mut out[..length]), Err(SrtpError::Replayed));
    }
}

#[test]
fn tampering_with_any_byte_is_detected_and_leaves_no_trace() {
    for profile in PROFILES {
        let (mut seal_with, mut open) = (sealer(profile), opener(profile));
        let sealed = seal(&seal_with, &plain(100, 5, 20), 100);
        for at in 0..sealed.len() {
            let mut packet = sealed.clone();
            packet[at] ^= 0x40;
            assert!(open.rtp(&mut packet, 12).is_err(), "{profile:?} byte {at}");
        }
        assert!(open.rtp(&mut sealed.clone(), 12).is_ok());

        let mut out = [0; 64];
        let length = seal_with.rtcp(&[0x80, 201, 0, 1, 1, 2, 3, 4], &mut out).unwrap();
        for at in 0..length {
            let mut packet = out[..length].to_vec();
            packet[at] ^= 0x80;
            assert!(open.rtcp(&mut packet).is_err(), "{profile:?} rtcp byte {at}");
        }
        assert!(open.rtcp(&mut out[..length]).is_ok());
    }
}

#[test]
fn padding_is_sealed_behind_the_payload() {
    for profile in PROFILES {
        for padding in 1..=8 {
            let mut out = [0; 100];
            out[..12].copy_from_slice(&header(3, 4));
            let length = sealer(profile).rtp(&mut out, 12, b"abc", padding, 3).unwrap();
            let opened = opener(profile).rtp(&mut out[..length], 12).unwrap();
            assert_eq!(opened, 15 + padding);
            assert_eq!(out[12..15], *b"abc");
            assert_eq!(usize::from(out[opened - 1]), padding);
        }
    }
}

#[test]
fn too_small_a_buffer_is_an_error() {
    for profile in PROFILES {
        let mut seal_with = sealer(profile);
        for size in 12..12 + 3 + profile.rtp_overhead() {
            let mut out = vec![0; size];
            out[..12].copy_from_slice(&header(3, 4));
            assert_eq!(seal_with.rtp(&mut out, 12, b"abc", 0, 3), Err(SrtpError::NoRoom));
        }
        for size in 0..8 + profile.rtcp_overhead() {
            let mut out = vec![0; size];
            assert_eq!(seal_with.rtcp(&[0x80, 201, 0, 1, 1, 2, 3, 4], &mut out), Err(SrtpError::NoRoom));
        }
    }
}

#[test]
fn keys_of_the_wrong_length_are_refused() {
    assert!(matches!(Sealer::new(Profile::AeadAes128Gcm, &[0; 32], &[0; 12]), Err(SrtpError::KeyLength)));
    assert!(matches!(Opener::new(Profile::Aes128CmSha1_80, &[0; 16], &[0; 12]), Err(SrtpError::KeyLength)));
}
