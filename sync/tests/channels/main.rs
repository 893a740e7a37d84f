//! The channels: one value, many to one, many to many, all to all, the latest.

#[path = "../kit/mod.rs"]
mod kit;

mod broadcast;
mod channel;
mod mpsc;
mod oneshot;
mod watch;
