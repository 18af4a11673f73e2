//! What every request handler may use.

use std::sync::Arc;

use sfu::{RoomOptions, Sfu};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::store::Store;
use crate::tokens::Keys;

#[derive(Clone, Debug)]
pub struct App {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) sfu: Sfu,
    pub(crate) keys: Keys,
    /// Held by every signalling socket, so that the end of the process can wait for them.
    pub(crate) sockets: mpsc::Sender<()>,
}

impl App {
    /// The receiver ends when the app and all its sockets are gone.
    pub fn new(config: Config, store: Store, sfu: Sfu) -> (App, mpsc::Receiver<()>) {
        let keys = Keys::new(&config.signalling);
        let (sockets, gone) = mpsc::channel(1);
        (App { config: Arc::new(config), store, sfu, keys, sockets }, gone)
    }

    /// Settings of a room on the media server that is opened by whoever comes first.
    pub(crate) fn room_options(&self, name: &str) -> RoomOptions {
        RoomOptions {
            name: name.to_owned(),
            metadata: String::new(),
            empty_timeout: self.config.signalling.empty_timeout,
            departure_timeout: self.config.signalling.departure_timeout,
            max_participants: 0,
        }
    }
}
