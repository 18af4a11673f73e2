//! `network`: two transports over a bad network. `handshake` and `channels`: one protocol against a
//! peer of another make, or one that lies.

mod channels;
mod handshake;
mod network;
