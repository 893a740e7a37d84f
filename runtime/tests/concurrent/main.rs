//! Many futures in one task: gather, race, as_completed, wait, shield.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]

#[path = "../kit/mod.rs"]
mod kit;

mod as_completed;
mod gather;
mod panics;
mod race;
mod shield;
mod wait;

use corio_runtime::structured::{WaitFor, as_completed, gather, race, try_gather, wait};

#[test]
fn the_futures_are_send_if_their_parts_are() {
    fn send<T: Send>(value: T) {
        drop(value);
    }
    send(gather([async {}]));
    send(try_gather([async { Ok::<_, ()>(()) }]));
    send(race([async {}]));
    send(as_completed([async {}]));
    send(wait(Vec::<corio_runtime::Task<()>>::new(), WaitFor::All));
}
