//! The `join_request` parameter of `/rtc/v1` (contract livekit.md 1.3): url-safe base64 of a
//! `WrappedJoinRequest`, whose inner bytes are a `JoinRequest`, usually gzipped.
//!
//! A query parameter is small, but what it inflates to need not be: the inflated size is bounded.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::alphabet::URL_SAFE as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE};
use flate2::Compression as Level;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use prost::Message as _;

use crate::connect::{Connect, ConnectError, Mode, Reconnect};
use crate::proto::{ConnectionSettings, JoinRequest, WrappedJoinRequest, wrapped_join_request::Compression};

/// Largest inflated request.
pub const MAX_BYTES: usize = 1024 * 1024;

const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Url-safe base64, with or without padding.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    TOLERANT.decode(text)
}

pub fn decode(value: &str) -> Result<Connect, ConnectError> {
    if value.len() > 2 * MAX_BYTES {
        return Err(ConnectError::TooLarge);
    }
    let wrapped = from_base64(value).map_err(|_| ConnectError::Base64)?;
    let wrapped = WrappedJoinRequest::decode(&*wrapped)?;
    let request = match Compression::try_from(wrapped.compression) {
        Ok(Compression::None) => wrapped.join_request,
        Ok(Compression::Gzip) => inflate(&wrapped.join_request)?,
        Err(_) => return Err(ConnectError::Compression(wrapped.compression)),
    };
    if request.len() > MAX_BYTES {
        return Err(ConnectError::TooLarge);
    }
    Ok(from_message(JoinRequest::decode(&*request)?))
}

/// Gzipped where that is shorter.
pub fn encode(connect: &Connect) -> String {
    let plain = to_message(connect).encode_to_vec();
    let mut gzip = GzEncoder::new(Vec::new(), Level::best());
    let gzipped = gzip.write_all(&plain).and_then(|()| gzip.finish());
    let (compression, join_request) = match gzipped {
        Ok(short) if short.len() < plain.len() => (Compression::Gzip, short),
        _ => (Compression::None, plain),
    };
    URL_SAFE.encode(WrappedJoinRequest { compression: compression as i32, join_request }.encode_to_vec())
}

fn inflate(gzipped: &[u8]) -> Result<Vec<u8>, ConnectError> {
    let mut plain = Vec::new();
    // One byte more than allowed tells "exactly full" from "too large".
    let mut reader = MultiGzDecoder::new(gzipped).take(MAX_BYTES as u64 + 1);
    reader.read_to_end(&mut plain).map_err(|_| ConnectError::Inflate)?;
    if plain.len() > MAX_BYTES { Err(ConnectError::TooLarge) } else { Ok(plain) }
}

fn from_message(request: JoinRequest) -> Connect {
    let settings = request.connection_settings.unwrap_or_default();
    let mut client = request.client_info.unwrap_or_default();
    // Only the server knows where a client comes from.
    client.address.clear();
    let mut attributes = request.participant_attributes;
    attributes.retain(|_, value| !value.is_empty());
    Connect {
        mode: Mode::Single,
        auto_subscribe: settings.auto_subscribe,
        adaptive_stream: settings.adaptive_stream,
        disable_ice_lite: settings.disable_ice_lite,
        reconnect: request.reconnect.then_some(Reconnect {
            participant_sid: request.participant_sid,
            reason: request.reconnect_reason,
        }),
        client,
        metadata: request.metadata,
        attributes,
        add_tracks: request.add_track_requests,
        publisher_offer: request.publisher_offer,
        sync_state: request.sync_state,
    }
}

fn to_message(connect: &Connect) -> JoinRequest {
    let reconnect = connect.reconnect.as_ref();
    JoinRequest {
        client_info: Some(connect.client.clone()),
        connection_settings: Some(ConnectionSettings {
            auto_subscribe: connect.auto_subscribe,
            adaptive_stream: connect.adaptive_stream,
            disable_ice_lite: connect.disable_ice_lite,
            ..ConnectionSettings::default()
        }),
        metadata: connect.metadata.clone(),
        participant_attributes: connect.attributes.clone(),
        add_track_requests: connect.add_tracks.clone(),
        publisher_offer: connect.publisher_offer.clone(),
        reconnect: reconnect.is_some(),
        reconnect_reason: reconnect.map_or(0, |reconnect| reconnect.reason),
        participant_sid: reconnect.map(|reconnect| reconnect.participant_sid.clone()).unwrap_or_default(),
        sync_state: connect.sync_state.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto;

    fn request() -> Connect {
        let mut connect = Connect::new(Mode::Single);
        connect.auto_subscribe = true;
        connect.client.sdk = 8;
        connect.add_tracks = vec![proto::AddTrackRequest { cid: "cid".into(), ..Default::default() }];
        connect.publisher_offer = Some(proto::SessionDescription {
            r#type: "offer".into(),
            sdp: "a=x\r\n".repeat(400),
            id: 1,
            ..Default::default()
        });
        connect
    }

    fn wrap(compression: i32, join_request: Vec<u8>) -> String {
        URL_SAFE.encode(WrappedJoinRequest { compression, join_request }.encode_to_vec())
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Level::best());
        gzip.write_all(plain).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn an_offer_travels_gzipped() {
        let value = encode(&request());
        assert!(value.len() < 400, "{}", value.len());
        assert_eq!(decode(&value).unwrap(), request());
    }

    #[test]
    fn padding_may_be_left_out() {
        let plain = (0..3).map(|length| {
            let mut connect = request();
            connect.metadata = "x".repeat(length);
            wrap(0, to_message(&connect).encode_to_vec())
        });
        let values: Vec<_> = plain.collect();
        assert!(values.iter().any(|value| value.ends_with('=')));
        for value in values {
            assert_eq!(decode(value.trim_end_matches('=')).unwrap(), decode(&value).unwrap());
        }
    }

    #[test]
    fn unset_booleans_are_false() {
        let connect = decode(&wrap(0, Vec::new())).unwrap();
        assert_eq!(connect, Connect::new(Mode::Single));
        assert!(!connect.auto_subscribe);
    }

    #[test]
    fn the_address_is_not_taken_from_the_client() {
        let info = proto::ClientInfo { address: "8.8.8.8".into(), ..Default::default() };
        let value = wrap(0, JoinRequest { client_info: Some(info), ..Default::default() }.encode_to_vec());
        assert_eq!(decode(&value).unwrap().client.address, "");
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = wrap(1, gzip(&vec![0; 64 * MAX_BYTES]));
        assert!(bomb.len() < MAX_BYTES);
        assert!(matches!(decode(&bomb), Err(ConnectError::TooLarge)));
        assert!(matches!(decode(&"A".repeat(2 * MAX_BYTES + 1)), Err(ConnectError::TooLarge)));
    }

    #[test]
    fn each_kind_of_damage_has_its_error() {
        assert!(matches!(decode("a+b/"), Err(ConnectError::Base64)));
        assert!(matches!(decode("_____w"), Err(ConnectError::Protobuf(_))));
        assert!(matches!(decode(&wrap(9, Vec::new())), Err(ConnectError::Compression(9))));
        assert!(matches!(decode(&wrap(1, b"no gzip".to_vec())), Err(ConnectError::Inflate)));
        let mut cut = gzip(&to_message(&request()).encode_to_vec());
        cut.truncate(cut.len() / 2);
        assert!(matches!(decode(&wrap(1, cut)), Err(ConnectError::Inflate)));
        assert!(matches!(decode(&wrap(0, vec![0xff])), Err(ConnectError::Protobuf(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_a_request_or_an_error(text in ".{0,200}", base64 in "[A-Za-z0-9_-]{0,200}={0,2}") {
            let _ = decode(&text);
            let _ = decode(&base64);
        }

        #[test]
        fn any_inner_bytes_are_a_request_or_an_error(compression in -1..3_i32, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&wrap(compression, bytes.clone()));
            let _ = decode(&wrap(1, gzip(&bytes)));
        }
    }
}
