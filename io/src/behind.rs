//! Writing behind: bytes are taken at once, and written in their order on a thread for blocking calls.
//!
//! One call writes everything that has gathered by the time it runs, so a burst of small writes costs
//! one hand-off. What has been taken is written whatever happens to the handle, the task or the
//! runtime: a call that never gets its thread writes when it is dropped. An error is kept for the next
//! write, flush or close; if none comes, it is told on stderr.
//!
//! No waker is cloned, woken or dropped while a lock is held.

mod untold;

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::task::{Context, Poll, Waker, ready};

use corio_runtime::Handle;
use corio_sync::hooks;
use corio_sync::prim::{Arc, Mutex, MutexGuard};

use corio_runtime::say::say;

use crate::background::BlockingCall;
use crate::with_context;
use untold::Untold;

/// As many bytes wait to be written before a writer waits.
pub(crate) const MOST_PENDING: usize = 2 << 20;

/// Where the bytes go.
pub(crate) trait Sink: Send + Sync + 'static {
    /// Writes some of `bytes`, blocking.
    fn write(&self, bytes: &[u8]) -> Result<usize>;

    /// Is called when all that has gathered is written.
    fn done(&self) -> Result<()> {
        Ok(())
    }

    /// Whether a write is taken whole where that can be, so that the writes of several tasks do not mix.
    fn takes_whole(&self) -> bool;

    /// Whether it is there until the program ends, so that no drop of it can tell of an error.
    fn stays(&self) -> bool;

    /// What people call it.
    fn name(&self) -> String;
}

pub(crate) struct Behind<S: Sink + ?Sized> {
    /// Held by whoever uses the sink.
    turn: Mutex<()>,
    out: Mutex<Out>,
    pub(crate) sink: S,
}

/// As the code here has it: compiled once for all sinks.
type AnyBehind = Behind<dyn Sink>;

#[derive(Default)]
struct Out {
    /// Taken, not written yet. While there is some, a call is scheduled or somebody holds the turn.
    pending: Vec<u8>,
    /// Bytes that were pending are being written.
    writing: bool,
    /// A call is on its way.
    scheduled: bool,
    error: Option<Error>,
    /// There is a task that sees to it that the error is told; and its waker.
    watched: bool,
    watcher: Option<Waker>,
    /// Tasks that wait for room or for everything to be written.
    waiting: Vec<Waker>,
}

/// What came of an attempt to take bytes: how many were taken, and whether somebody is to be found who writes them.
type Taken = Result<(usize, bool)>;

/// An attempt; `None` if it has to wait.
type Attempt<'a> = dyn FnMut(&mut Out) -> Option<Taken> + 'a;

/// The right to use the sink: everything that was taken before is written.
pub(crate) type Turn<'a> = MutexGuard<'a, ()>;

impl<S: Sink> Behind<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self { turn: Mutex::new(()), out: Mutex::new(Out::default()), sink }
    }

    /// Takes bytes of `buf` to be written, as soon as there is room; reports an earlier error first.
    pub(crate) fn poll_write(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        let (taken, start) = ready!(self.any().poll_take(cx, buf))?;
        if start {
            let behind: Arc<AnyBehind> = self.clone();
            behind.start();
        }
        Poll::Ready(Ok(taken))
    }

    /// Waits until everything that was taken is written; reports the error that kept it from that.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.any().poll_settled(cx)
    }

    /// Waits for the turn and writes what is pending. It blocks.
    pub(crate) fn turn(&self) -> Turn<'_> {
        self.any().take_turn()
    }

    fn any(&self) -> &AnyBehind {
        self
    }
}

impl<S: Sink + ?Sized> Behind<S> {
    /// Whether nothing waits to be written and no error to be reported.
    pub(crate) fn is_clean(&self) -> bool {
        let out = self.out.lock();
        out.pending.is_empty() && !out.writing && out.error.is_none()
    }

    /// Takes the error that nobody has been told yet.
    pub(crate) fn take_error(&self) -> Option<Error> {
        self.out.lock().error.take()
    }
}

impl AnyBehind {
    /// Takes bytes of `buf`, as soon as there is room.
    fn poll_take(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Taken> {
        ready!(hooks::poll_budget(cx));
        let whole = self.sink.takes_whole();
        let taken = ready!(self.poll(cx, &mut |out| {
            if let Some(error) = out.error.take() {
                return Some(Err(error));
            }
            let room = MOST_PENDING.saturating_sub(out.pending.len());
            if room == 0 && !buf.is_empty() {
                return None;
            }
            let n = if whole { buf.len() } else { buf.len().min(room) };
            out.pending.extend_from_slice(&buf[..n]);
            let start = n > 0 && !std::mem::replace(&mut out.scheduled, true);
            Some(Ok((n, start)))
        }));
        if taken.is_ok() {
            hooks::spend();
        }
        Poll::Ready(taken)
    }

    fn poll_settled(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let settled = self.poll(cx, &mut |out| {
            if let Some(error) = out.error.take() {
                return Some(Err(error));
            }
            (out.pending.is_empty() && !out.writing).then_some(Ok((0, false)))
        });
        settled.map_ok(drop)
    }

    fn poll(&self, cx: &mut Context<'_>, attempt: &mut Attempt<'_>) -> Poll<Taken> {
        let mut waker: Option<Waker> = None;
        loop {
            let mut out = self.out.lock();
            if let Some(taken) = attempt(&mut out) {
                let watcher = if out.error.is_none() { out.watcher.take() } else { None };
                drop(out);
                watcher.into_iter().for_each(Waker::wake);
                return Poll::Ready(taken);
            }
            if out.waiting.iter().any(|known| known.will_wake(cx.waker())) {
                drop(out);
                return Poll::Pending;
            }
            if let Some(waker) = waker.take() {
                out.waiting.push(waker);
                return Poll::Pending;
            }
            drop(out);
            waker = Some(cx.waker().clone());
        }
    }

    /// Has what is pending written on a thread for blocking calls.
    fn start(self: &Arc<Self>) {
        match Handle::try_current() {
            Ok(runtime) => {
                let call = Write { behind: self.clone(), runtime: Some(runtime.clone()) };
                drop(BlockingCall::new(move || drop(call)).start(&runtime));
            }
            // Nobody else's turn is held up outside a runtime.
            Err(_) => drop(Write { behind: self.clone(), runtime: None }),
        }
    }

    fn take_turn(&self) -> Turn<'_> {
        let turn = self.turn.lock();
        let mut chunk: Vec<u8> = Vec::new();
        loop {
            let mut out = self.out.lock();
            out.writing = false;
            if out.pending.is_empty() {
                out.scheduled = false;
                // The larger of the two buffers is the next one.
                if chunk.capacity() > out.pending.capacity() && chunk.capacity() <= MOST_PENDING {
                    chunk.clear();
                    out.pending = chunk;
                }
                let waiting = std::mem::take(&mut out.waiting);
                drop(out);
                wake(waiting);
                return turn;
            }
            out.writing = true;
            chunk.clear();
            std::mem::swap(&mut chunk, &mut out.pending);
            let waiting = std::mem::take(&mut out.waiting);
            drop(out);
            wake(waiting);
            if let Err(error) = self.write_all(&chunk) {
                let mut out = self.out.lock();
                // What was taken meanwhile would stand in the wrong place.
                out.pending.clear();
                out.error.get_or_insert(error);
            }
        }
    }

    fn write_all(&self, bytes: &[u8]) -> Result<()> {
        let mut done = 0;
        let failed = |done: usize, error: Error| {
            let (name, all) = (self.sink.name(), bytes.len());
            with_context(error, format_args!("{done} of {all} bytes were written to {name}, then"))
        };
        while done < bytes.len() {
            match self.sink.write(&bytes[done..]) {
                Ok(0) => return Err(failed(done, ErrorKind::WriteZero.into())),
                Ok(n) => done += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(done, error)),
            }
        }
        self.sink.done().map_err(|error| failed(done, error))
    }
}

/// Writes what is pending when it is dropped: in its call, or where the call was refused.
struct Write {
    behind: Arc<AnyBehind>,
    /// The runtime that the bytes are from; it may have ended.
    runtime: Option<Handle>,
}

impl Drop for Write {
    fn drop(&mut self) {
        drop(self.behind.take_turn());
        if let (true, Some(runtime)) = (self.behind.sink.stays(), &self.runtime) {
            Untold::watch(&self.behind, runtime);
        }
    }
}

fn wake(waiting: Vec<Waker>) {
    for waker in waiting {
        waker.wake();
    }
}

impl<S: Sink + ?Sized> Drop for Behind<S> {
    fn drop(&mut self) {
        if let Some(error) = self.out.get_mut().error.take() {
            say(format_args!("{error}; nobody has asked (`close().await` would have told it)"));
        }
    }
}

impl<S: Sink + ?Sized> fmt::Debug for Behind<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Behind");
        debug.field("sink", &self.sink.name());
        if let Some(out) = self.out.try_lock() {
            debug.field("pending", &out.pending.len()).field("error", &out.error);
        }
        debug.finish()
    }
}
