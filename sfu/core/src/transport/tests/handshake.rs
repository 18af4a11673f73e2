//! Our side of the DTLS handshake against `rtc-dtls` used plainly, as other clients use theirs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder};
use rtc_dtls::crypto_provider::default_provider;
use rtc_dtls::endpoint::Endpoint;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;

use crate::certificate::Certificate;
use crate::media::DtlsRole;
use crate::srtp::Profile;
use crate::transport::dtls::{Dtls, DtlsEvent};

const CM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
const CM_SHORT: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_32;
const GCM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
const GCM_256: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm;

/// What a client that lists these profiles ends up with; `Err` when the handshake fails. `backwards`
/// turns its two hellos around, without and with the cookie.
fn negotiated(listed: &[SrtpProtectionProfile], mtu: usize, backwards: bool) -> Result<Option<Profile>, ()> {
    let now = Instant::now();
    let peer: SocketAddr = "10.0.0.1:1".parse().unwrap();
    let client_certificate = Certificate::generate().unwrap();
    let fingerprint = client_certificate.fingerprint().clone();
    let config = ConfigBuilder::default()
        .with_crypto_provider(default_provider().unwrap())
        .with_certificates(vec![client_certificate.inner])
        .with_srtp_protection_profiles(listed.to_vec())
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_insecure_skip_verify(true)
        .with_mtu(mtu)
        .build(true, Some(peer))
        .unwrap();
    let mut client = Endpoint::new(peer, TransportProtocol::UDP, None);
    client.connect(now, peer, Arc::new(config), None).unwrap();
    let mut server = Dtls::new(
        default_provider().unwrap(),
        Certificate::generate().unwrap(),
        fingerprint,
        DtlsRole::Server,
    );
    for round in 0..20 {
        let now = now + Duration::from_millis(10 * round);
        let mut flight = Vec::new();
        while let Some(transmit) = client.poll_transmit() {
            flight.push(transmit.message);
        }
        if backwards && round < 2 {
            flight.reverse();
        }
        for datagram in flight {
            server.receive(&datagram, now);
        }
        while let Some(datagram) = server.poll_transmit() {
            // An alert makes this an error; our side then says so, too.
            let _ = client.read(now, peer, None, BytesMut::from(&datagram[..]));
        }
        match server.poll_event() {
            Some(DtlsEvent::Connected(keys)) => return Ok(keys.map(|keys| keys.profile)),
            Some(DtlsEvent::Failed) => return Err(()),
            _ => {}
        }
    }
    panic!("the handshake stands still, mtu {mtu}, backwards {backwards}");
}

#[test]
fn gcm_is_chosen_wherever_the_client_lists_it() {
    // Chromium's order, Firefox's order, and GCM last.
    for listed in [&[CM, GCM_256, GCM][..], &[GCM, GCM_256, CM, CM_SHORT], &[CM_SHORT, CM, GCM]] {
        assert_eq!(negotiated(listed, 0, false), Ok(Some(Profile::AeadAes128Gcm)), "{listed:?}");
    }
    assert_eq!(negotiated(&[CM, GCM_256], 0, false), Ok(Some(Profile::AeadAes256Gcm)));
    assert_eq!(negotiated(&[CM], 0, false), Ok(Some(Profile::Aes128CmSha1_80)));
}

#[test]
fn a_hello_in_pieces_is_understood_in_any_order() {
    for mtu in [60, 100, 180] {
        for backwards in [false, true] {
            let profile = negotiated(&[CM, GCM_256, GCM], mtu, backwards);
            assert_eq!(profile, Ok(Some(Profile::AeadAes128Gcm)), "{mtu} {backwards}");
        }
    }
}

#[test]
fn a_client_without_a_common_profile_is_refused() {
    assert_eq!(negotiated(&[CM_SHORT], 0, false), Err(()));
}

#[test]
fn a_client_that_wants_no_media_is_accepted() {
    assert_eq!(negotiated(&[], 0, false), Ok(None));
}

#[test]
fn a_handshake_that_never_begins_fails_in_time() {
    let start = Instant::now();
    let mut server = Dtls::new(
        default_provider().unwrap(),
        Certificate::generate().unwrap(),
        Certificate::generate().unwrap().fingerprint().clone(),
        DtlsRole::Server,
    );
    assert_eq!(server.poll_timeout(), None);
    server.start(start);
    let end = server.poll_timeout().unwrap();
    assert_eq!(end - start, Duration::from_secs(30));
    server.handle_timeout(end);
    assert!(matches!(server.poll_event(), Some(DtlsEvent::Failed)));
    assert_eq!(server.poll_timeout(), None);
}
