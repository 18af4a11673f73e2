//! RTP and RTCP on the wire: zero-copy parsers and writers (RFC 3550, 8285, 4585, 5104, 4588, and
//! the payload formats of the video codecs). Invariant: no input panics, nothing allocates.

pub mod codec;
pub mod extension;
pub mod packet;
pub mod rtcp;
pub mod sequence;
pub mod twcc;
pub mod vp8;

pub use packet::Header;
