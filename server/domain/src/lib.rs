//! The rules of rooms and meetings as pure functions: no clock, no chance, no store.
//!
//! Time and randomness come in as parameters; what comes out is a value, a decision or a list of
//! problems. Source: contract rest-api.md.

pub mod deletion;
pub mod input;
pub mod list;
pub mod meeting;
pub mod name;
pub mod participant;
pub mod permissions;
pub mod room;

pub use room::Room;
