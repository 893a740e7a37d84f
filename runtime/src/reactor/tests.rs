//! The reactor against real sockets and pipes, and against a system that fails.
//!
//! What several of these tests need is here: a reactor of this thread's own, a waker that counts, reads and writes
//! of one poll.

mod ends;
mod ready;
mod registering;
mod turns;

use std::cell::Cell;
use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use corio_sync::hooks::WaitKind;
use corio_sync::prim::{AtomicUsize, Ordering, thread};

use super::current::set_current;
use super::sys::{Call, faults};
use super::*;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

/// A reactor that is this thread's own until the end of a test.
struct Bench {
    reactor: Arc<Reactor>,
    events: Events,
}

impl Bench {
    fn new() -> Self {
        Self::with_capacity(64)
    }

    fn with_capacity(capacity: usize) -> Self {
        let reactor = Arc::new(Reactor::new().unwrap());
        set_current(Some(reactor.clone()));
        Self { reactor, events: Events::with_capacity(capacity) }
    }

    fn turn(&mut self) -> usize {
        self.reactor.turn(&mut self.events, Some(Duration::ZERO)).unwrap()
    }

    /// Turns until `flag` has been woken `count` times.
    fn turn_until(&mut self, flag: &Flag, count: usize) {
        let start = Instant::now();
        while flag.count() < count {
            assert!(start.elapsed() < LONG, "woken {} times, not {count}", flag.count());
            self.reactor.turn(&mut self.events, Some(Duration::from_millis(100))).unwrap();
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        set_current(None);
        assert_eq!(self.reactor.registered(), 0, "a registration outlived its test");
    }
}

/// A waker that counts.
#[derive(Debug, Default)]
struct Flag(AtomicUsize);

impl Flag {
    fn new() -> (Arc<Self>, Waker) {
        let flag = Arc::<Self>::default();
        (flag.clone(), flag.into())
    }

    fn count(&self) -> usize {
        // Ordering: Acquire, pairs with the Release in `wake`.
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        // Ordering: Release, pairs with the Acquire in `count`.
        self.0.fetch_add(1, Ordering::Release);
    }
}

fn pair() -> (Registered<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (Registered::new(ours), theirs)
}

fn wait_for(direction: Direction) -> Wait {
    Wait::here(match direction {
        Direction::Read => WaitKind::Read,
        Direction::Write => WaitKind::Write,
    })
}

fn poll_read(
    io: &Registered<UnixStream>,
    buffer: &mut [u8],
    waker: &Waker,
) -> Poll<io::Result<usize>> {
    let cx = &mut Context::from_waker(waker);
    let len = buffer.len();
    let wait = wait_for(Direction::Read);
    io.poll_stream_io(Direction::Read, wait, len, cx, |mut s| s.read(buffer))
}

fn poll_write(io: &Registered<UnixStream>, data: &[u8], waker: &Waker) -> Poll<io::Result<usize>> {
    let cx = &mut Context::from_waker(waker);
    let wait = wait_for(Direction::Write);
    io.poll_stream_io(Direction::Write, wait, data.len(), cx, |mut s| s.write(data))
}

fn read_count(poll: Poll<io::Result<usize>>) -> Option<usize> {
    match poll {
        Poll::Ready(result) => Some(result.unwrap()),
        Poll::Pending => None,
    }
}
