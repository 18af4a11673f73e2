//! The web app.

pub mod rtc;
pub mod session;
