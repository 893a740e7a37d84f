//! Who listens for which signal, and what they have seen: the bookkeeping, without the system.
//!
//! For each signal with a listener there is a line: how often it has come (a number that only grows;
//! signals that come close together are counted once), and who waits for it. A listener remembers the
//! number up to which it has seen each of its signals, so it misses nothing between two waits.

use std::task::Waker;

use libc::c_int;

use crate::sorted::SortedMap;

#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: SortedMap<c_int, Line>,
    last_id: u64,
}

#[derive(Debug, Default)]
struct Line {
    listeners: usize,
    /// How often the signal was found pending.
    arrived: u64,
    /// The part of `arrived` that some listener has seen.
    seen: u64,
    /// The part of `arrived` for which the waiting ones were woken.
    announced: u64,
    /// The listeners that wait, by id. A waker leaves when it is woken, replaced or not wanted any more.
    waiting: SortedMap<u64, Waker>,
}

/// One signal, as one listener sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched {
    pub(super) signal: c_int,
    seen: u64,
}

/// What is left when a listener has gone from a line.
#[derive(Debug)]
pub(super) struct Removed {
    /// To be dropped without a lock: it may be the last reference to a task, and what the task holds.
    pub(super) waker: Option<Waker>,
    pub(super) was_last: bool,
    /// Of the last listener: the signal has come, and nobody has seen it.
    pub(super) unseen: bool,
}

impl Lines {
    pub(super) fn has(&self, signal: c_int) -> bool {
        self.lines.get(signal).is_some()
    }

    /// A name for a listener.
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Adds a listener that has seen everything so far.
    pub(super) fn add(&mut self, signal: c_int) -> Watched {
        let seen = match self.lines.get_mut(signal) {
            Some(line) => {
                line.listeners += 1;
                line.arrived
            }
            None => {
                self.lines.insert(signal, Line { listeners: 1, ..Line::default() });
                0
            }
        };
        Watched { signal, seen }
    }

    /// Takes a listener out.
    pub(super) fn remove(&mut self, id: u64, signal: c_int) -> Removed {
        let Some(line) = self.lines.get_mut(signal) else {
            return Removed { waker: None, was_last: false, unseen: false };
        };
        let waker = line.waiting.remove(id);
        line.listeners -= 1;
        let was_last = line.listeners == 0;
        let unseen = was_last && line.seen < line.arrived;
        if was_last {
            self.lines.remove(signal);
        }
        Removed { waker, was_last, unseen }
    }

    /// The signal has come; `false` if nobody listens for it.
    pub(super) fn arrive(&mut self, signal: c_int) -> bool {
        match self.lines.get_mut(signal) {
            Some(line) => {
                line.arrived += 1;
                true
            }
            None => false,
        }
    }

    /// Whether `watched` has come since it was last seen; if so, it is seen now.
    pub(super) fn see(&mut self, watched: &mut Watched) -> bool {
        match self.lines.get_mut(watched.signal) {
            Some(line) if watched.seen < line.arrived => {
                watched.seen = line.arrived;
                line.seen = line.arrived;
                true
            }
            _ => false,
        }
    }

    /// Whether `waker` would be woken already.
    pub(super) fn is_waiting(&self, id: u64, signal: c_int, waker: &Waker) -> bool {
        let waiting = self.lines.get(signal).and_then(|line| line.waiting.get(id));
        waiting.is_some_and(|known| known.will_wake(waker))
    }

    /// Has `waker` woken when `signal` comes; gives back the one that it replaces.
    pub(super) fn wait(&mut self, id: u64, signal: c_int, waker: Waker) -> Option<Waker> {
        match self.lines.get_mut(signal) {
            Some(line) => line.waiting.insert(id, waker),
            None => Some(waker),
        }
    }

    /// Takes out whoever waits for a signal that has come.
    pub(super) fn announce(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        for line in self.lines.values_mut().filter(|line| line.announced < line.arrived) {
            line.announced = line.arrived;
            woken.extend(std::mem::take(&mut line.waiting).into_values());
        }
        woken
    }
}

#[cfg(test)]
mod tests;
