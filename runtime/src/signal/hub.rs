//! Where signals arrive: one place and one thread in the whole process.
//!
//! A signal belongs to the process, not to a runtime, so neither does what serves it. The path of a
//! signal:
//!
//! 1. The handler, on whatever thread, marks the signal in [`Pending`] and writes a byte to the bell.
//! 2. The thread `corio-signals`, which blocks in a read of the bell, takes the marks, counts them into
//!    the [`Lines`], and wakes whoever waits.
//! 3. A listener that is polled compares the count with what it has seen. It takes the marks as well,
//!    so a signal that has come before the poll is seen by it, however busy the thread is.
//!
//! No signal is lost between a look and a wait: both take place under one lock, and the handler marks
//! before it rings. A mark that the look did not find is followed by a byte; when the thread has read
//! the byte and got the lock, the waker is there. A full bell is as good as a byte. Only the thread
//! wakes, so a poll calls no foreign code but the clone of its own waker, and that without the lock.
//!
//! When the last listener of a signal goes, the signal does again what it did before the first came. A
//! signal that nobody has seen by then, and one whose handler was still on its way, is sent once more:
//! it takes the effect that it would have had without listeners.
//!
//! # After a fork
//!
//! A forked child has the parent's memory and descriptors, but not its threads. Its first listener
//! finds that the hub is another process's and makes a new one. It touches neither the bell (the
//! parent's thread would wake up) nor, but for a try, the lock (it may be held by a thread that is not
//! there).
//!
//! The invariants of the file:
//! - **B1** `CURRENT` is null or comes from a `Box<Hub>` that is never freed, and whose sockets are so
//!   never closed.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process;
use std::ptr;
use std::task::{Poll, Waker};

use corio_sync::prim::statics::AtomicPtr;
use corio_sync::prim::{Mutex, Ordering, thread};
use libc::c_int;

use super::disposition::{self, Disposition};
use super::kind::SignalKind;
use super::lines::{Lines, Watched};
use super::pending::Pending;
use crate::say::say;
use crate::sorted::SortedMap;
use crate::threads;
use crate::wake::wake_all;

/// The hub that was made last: this process's, or, after a fork, that of a process before it.
static CURRENT: AtomicPtr<Hub> = AtomicPtr::new(ptr::null_mut());

#[derive(Debug)]
pub(super) struct Hub {
    /// The process that this hub serves.
    pid: u32,
    /// Written by the handler; taken by the thread and by polls, with the lock of `state` held.
    pending: Pending,
    /// Written by the handler, and never waits.
    bell: UnixStream,
    /// Read by the thread, which waits there.
    ear: UnixStream,
    state: Mutex<State>,
    /// The hub that the parent had at the time of the fork.
    parents: Option<&'static Hub>,
}

#[derive(Debug, Default)]
struct State {
    lines: Lines,
    /// What the signals with a line did before they had one.
    previous: SortedMap<c_int, Disposition>,
    has_thread: bool,
}

impl Hub {
    pub(super) fn new(parents: Option<&'static Self>) -> io::Result<Self> {
        // A socket pair where others take a pipe: std makes it, on every system, closed on exec.
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        Ok(Self {
            pid: process::id(),
            pending: Pending::new(),
            bell,
            ear,
            state: Mutex::new(State::default()),
            parents,
        })
    }

    fn current() -> Option<&'static Self> {
        // Ordering: Acquire, sees the hub that the compare-exchange in `get` published.
        let current = CURRENT.load(Ordering::Acquire);
        // SAFETY: null, or never freed (B1).
        unsafe { current.as_ref() }
    }

    /// The hub of this process, if it has one. Safe to call in a handler.
    pub(super) fn of_this_process() -> Option<&'static Self> {
        Self::current().filter(|hub| hub.is_here())
    }

    /// Whether this is the hub of this process, and not of one that has forked it off.
    fn is_here(&self) -> bool {
        self.pid == process::id()
    }

    fn get() -> io::Result<&'static Self> {
        loop {
            let current = Self::current();
            if let Some(hub) = current.filter(|hub| hub.is_here()) {
                return Ok(hub);
            }
            let old = current.map_or(ptr::null_mut(), |hub| ptr::from_ref(hub).cast_mut());
            let new = Box::into_raw(Box::new(Self::new(current)?));
            // Ordering: Release publishes the hub, pairs with the load in `current`.
            let set = CURRENT.compare_exchange(old, new, Ordering::Release, Ordering::Relaxed);
            if set.is_err() {
                // SAFETY: it comes from the box above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
            }
        }
    }

    /// The handler's part: async-signal-safe, but for `errno`.
    pub(super) fn on_signal(&self, signal: c_int) {
        self.pending.mark(signal);
        // A full bell (EAGAIN) rings already; no other error can come while both ends are open (B1).
        // SAFETY: the pointer is to one byte, which is what is written.
        unsafe { libc::write(self.bell.as_raw_fd(), ptr::from_ref(&1_u8).cast(), 1) };
    }

    /// Counts the marks; gives the signals that nobody listens for, to be sent again when the lock is
    /// released.
    #[must_use]
    fn count_marks(&self, state: &mut State) -> Vec<c_int> {
        let mut strays = Vec::new();
        self.pending.take(|signal| {
            if !state.lines.arrive(signal) {
                // Its last listener has gone, and the handler with it, unless other code has put back
                // the handler that it once found: with that one it would go round for ever.
                Disposition::default().restore(signal);
                strays.push(signal);
            }
        });
        strays
    }

    /// The thread's work, for as long as the process lives.
    fn serve(&self) {
        let mut bytes = [0; 256];
        loop {
            match (&self.ear).read(&mut bytes) {
                Ok(1..) => self.announce(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                ended => {
                    // Somebody has closed descriptors that are not theirs.
                    say(format_args!(
                        "the thread that serves signals has lost its socket: {ended:?}"
                    ));
                    return;
                }
            }
        }
    }

    fn announce(&self) {
        let mut state = self.state.lock();
        let strays = self.count_marks(&mut state);
        let woken = state.lines.announce();
        drop(state);
        raise_all(strays);
        // The thread is everybody's: it survives a waker that panics.
        wake_all(woken);
    }

    fn add(&'static self, kind: SignalKind) -> io::Result<Watched> {
        kind.check()?;
        let signal = kind.as_raw();
        let mut state = self.state.lock();
        if !state.has_thread {
            let builder = thread::Builder::new().name("corio-signals".to_owned());
            threads::start(builder, Box::new(|| self.serve())).map_err(|error| {
                kind.refused(error.kind(), format_args!("no thread to serve signals: {error}"))
            })?;
            state.has_thread = true;
        }
        if !state.lines.has(signal) {
            let mut previous =
                Disposition::install(signal).map_err(|error| kind.refused(error.kind(), error))?;
            if previous.is_ours() {
                // A fork has brought it here.
                previous = self.parents_previous(signal).unwrap_or_else(Disposition::default);
            }
            state.previous.insert(signal, previous);
        }
        Ok(state.lines.add(signal))
    }

    /// What `signal` did in the parent before it had listeners there.
    fn parents_previous(&self, signal: c_int) -> Option<Disposition> {
        let parents = self.parents?;
        let known = parents.state.try_lock().and_then(|state| state.previous.get(signal).copied());
        known.or_else(|| parents.parents_previous(signal))
    }

    fn remove(&self, id: u64, signal: c_int) {
        let mut state = self.state.lock();
        let mut strays = self.count_marks(&mut state);
        let removed = state.lines.remove(id, signal);
        if removed.was_last {
            if let Some(previous) = state.previous.remove(signal) {
                previous.restore(signal);
            }
        }
        if removed.unseen {
            strays.push(signal);
        }
        drop(state);
        drop(removed.waker);
        raise_all(strays);
    }

    #[cfg(all(test, not(corio_loom)))]
    pub(super) fn fill_bell(&self) {
        use std::io::Write;
        while (&self.bell).write(&[1; 4096]).is_ok() {}
        while (&self.bell).write(&[1]).is_ok() {}
    }
}

/// Sends signals that have come before, so that their numbers are right.
fn raise_all(signals: Vec<c_int>) {
    for signal in signals {
        let _ = disposition::raise(signal);
    }
}

/// Listens for one or several signals until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    hub: &'static Hub,
    id: u64,
    watched: Vec<Watched>,
    /// Where the next look begins, so that in a storm of one signal the others are seen as well.
    first: usize,
}

impl Listener {
    pub(crate) fn new(kinds: impl IntoIterator<Item = SignalKind>) -> io::Result<Self> {
        let hub = Hub::get()?;
        let id = hub.state.lock().lines.new_id();
        let mut listener = Self { hub, id, watched: Vec::new(), first: 0 };
        for kind in kinds {
            if listener.kinds().all(|known| known != kind) {
                listener.watched.push(hub.add(kind)?);
            }
        }
        Ok(listener)
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = SignalKind> {
        self.watched.iter().map(|watched| SignalKind::from_raw(watched.signal))
    }

    /// Gives a signal that has come, or has `waker` woken when one comes.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<SignalKind> {
        if !self.hub.is_here() {
            // What was made before a fork is the parent's.
            return Poll::Pending;
        }
        // Wakers are cloned and dropped without the lock: they are foreign code.
        let mut clones = Vec::new();
        let mut replaced = Vec::new();
        loop {
            let mut state = self.hub.state.lock();
            let strays = self.hub.count_marks(&mut state);
            let found = self.look(&mut state.lines);
            let waits = |w: &Watched| state.lines.is_waiting(self.id, w.signal, waker);
            let done = found.is_some() || self.watched.iter().all(waits);
            if !done {
                for (watched, clone) in self.watched.iter().zip(clones.drain(..)) {
                    replaced.push(state.lines.wait(self.id, watched.signal, clone));
                }
            }
            drop(state);
            raise_all(strays);
            match found {
                Some(kind) => return Poll::Ready(kind),
                None if done || !replaced.is_empty() => return Poll::Pending,
                None => clones.extend(self.watched.iter().map(|_| waker.clone())),
            }
        }
    }

    fn look(&mut self, lines: &mut Lines) -> Option<SignalKind> {
        let count = self.watched.len();
        for step in 0..count {
            let index = (self.first + step) % count;
            if lines.see(&mut self.watched[index]) {
                self.first = index + 1;
                return Some(SignalKind::from_raw(self.watched[index].signal));
            }
        }
        None
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.hub.is_here() {
            for watched in &self.watched {
                self.hub.remove(self.id, watched.signal);
            }
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests;

#[cfg(all(test, corio_loom))]
mod loom;
