//! Tests of the server as its clients see it: routers without a listening socket, a temporary
//! database, a real media server; real sockets only where signalling needs them.

mod assets;
mod meetings;
mod participant_tokens;
mod roles;
mod rooms_create;
mod rooms_delete;
mod rooms_list;
mod rooms_read;
mod routes;
mod rtc;
mod socket;
mod twirp;
mod world;
