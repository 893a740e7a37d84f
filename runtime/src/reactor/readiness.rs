//! What a source can be asked for, and what the system said about it.

use std::fmt;

use corio_sync::hooks::{Site, WaitKind};

/// One of the two sides of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Reading, receiving, accepting.
    Read,
    /// Writing, sending, connecting.
    Write,
}

/// Which events a source is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Only that it can be read from (a listener, an inotify descriptor).
    Read,
    /// Only that it can be written to.
    Write,
    /// Both sides.
    Both,
}

impl Interest {
    /// The readiness that a source of this interest may be assumed to have before anybody asked.
    pub(crate) fn assumed(self) -> u32 {
        match self {
            Interest::Read => READABLE,
            Interest::Write => WRITABLE,
            Interest::Both => READABLE | WRITABLE,
        }
    }
}

/// Where in the source a leaf future waits, and for what: for `introspect`.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The call that made the leaf.
    pub site: Site,
    /// The word for what it waits for.
    pub kind: WaitKind,
}

impl Wait {
    /// A wait for `kind` at the caller's place.
    #[track_caller]
    #[inline]
    pub fn here(kind: WaitKind) -> Self {
        Self { site: Site::caller(), kind }
    }
}

/// A read may be tried.
pub(crate) const READABLE: u32 = 1;
/// A write may be tried.
pub(crate) const WRITABLE: u32 = 1 << 1;
/// The peer sends nothing more: a short read does not mean that everything has been read.
pub(crate) const READ_CLOSED: u32 = 1 << 2;
/// The peer takes nothing more.
pub(crate) const WRITE_CLOSED: u32 = 1 << 3;
/// The source has an error to report.
pub(crate) const ERROR: u32 = 1 << 4;
/// Urgent data has arrived: reads stop short at its mark, so a short read means nothing.
pub(crate) const URGENT: u32 = 1 << 5;
/// The reactor is gone; set once, never cleared.
pub(crate) const SHUTDOWN: u32 = 1 << 6;

/// The flags take the low byte of the word, the tick the rest.
pub(crate) const TICK: u32 = 1 << 8;
const FLAGS: u32 = TICK - 1;

/// A snapshot of a source's readiness, with the number of the event that it includes.
///
/// Handing it back to [`Registration::clear_ready`](super::Registration::clear_ready) clears only
/// what this snapshot saw: an event that arrived since stays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Readiness(pub(crate) u32);

impl Readiness {
    /// Tells whether an operation in `direction` is worth trying (it may succeed or report an error).
    #[inline]
    pub fn is_ready(self, direction: Direction) -> bool {
        self.0 & (mask(direction) | SHUTDOWN) != 0
    }

    /// Tells whether a read may be tried.
    pub fn is_readable(self) -> bool {
        self.0 & READABLE != 0
    }

    /// Tells whether a write may be tried.
    pub fn is_writable(self) -> bool {
        self.0 & WRITABLE != 0
    }

    /// Tells whether the peer has ended its side: what is left to read is the rest.
    ///
    /// It says nothing about writing: after a half-close the other side still listens.
    pub fn is_read_closed(self) -> bool {
        self.0 & READ_CLOSED != 0
    }

    /// Tells whether writes can no longer succeed.
    pub fn is_write_closed(self) -> bool {
        self.0 & WRITE_CLOSED != 0
    }

    /// Tells whether the source has an error to report to the next operation.
    pub fn is_error(self) -> bool {
        self.0 & ERROR != 0
    }

    /// Tells whether the runtime that watched the source has been shut down.
    pub fn is_shutdown(self) -> bool {
        self.0 & SHUTDOWN != 0
    }

    /// Tells whether a read that returned fewer bytes than asked for has emptied the source.
    #[inline]
    pub(crate) fn short_read_drains(self) -> bool {
        self.0 & (READ_CLOSED | URGENT) == 0
    }

    /// Tells whether no event came between this snapshot and `other`.
    #[inline]
    pub(crate) fn same_tick(self, other: u32) -> bool {
        (self.0 ^ other) & !FLAGS == 0
    }
}

/// The flag that says that `direction` may be tried.
#[inline]
pub(crate) fn mask(direction: Direction) -> u32 {
    match direction {
        Direction::Read => READABLE,
        Direction::Write => WRITABLE,
    }
}

/// What a `WouldBlock` in `direction` disproves.
///
/// A source that says "not now" is not at its end, so a closed flag that was set is out of date: left
/// standing it would let the next wait return at once, for ever.
#[inline]
pub(crate) fn disproved(direction: Direction) -> u32 {
    match direction {
        Direction::Read => READABLE | READ_CLOSED | URGENT | ERROR,
        Direction::Write => WRITABLE | WRITE_CLOSED | ERROR,
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (READABLE, "readable"),
            (WRITABLE, "writable"),
            (READ_CLOSED, "read closed"),
            (WRITE_CLOSED, "write closed"),
            (ERROR, "error"),
            (URGENT, "urgent"),
            (SHUTDOWN, "shut down"),
        ];
        let mut set = f.debug_set();
        for (bit, name) in names {
            if self.0 & bit != 0 {
                set.entry(&format_args!("{name}"));
            }
        }
        set.finish()
    }
}
