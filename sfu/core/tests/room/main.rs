//! A room driven by hand-made clients and a fake shard: one file per behaviour.

#![expect(deprecated, reason = "clients in the field still use the fields of older protocols")]

mod admin;
mod data;
mod denied;
mod dual;
mod join;
mod resume;
mod single;
mod subscribe;
mod timers;
mod world;
