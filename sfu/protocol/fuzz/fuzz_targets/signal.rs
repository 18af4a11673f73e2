//! Frames of the signalling socket, both directions and both encodings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sfu_protocol::codec::{Encoding, Frame, decode_request, decode_response, encode_request, encode_response};

fuzz_target!(|data: &[u8]| {
    let text = std::str::from_utf8(data).ok().map(Frame::Text);
    for frame in [Some(Frame::Binary(data)), text].into_iter().flatten() {
        if let Ok(message) = decode_request(frame) {
            encode_request(&message, Encoding::Binary).expect("protobuf can be written");
            let _ = encode_request(&message, Encoding::Json);
        }
        if let Ok(message) = decode_response(frame) {
            encode_response(&message, Encoding::Binary).expect("protobuf can be written");
            let _ = encode_response(&message, Encoding::Json);
        }
    }
});
