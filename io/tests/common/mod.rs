//! A small executor, scripted readers and writers, and the harness that drops futures half-way.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of this")]
#![allow(clippy::disallowed_types, reason = "it is `prim`'s, which clippy cannot tell from std's")]

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{Error, ErrorKind, Result};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use corio_io::{AsyncBufRead, AsyncRead, AsyncWrite};
use corio_sync::prim::{AtomicUsize, Ordering, Parker};

struct Unpark(Parker);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives `future` to its end on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let unpark = Arc::new(Unpark(Parker::new()));
    let waker = Waker::from(unpark.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        unpark.0.park();
    }
}

/// A waker that counts how often it was woken.
#[derive(Default)]
pub struct Count(AtomicUsize);

impl Count {
    pub fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), count.into())
    }
    pub fn get(&self) -> usize {
        // Ordering: Relaxed, read on the thread that wakes or after it was joined.
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        // Ordering: Relaxed, see `get`.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls once with a waker that does nothing.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls `future` up to `polls` times, then drops it. This is what `select!` and timeouts do.
pub fn poll_then_drop<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return Some(value);
        }
    }
    None
}

/// Runs both to their ends, in turns.
pub async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut a_out, mut b_out) = (None, None);
    poll_fn(|cx| {
        if a_out.is_none() {
            if let Poll::Ready(out) = a.as_mut().poll(cx) {
                a_out = Some(out);
            }
        }
        if b_out.is_none() {
            if let Poll::Ready(out) = b.as_mut().poll(cx) {
                b_out = Some(out);
            }
        }
        if a_out.is_some() && b_out.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (a_out.unwrap(), b_out.unwrap())
}

/// What a scripted reader or writer does in one poll.
#[derive(Clone, Debug)]
pub enum Step {
    /// A reader gives these bytes (as far as they fit; the rest stays).
    Data(Vec<u8>),
    /// A writer takes up to so many bytes.
    Take(usize),
    /// Nothing now; the waker is woken at once.
    Pending,
    /// Nothing now, and nobody will wake.
    Stall,
    /// An error.
    Fail(ErrorKind),
    /// It claims so many bytes, without touching any.
    Claim(usize),
    /// The end of the input.
    End,
}

pub use Step::*;

/// A stream that follows one script for reads and one for writes. An empty script is the end of the
/// input, and a writer that takes everything.
#[derive(Debug, Default)]
pub struct Script {
    pub reads: VecDeque<Step>,
    pub writes: VecDeque<Step>,
    pub flushes: VecDeque<Step>,
    pub written: Vec<u8>,
    /// How many times each method was called.
    pub polls: Polls,
    pub closed: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Polls {
    pub read: usize,
    pub write: usize,
    pub flush: usize,
    pub close: usize,
}

impl Script {
    pub fn reader(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { reads: steps.into_iter().collect(), ..Self::default() }
    }
    pub fn writer(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { writes: steps.into_iter().collect(), ..Self::default() }
    }
    /// Gives `bytes` in pieces of `size`, with `pending` pauses before each.
    pub fn pieces(bytes: &[u8], size: usize, pending: usize) -> Self {
        let piece = |chunk: &[u8]| {
            std::iter::repeat_n(Pending, pending).chain([Data(chunk.to_vec())]).collect::<Vec<_>>()
        };
        Self::reader(bytes.chunks(size).flat_map(piece))
    }
    /// What has not been read yet.
    pub fn unread(&self) -> Vec<u8> {
        let data = |step: &Step| if let Data(bytes) = step { bytes.clone() } else { Vec::new() };
        self.reads.iter().flat_map(data).collect()
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        self.polls.read += 1;
        match self.reads.pop_front() {
            Some(Data(mut bytes)) => {
                let n = bytes.len().min(buf.len());
                buf[..n].copy_from_slice(&bytes[..n]);
                bytes.drain(..n);
                if !bytes.is_empty() {
                    self.reads.push_front(Data(bytes));
                }
                Poll::Ready(Ok(n))
            }
            Some(End) | None => {
                // The end stays the end.
                self.reads.push_front(End);
                Poll::Ready(Ok(0))
            }
            Some(step) => {
                if matches!(step, Stall) {
                    self.reads.push_front(Stall);
                }
                other(step, cx)
            }
        }
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        self.polls.write += 1;
        match self.writes.pop_front() {
            None => {
                self.written.extend_from_slice(buf);
                Poll::Ready(Ok(buf.len()))
            }
            Some(Take(n)) => {
                let n = n.min(buf.len());
                self.written.extend_from_slice(&buf[..n]);
                Poll::Ready(Ok(n))
            }
            Some(step) => {
                if matches!(step, Stall) {
                    self.writes.push_front(Stall);
                }
                other(step, cx)
            }
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.polls.flush += 1;
        match self.flushes.pop_front() {
            None => Poll::Ready(Ok(())),
            Some(step) => other(step, cx).map_ok(|_| ()),
        }
    }
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        self.polls.close += 1;
        self.closed = true;
        Poll::Ready(Ok(()))
    }
}

fn other(step: Step, cx: &mut Context<'_>) -> Poll<Result<usize>> {
    match step {
        Pending => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Stall => Poll::Pending,
        Fail(kind) => Poll::Ready(Err(Error::from(kind))),
        Claim(n) => Poll::Ready(Ok(n)),
        Data(_) | Take(_) | End => unreachable!("handled by the caller"),
    }
}

/// A buffered reader whose `consume` panics if asked for more than it gave.
#[derive(Debug)]
pub struct Strict {
    pub inner: Script,
    buf: Vec<u8>,
}

impl Strict {
    pub fn new(inner: Script) -> Self {
        Self { inner, buf: Vec::new() }
    }
    pub fn unread(&self) -> Vec<u8> {
        [self.buf.clone(), self.inner.unread()].concat()
    }
}

impl AsyncRead for Strict {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        assert!(self.buf.is_empty(), "read past the buffer");
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncBufRead for Strict {
    fn poll_fill_buf(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        let this = &mut *self;
        if this.buf.is_empty() {
            let mut room = [0; 4096];
            match Pin::new(&mut this.inner).poll_read(cx, &mut room) {
                Poll::Ready(Ok(n)) => this.buf.extend_from_slice(&room[..n]),
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(&self.get_mut().buf))
    }
    fn consume(mut self: Pin<&mut Self>, n: usize) {
        assert!(n <= self.buf.len(), "consumed {n} of {}", self.buf.len());
        self.buf.drain(..n);
    }
}

/// A generator of numbers for tests: same seed, same numbers (xorshift).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
