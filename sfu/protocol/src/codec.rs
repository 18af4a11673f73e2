//! Frames of the signalling socket (contract livekit.md 1.1): a binary frame is protobuf, a text
//! frame is the same message in proto JSON, and the answer takes the form of the last question.
//!
//! Unknown fields and unknown members of the `message` oneof are not errors: the message is then
//! `None` and is to be ignored.

use livekit_protocol::{SignalRequest, SignalResponse};
use prost::Message;

/// Largest frame either side accepts.
pub const MAX_FRAME_BYTES: usize = 2 * 1024 * 1024;

/// How the messages of one socket are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    #[default]
    Binary,
    Json,
}

/// A received frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    Binary(&'a [u8]),
    Text(&'a str),
}

impl Frame<'_> {
    /// How to answer this frame.
    pub fn encoding(self) -> Encoding {
        match self {
            Frame::Binary(_) => Encoding::Binary,
            Frame::Text(_) => Encoding::Json,
        }
    }

    fn checked(self) -> Result<Self, CodecError> {
        let size = match self {
            Frame::Binary(bytes) => bytes.len(),
            Frame::Text(text) => text.len(),
        };
        if size > MAX_FRAME_BYTES { Err(CodecError::TooLarge(size)) } else { Ok(self) }
    }
}

/// A frame to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload {
    Binary(Vec<u8>),
    Text(String),
}

impl Payload {
    pub fn as_frame(&self) -> Frame<'_> {
        match self {
            Payload::Binary(bytes) => Frame::Binary(bytes),
            Payload::Text(text) => Frame::Text(text),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("a signal message of {0} bytes is larger than {MAX_FRAME_BYTES}")]
    TooLarge(usize),
    #[error("not a protobuf signal message")]
    Protobuf(#[from] prost::DecodeError),
    #[error("not a JSON signal message")]
    Json(#[from] serde_json::Error),
}

/// A binary frame only. Whoever writes nothing but binary frames hears nothing else, and can do
/// without the JSON half of the code.
pub fn decode_binary<M: Message + Default>(bytes: &[u8]) -> Result<M, CodecError> {
    Frame::Binary(bytes).checked()?;
    Ok(M::decode(bytes)?)
}

pub fn encode_binary(message: &impl Message) -> Vec<u8> {
    message.encode_to_vec()
}

/// What the server reads.
pub fn decode_request(frame: Frame<'_>) -> Result<SignalRequest, CodecError> {
    match frame.checked()? {
        Frame::Binary(bytes) => decode_binary(bytes),
        Frame::Text(text) => Ok(serde_json::from_str(text)?),
    }
}

/// What the client reads.
pub fn decode_response(frame: Frame<'_>) -> Result<SignalResponse, CodecError> {
    match frame.checked()? {
        Frame::Binary(bytes) => decode_binary(bytes),
        Frame::Text(text) => Ok(serde_json::from_str(text)?),
    }
}

/// What the client writes.
pub fn encode_request(message: &SignalRequest, encoding: Encoding) -> Result<Payload, CodecError> {
    match encoding {
        Encoding::Binary => Ok(Payload::Binary(message.encode_to_vec())),
        Encoding::Json => Ok(Payload::Text(serde_json::to_string(message)?)),
    }
}

/// What the server writes.
pub fn encode_response(message: &SignalResponse, encoding: Encoding) -> Result<Payload, CodecError> {
    match encoding {
        Encoding::Binary => Ok(Payload::Binary(message.encode_to_vec())),
        Encoding::Json => Ok(Payload::Text(serde_json::to_string(message)?)),
    }
}

#[cfg(test)]
mod tests {
    use livekit_protocol as proto;
    use proptest::prelude::*;

    use super::*;

    fn request() -> SignalRequest {
        SignalRequest {
            message: Some(proto::signal_request::Message::Offer(proto::SessionDescription {
                r#type: "offer".into(),
                sdp: "v=0\r\n".into(),
                id: 7,
                mid_to_track_id: [("0".to_owned(), "TR_x".to_owned())].into(),
            })),
        }
    }

    fn response() -> SignalResponse {
        SignalResponse { message: Some(proto::signal_response::Message::Pong(1_700_000_000_000)) }
    }

    #[test]
    fn both_encodings_carry_both_directions() {
        for encoding in [Encoding::Binary, Encoding::Json] {
            let sent = encode_request(&request(), encoding).unwrap();
            assert_eq!(sent.as_frame().encoding(), encoding);
            assert_eq!(decode_request(sent.as_frame()).unwrap(), request());
            let sent = encode_response(&response(), encoding).unwrap();
            assert_eq!(decode_response(sent.as_frame()).unwrap(), response());
        }
    }

    #[test]
    fn json_accepts_snake_and_camel_case_and_writes_64_bit_numbers_as_text() {
        for text in [
            r#"{"addTrack":{"cid":"c","audioFeatures":["TF_STEREO"]}}"#,
            r#"{"add_track":{"cid":"c","audio_features":["TF_STEREO"]}}"#,
        ] {
            let Some(proto::signal_request::Message::AddTrack(add)) =
                decode_request(Frame::Text(text)).unwrap().message
            else {
                panic!("not an add_track")
            };
            assert_eq!(add.cid, "c");
            assert_eq!(add.audio_features, [proto::AudioTrackFeature::TfStereo as i32]);
        }
        assert_eq!(
            encode_response(&response(), Encoding::Json).unwrap(),
            Payload::Text(r#"{"pong":"1700000000000"}"#.into())
        );
    }

    #[test]
    fn unknown_members_are_ignored() {
        // Field 200, length-delimited, three bytes.
        let unknown = [0xc2, 0x0c, 0x03, 1, 2, 3];
        assert_eq!(decode_request(Frame::Binary(&unknown)).unwrap().message, None);
        assert_eq!(decode_response(Frame::Text(r#"{"fromTheFuture":{"a":1}}"#)).unwrap().message, None);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_it_is_parsed() {
        let big = vec![0; MAX_FRAME_BYTES + 1];
        assert!(matches!(decode_request(Frame::Binary(&big)), Err(CodecError::TooLarge(_))));
        let text = " ".repeat(MAX_FRAME_BYTES + 1);
        assert!(matches!(decode_response(Frame::Text(&text)), Err(CodecError::TooLarge(_))));
    }

    #[test]
    fn nesting_without_end_is_an_error() {
        let text = format!("{}{}", r#"{"offer":"#.repeat(100_000), "}".repeat(100_000));
        assert!(decode_request(Frame::Text(&text)).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..512), text in ".{0,200}") {
            let _ = decode_request(Frame::Binary(&bytes));
            let _ = decode_response(Frame::Binary(&bytes));
            let _ = decode_request(Frame::Text(&text));
            let _ = decode_response(Frame::Text(&text));
        }

        #[test]
        fn a_damaged_message_is_a_message_or_an_error(at in 0_usize..64, byte in any::<u8>()) {
            let mut bytes = request().encode_to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(message) = decode_request(Frame::Binary(&bytes)) {
                prop_assert_eq!(decode_request(Frame::Binary(&message.encode_to_vec())).unwrap(), message);
            }
        }
    }
}
