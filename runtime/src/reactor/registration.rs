//! One descriptor's place in a reactor, taken at the first operation that would block.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Waker, ready};

use corio_sync::hooks::{self, WaitKind};
use corio_sync::prim::{Arc, AtomicU8, Ordering};

use super::current::current;
use super::once_arc::OnceArc;
use super::readiness::{Direction, Interest, READABLE, Readiness, Wait, disproved, mask};
use super::ready_state::ReadyState;
use super::{Reactor, SHUT_DOWN};

/// What a registration and a reactor share about one descriptor.
pub(super) struct IoSource {
    pub(super) state: ReadyState,
    /// The reactor that watches the descriptor. The reactor's slab holds the source in turn, until
    /// the registration is dropped or the reactor shut down.
    pub(super) reactor: StdArc<Reactor>,
    pub(super) token: usize,
    pub(super) fd: RawFd,
}

impl fmt::Debug for IoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoSource")
            .field("fd", &self.fd)
            .field("ready", &self.state.load())
            .field("waiting", &self.state.waiting())
            .finish_non_exhaustive()
    }
}

/// The readiness of one descriptor, as a task sees it.
///
/// It starts unregistered, and assumes that the descriptor can be read and written: the first operation
/// is simply tried. Only when one would block does the descriptor enter the reactor of the core that
/// the task runs on, where it stays.
///
/// The descriptor is handed to each call and must be the same each time; it must stay open until the
/// registration is dropped (or [`deregister`](Self::deregister)ed). [`Registered`](super::Registered)
/// sees to both.
///
/// Several tasks may wait in the same direction: an event wakes them all.
#[derive(Debug)]
pub struct Registration {
    source: OnceArc<IoSource>,
    /// READABLE and WRITABLE while unregistered: nothing has disproved them.
    assumed: AtomicU8,
    interest: Interest,
}

impl Registration {
    /// Makes a registration that assumes its descriptor ready until an operation says otherwise.
    pub fn new(interest: Interest) -> Self {
        let assumed = AtomicU8::new(interest.assumed() as u8);
        Self { source: OnceArc::new(), assumed, interest }
    }

    /// Makes a registration that asks the system before the first operation.
    ///
    /// For operations that must not be tried in vain.
    pub fn new_unready(interest: Interest) -> Self {
        Self { source: OnceArc::new(), assumed: AtomicU8::new(0), interest }
    }

    /// Waits until an operation in `direction` is worth trying.
    ///
    /// # Errors
    ///
    /// When the descriptor has to be registered and cannot be: there is no runtime on this thread, the
    /// runtime has been shut down, or the system does not watch such a descriptor (a regular file).
    pub fn poll_ready(
        &self,
        fd: BorrowedFd<'_>,
        direction: Direction,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        let Some(source) = self.source.get() else {
            let assumed = Readiness(self.assumed());
            if assumed.is_ready(direction) {
                return Poll::Ready(Ok(assumed));
            }
            return self.register_and_poll(fd, direction, wait, cx);
        };
        let Poll::Ready(ready) = source.state.poll(direction, cx) else {
            if self.interest.assumed() & mask(direction) == 0 {
                return Poll::Ready(Err(self.not_for(direction)));
            }
            hooks::set_wait(wait.site, wait.kind);
            return Poll::Pending;
        };
        if ready.is_shutdown() {
            return Poll::Ready(Err(io::Error::other(SHUT_DOWN)));
        }
        Poll::Ready(Ok(ready))
    }

    #[cold]
    fn register_and_poll(
        &self,
        fd: BorrowedFd<'_>,
        direction: Direction,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        current()?.register(fd, self)?;
        self.poll_ready(fd, direction, wait, cx)
    }

    #[cold]
    fn not_for(&self, direction: Direction) -> io::Error {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("cannot wait for {direction:?}: the registration is for {:?}", self.interest),
        )
    }

    /// Waits until a read is worth trying.
    ///
    /// # Errors
    ///
    /// Those of [`poll_ready`](Self::poll_ready).
    #[track_caller]
    pub fn poll_read_ready(
        &self,
        fd: BorrowedFd<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        self.poll_ready(fd, Direction::Read, Wait::here(WaitKind::Readiness), cx)
    }

    /// Waits until a write is worth trying.
    ///
    /// # Errors
    ///
    /// Those of [`poll_ready`](Self::poll_ready).
    #[track_caller]
    pub fn poll_write_ready(
        &self,
        fd: BorrowedFd<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        self.poll_ready(fd, Direction::Write, Wait::here(WaitKind::Readiness), cx)
    }

    /// Waits until `operation`, tried each time the descriptor becomes ready, does something else than
    /// fail with [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    ///
    /// Those of `operation` and of [`poll_ready`](Self::poll_ready).
    #[inline]
    pub fn poll_io<R>(
        &self,
        fd: BorrowedFd<'_>,
        direction: Direction,
        wait: Wait,
        cx: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let seen = ready!(self.poll_attempt(fd, direction, wait, cx))?;
            let result = operation();
            if let Err(error) = &result {
                if self.is_to_be_repeated(direction, seen, error) {
                    continue;
                }
            }
            hooks::spend();
            return Poll::Ready(result);
        }
    }

    /// Waits until an operation in `direction` is worth trying, and the task's budget allows it.
    ///
    /// Like the two functions below it is apart from the loops around the operations, which are compiled for each
    /// operation anew.
    fn poll_attempt(
        &self,
        fd: BorrowedFd<'_>,
        direction: Direction,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        ready!(hooks::poll_budget(cx));
        self.poll_ready(fd, direction, wait, cx)
    }

    /// Whether an operation that failed is to be tried again, as soon as it is worth it.
    fn is_to_be_repeated(&self, direction: Direction, seen: Readiness, error: &io::Error) -> bool {
        self.attempted(direction, seen, error);
        matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
    }

    /// A transfer of fewer bytes than there was room for has shown that there is nothing more, as of `seen`.
    fn drained(&self, direction: Direction, seen: Readiness) {
        if direction == Direction::Write || seen.short_read_drains() {
            if let Some(source) = self.source.get() {
                source.state.clear(seen, mask(direction));
            }
        }
    }

    /// [`poll_io`](Self::poll_io) for a stream of bytes and a buffer of `len`: a transfer of fewer bytes
    /// shows that there is nothing more to be had, which saves the operation that would only say so.
    ///
    /// # Errors
    ///
    /// Those of [`poll_io`](Self::poll_io).
    #[inline]
    pub fn poll_stream_io(
        &self,
        fd: BorrowedFd<'_>,
        direction: Direction,
        wait: Wait,
        len: usize,
        cx: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let seen = ready!(self.poll_attempt(fd, direction, wait, cx))?;
            // What was assumed of a descriptor that nobody watches says nothing of one that is watched.
            let watched = self.is_registered();
            let result = operation();
            match &result {
                Err(error) if self.is_to_be_repeated(direction, seen, error) => continue,
                Ok(count) if watched && 0 < *count && *count < len => self.drained(direction, seen),
                _ => {}
            }
            hooks::spend();
            return Poll::Ready(result);
        }
    }

    /// Tries `operation` once, now.
    ///
    /// If it would block, that is remembered: the next wait in `direction` waits for an event. Any raw
    /// operation on a registered descriptor should go through here or through
    /// [`poll_io`](Self::poll_io).
    ///
    /// # Errors
    ///
    /// Those of `operation`, [`WouldBlock`](io::ErrorKind::WouldBlock) among them.
    pub fn try_io<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        let seen = self.readiness();
        let result = operation();
        if let Err(error) = &result {
            self.attempted(direction, seen, error);
        }
        result
    }

    /// What the error of an operation tells of the descriptor is remembered.
    fn attempted(&self, direction: Direction, seen: Readiness, error: &io::Error) {
        if error.kind() == io::ErrorKind::WouldBlock {
            self.clear_ready(direction, seen);
        }
    }

    /// The readiness as known now.
    pub fn readiness(&self) -> Readiness {
        match self.source.get() {
            Some(source) => source.state.load(),
            None => Readiness(self.assumed()),
        }
    }

    /// Forgets that `direction` was ready as of `seen`, because an operation would have blocked.
    ///
    /// An event that came after `seen` stays.
    pub fn clear_ready(&self, direction: Direction, seen: Readiness) {
        match self.source.get() {
            Some(source) => source.state.clear(seen, disproved(direction)),
            None => {
                // Ordering: Relaxed. If another task registers at this moment with the assumption
                // still set, the cost is one operation in vain.
                self.assumed.fetch_and(!(mask(direction) as u8), Ordering::Relaxed);
            }
        }
    }

    /// Wakes whoever waits in `direction`, as an event would: they try again.
    ///
    /// For those who change what an operation comes to by other means than the descriptor.
    pub fn wake(&self, direction: Direction) {
        let Some(source) = self.source.get() else { return };
        let mut wakers = VecDeque::new();
        source.state.event(mask(direction), &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until a read is worth trying.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn readable<'a>(&'a self, fd: BorrowedFd<'a>) -> Ready<'a> {
        self.ready(fd, Direction::Read, Wait::here(WaitKind::Readiness))
    }

    /// Waits until a write is worth trying.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn writable<'a>(&'a self, fd: BorrowedFd<'a>) -> Ready<'a> {
        self.ready(fd, Direction::Write, Wait::here(WaitKind::Readiness))
    }

    /// Waits until an operation in `direction` is worth trying.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn ready<'a>(&'a self, fd: BorrowedFd<'a>, direction: Direction, wait: Wait) -> Ready<'a> {
        Ready { registration: self, fd, direction, wait }
    }

    /// Takes the descriptor out of the reactor. The next wait registers it anew, on the runtime of its
    /// own thread.
    pub fn deregister(&mut self) {
        if let Some(source) = self.source.take() {
            source.reactor.deregister(&source);
        }
        *self = Self::new_unready(self.interest);
    }

    /// Tells whether the descriptor has entered a reactor.
    pub fn is_registered(&self) -> bool {
        self.source.get().is_some()
    }

    /// What the registration is for.
    pub fn interest(&self) -> Interest {
        self.interest
    }

    pub(super) fn source(&self) -> Option<&IoSource> {
        self.source.get()
    }

    pub(super) fn set_source(&self, source: Arc<IoSource>) -> Result<(), Arc<IoSource>> {
        self.source.set(source)
    }

    pub(super) fn assumed(&self) -> u32 {
        // Ordering: Relaxed, see `clear_ready`.
        self.assumed.load(Ordering::Relaxed).into()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(source) = self.source.take() {
            source.reactor.deregister(&source);
        }
    }
}

/// Waits until a descriptor is ready; see [`Registration::ready`].
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Ready<'a> {
    registration: &'a Registration,
    fd: BorrowedFd<'a>,
    direction: Direction,
    wait: Wait,
}

impl Future for Ready<'_> {
    type Output = io::Result<Readiness>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(hooks::poll_budget(cx));
        let ready = ready!(self.registration.poll_ready(self.fd, self.direction, self.wait, cx));
        hooks::spend();
        Poll::Ready(ready)
    }
}

// The assumption is kept in the low byte of the readiness word.
const _: () = assert!(READABLE < 1 << 8);
#[cfg(not(corio_loom))]
const _: () = assert!(size_of::<IoSource>() + 2 * size_of::<usize>() <= 96);
