//! The server of OpenVidu Meet: web app, REST API, LiveKit's HTTP surface and the SFU in one process.
//!
//! [`serve::start`] opens everything, [`serve::Server::run`] serves until it is told to stop.

mod app;
mod clock;
pub mod config;
pub mod http;
pub mod lifecycle;
pub mod livekit;
pub mod serve;
pub mod store;
mod tokens;

pub use app::App;
