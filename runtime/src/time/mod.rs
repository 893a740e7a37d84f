//! Waiting, deadlines and beats.
//!
//! *Which one do I want?* [`sleep`] to wait, [`timeout`] to limit how long something may take,
//! [`interval`] to do something again and again. [`Instant`] is std's, on the runtime's clock.
//!
//! Timers never fire early; they fire in ticks of 2^16 ns (in paused time, to the nanosecond). They
//! follow the monotonic clock: setting the wall clock does not move them, and while a Linux machine
//! is suspended they stand still.
//!
//! A test need not wait: where time is [paused](pause), it jumps to the next timer whenever all tasks
//! wait.

mod advance;
pub(crate) mod clock;
mod instant;
mod interval;
mod registration;
mod sleep;
mod timeout;
pub(crate) mod timers;
mod wheel;

#[cfg(all(test, not(corio_loom)))]
mod testing;

pub use advance::{Advance, advance, pause, resume};
pub use instant::Instant;
pub use interval::{Interval, MissedTick, Tick, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, MoveOnAfter, Timeout, move_on_after, timeout, timeout_at};
