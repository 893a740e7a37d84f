//! Child processes when something goes wrong: what has gone wrong in other runtimes.
#![cfg(target_os = "linux")]

mod alone;
mod ends;
mod inherited;
mod kit;
mod pipes;
