//! Readiness of sockets, pipes and other descriptors: who waits for what, and the wait itself.
//!
//! Each core of an executor has one [`Reactor`], made at the first registration. Its own thread turns
//! it; an idle sibling may look in, with a zero timeout, while that thread is held up in a long poll.
//!
//! A [`Registration`] is one descriptor's place in a reactor. It takes that place at the first
//! operation that would block: a connection that is answered and closed before it ever waits costs no
//! call for it. Events are edge-triggered, so one registration serves a descriptor's whole life.
//! [`Registered`] keeps a registration and what it watches together.
//!
//! Three ideas are borrowed: the tick that guards a clear is tokio's, the rule for short reads too; the
//! generation in the token is Go's answer to a reused slot.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc as StdArc;
use std::task::Waker;
use std::time::Duration;

use corio_sync::prim::{Arc, Mutex};
use slab::Slab;

mod current;
mod handed_over;
#[cfg(target_os = "linux")]
#[doc(hidden)]
pub mod messages;
mod once_arc;
mod readiness;
mod ready_state;
mod registered;
mod registration;
mod sleep_state;
mod sys;

#[cfg(all(test, corio_loom))]
mod loom;
#[cfg(all(test, not(corio_loom)))]
mod tests;

#[doc(hidden)]
pub use handed_over::take_handed_over;
pub use readiness::{Direction, Interest, Readiness, Wait};
pub use registered::{Io, Registered, StreamIo};
pub use registration::{Ready, Registration};

use ready_state::ReadyState;
use registration::IoSource;
use sleep_state::SleepState;

use crate::wake::wake_all;

/// How many events one turn takes from the system unless told otherwise.
const EVENTS: usize = 1024;

/// The waker's token; no source has it, since its index is beyond [`MAX_INDEX`].
const WAKE: usize = usize::MAX;

/// A token is a slot's index in the low bits and the number of its registration above: a slot that is
/// used again has another token, and what is still under way for the old one is ignored.
const INDEX_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
const MAX_INDEX: usize = (1 << INDEX_BITS) - 2;

pub(crate) const SHUT_DOWN: &str = "the runtime of this socket has been shut down";

/// The source of I/O events of one core.
pub struct Reactor {
    selector: sys::Selector,
    waker: mio::Waker,
    /// Whether a thread sleeps in `turn`.
    sleep: SleepState,
    sources: Mutex<Sources>,
}

/// Written with its lock held by registrations, deregistrations and `shutdown`; read by `turn`.
struct Sources {
    slab: Slab<Entry>,
    /// The generation of the next registration; wraps.
    next_generation: usize,
    /// Set once, by `shutdown`: the slab is empty and stays so.
    shut_down: bool,
}

struct Entry {
    source: Arc<IoSource>,
    generation: usize,
}

/// The space that [`Reactor::turn`] works in; its owner keeps it from turn to turn.
pub struct Events {
    buffer: sys::Buffer,
    /// Wakers of the turn under way; empty between turns.
    wakers: VecDeque<Waker>,
}

impl Events {
    /// Space for as many events as are worth taking at once.
    pub fn new() -> Self {
        Self::with_capacity(EVENTS)
    }

    /// Space for `capacity` events. What does not fit waits for the next turn.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { buffer: sys::Buffer::with_capacity(capacity), wakers: VecDeque::new() }
    }

    /// Tells whether the last turn filled the space, so that there may be more.
    pub fn is_full(&self) -> bool {
        self.buffer.len() == self.buffer.capacity()
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl Reactor {
    /// Makes a reactor.
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left for the selector or its waker; nothing is kept then.
    pub fn new() -> io::Result<Self> {
        let context = |error| with_context(error, "cannot make the reactor of this core");
        let selector = sys::Selector::new().map_err(context)?;
        let waker = sys::make_waker(selector.registry(), mio::Token(WAKE)).map_err(context)?;
        let sources = Sources { slab: Slab::new(), next_generation: 0, shut_down: false };
        Ok(Self { selector, waker, sleep: SleepState::new(), sources: Mutex::new(sources) })
    }

    /// Waits for events, for at most `timeout`, and wakes those who wait for them.
    ///
    /// Returns the number of sources that had events: 0 when the time is over, when the reactor was
    /// notified, or when a signal came (the caller knows its deadline and turns again).
    ///
    /// Any thread may call it, also at the same time as another. One thread at a time sleeps in it: a
    /// second one with a timeout returns at once.
    ///
    /// # Errors
    ///
    /// Those of the system's wait; they mean a broken descriptor.
    pub fn turn(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        let visitor = timeout == Some(Duration::ZERO);
        let waited = if visitor {
            self.selector.wait(&mut events.buffer, timeout)
        } else if self.sleep.begin() {
            let waited = self.selector.wait(&mut events.buffer, timeout);
            self.sleep.end();
            waited
        } else {
            self.selector.wait(&mut events.buffer, Some(Duration::ZERO))
        };
        match waited {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            other => other?,
        }
        if events.buffer.len() == 0 {
            return Ok(0);
        }
        let (count, notified) = self.deliver(events);
        if notified && self.sleep.taken_by_visitor() {
            self.write_waker();
        }
        events.wake_all();
        Ok(count)
    }

    /// Hands the events to their sources: how many sources, and whether the waker's was among them.
    fn deliver(&self, events: &mut Events) -> (usize, bool) {
        let (mut count, mut notified) = (0, false);
        let sources = self.sources.lock();
        for (token, flags) in events.buffer.iter() {
            if token == WAKE {
                notified = true;
                continue;
            }
            let (index, generation) = unpack(token);
            // A token whose source is gone, or whose slot has another source by now, is ignored.
            match sources.slab.get(index) {
                Some(entry) if entry.generation == generation => {
                    entry.source.state.event(flags, &mut events.wakers);
                    count += 1;
                }
                _ => {}
            }
        }
        (count, notified)
    }

    /// Makes the thread that sleeps in [`turn`](Self::turn) return, or the next one not sleep at all.
    ///
    /// It writes to the system only if a thread sleeps and nobody has notified it yet.
    pub fn notify(&self) {
        if self.sleep.notify() {
            self.write_waker();
        }
    }

    fn write_waker(&self) {
        // The one failure that a write of 8 bytes to an open eventfd has is a full counter, and a full
        // counter wakes. On a kqueue the call can be interrupted.
        while let Err(error) = sys::wake(&self.waker) {
            if error.kind() != io::ErrorKind::Interrupted {
                break;
            }
        }
    }

    /// Ends the reactor's service: every waiter is woken, and its operation fails, as do later ones.
    pub fn shutdown(&self) {
        let mut sources = self.sources.lock();
        sources.shut_down = true;
        let slab = std::mem::take(&mut sources.slab);
        drop(sources);
        let mut events = Events::with_capacity(1);
        for (_, entry) in slab {
            entry.source.state.shutdown(&mut events.wakers);
        }
        events.wake_all();
        self.notify();
    }

    /// How many descriptors are registered.
    pub fn registered(&self) -> usize {
        self.sources.lock().slab.len()
    }

    /// Gives the descriptor `fd` of `registration` a place here, unless it has one by now.
    fn register(
        self: &StdArc<Self>,
        fd: BorrowedFd<'_>,
        registration: &Registration,
    ) -> io::Result<()> {
        // The lock is held across the system call: two tasks on this core that register the same
        // socket must not add it twice.
        let mut sources = self.sources.lock();
        if registration.source().is_some() {
            return Ok(());
        }
        if sources.shut_down {
            return Err(io::Error::other(SHUT_DOWN));
        }
        let generation = sources.next_generation;
        sources.next_generation = generation.wrapping_add(1);
        let slot = sources.slab.vacant_entry();
        let index = slot.key();
        if index > MAX_INDEX {
            return Err(io::Error::other(format!("this core already watches {index} descriptors")));
        }
        let raw = fd.as_raw_fd();
        let token = pack(index, generation);
        // A failure here leaves the slot vacant and the registration as it was.
        sys::add(self.selector.registry(), raw, mio::Token(token), registration.interest())
            .map_err(|error| explain_add(error, raw))?;
        let source = Arc::new(IoSource {
            state: ReadyState::new(registration.assumed()),
            reactor: self.clone(),
            token,
            fd: raw,
        });
        slot.insert(Entry { source: source.clone(), generation: unpack(token).1 });
        if let Err(source) = registration.set_source(source) {
            // Another core's reactor was faster. Nobody has seen this source: take it back.
            sources.slab.remove(index);
            let _ = sys::remove(self.selector.registry(), raw);
            drop(sources);
            drop(source);
        }
        Ok(())
    }

    /// Takes a source's place away, before its descriptor is closed: a copy of the descriptor in
    /// another process would keep the entry alive, and then nobody could delete it.
    fn deregister(&self, source: &IoSource) {
        let (index, generation) = unpack(source.token);
        let mut sources = self.sources.lock();
        // After `shutdown` the slab is empty, and nobody waits on the selector any more.
        let Some(entry) = sources.slab.get(index) else { return };
        if entry.generation != generation {
            return;
        }
        let entry = sources.slab.remove(index);
        // It fails only for a descriptor that somebody closed behind our back; the entry in the kernel
        // is then gone, or reports a token that nobody has.
        let _ = sys::remove(self.selector.registry(), source.fd);
        drop(sources);
        drop(entry);
    }
}

impl Events {
    /// Wakes the batch in the order of its events. A waker that panics does not keep the others from
    /// being woken, nor end the thread that turns.
    fn wake_all(&mut self) {
        wake_all(self.wakers.drain(..));
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        // A source holds the reactor, so none is left.
        debug_assert!(self.sources.get_mut().slab.is_empty());
    }
}

fn pack(index: usize, generation: usize) -> usize {
    index | (generation << INDEX_BITS)
}

/// The index and the generation of a token, the latter cut to the bits that fit.
fn unpack(token: usize) -> (usize, usize) {
    (token & ((1 << INDEX_BITS) - 1), token >> INDEX_BITS)
}

/// The same kind of error, with what was being done. The error itself is its source, for those who
/// look for the system's number.
pub(crate) fn with_context(error: io::Error, what: impl fmt::Display) -> io::Error {
    io::Error::new(error.kind(), WithContext { what: what.to_string(), error })
}

#[derive(Debug)]
struct WithContext {
    what: String,
    error: io::Error,
}

impl fmt::Display for WithContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.error)
    }
}

impl std::error::Error for WithContext {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

fn explain_add(error: io::Error, fd: i32) -> io::Error {
    let what = format!("cannot wait for readiness of descriptor {fd}");
    match error.kind() {
        io::ErrorKind::PermissionDenied => with_context(
            error,
            format_args!(
                "{what}, a regular file or a directory, which is always ready: \
                 use `fs` or `spawn_blocking`"
            ),
        ),
        io::ErrorKind::AlreadyExists => with_context(
            error,
            format_args!("{what}: it is registered already, by another owner of the same number"),
        ),
        _ => with_context(error, what),
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("registered", &self.registered()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("capacity", &self.buffer.capacity()).finish_non_exhaustive()
    }
}
