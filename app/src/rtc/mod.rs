//! Everything of the app that touches browser media: devices, capture, levels and peer
//! connections. What a value here starts (tracks, listeners, timers, connections), its drop stops.

mod capture;
mod choice;
mod devices;
mod level;
mod local;
mod object;
mod peer;

pub use capture::SourceState;
pub use devices::DeviceInfo;
pub use local::{LocalMedia, Wanted};
pub(crate) use object::field;
pub(crate) use peer::Peer;
