//! One signalling socket inside the SFU.

use sfu_protocol::{Claims, proto};
use tokio::sync::mpsc;

/// Requests of one client that wait for its room; the socket is not read while they are full.
pub(crate) const REQUESTS: usize = 64;
/// Messages that wait for one client; a client that lets them fill up is cut off.
pub(crate) const RESPONSES: usize = 1024;

/// What the server sends on one signalling socket.
#[derive(Debug)]
pub enum SessionMessage {
    Signal(Box<proto::SignalResponse>),
    /// Sign these claims with a new `exp` and send them as `refresh_token`.
    RefreshToken(Box<Claims>),
}

/// One signalling socket inside the SFU. Dropping it tells the room that the socket is gone; when
/// `responses` ends, close the socket with code 1000.
#[derive(Debug)]
pub struct Session {
    /// The first message (join, reconnect or leave), already produced: only now accept the upgrade.
    pub first: SessionMessage,
    pub requests: mpsc::Sender<proto::SignalRequest>,
    pub responses: mpsc::Receiver<SessionMessage>,
}

impl Session {
    /// A session that says one thing and ends.
    pub(crate) fn only(first: proto::SignalResponse) -> Session {
        let (requests, _) = mpsc::channel(1);
        let (_, responses) = mpsc::channel(1);
        Session { first: SessionMessage::Signal(Box::new(first)), requests, responses }
    }
}
