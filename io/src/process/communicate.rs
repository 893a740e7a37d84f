//! Giving a child its input, and collecting its output, without a pipe that fills up.

use std::fmt;
use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::process::{ExitStatus, Output};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_runtime::time::{Sleep, sleep};
use corio_sync::hooks::{self, Site, WaitKind};
use futures_io::{AsyncRead, AsyncWrite};

use super::child::Child;
use super::wait::Wait;
use crate::pipe::{Receiver, Sender};
use crate::support::{read_count, too_long, write_count, write_zero};

/// How much is read at once: what a pipe holds unless it was asked to hold more.
const CHUNK: usize = 64 << 10;
/// The most that a pipe holds.
const PIPE: usize = 1 << 20;

/// Gives a child its input and collects its output; made by [`Child::communicate`] and
/// [`Command::output`](super::Command::output).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Communicate<'a> {
    child: Whose<'a>,
    transfer: Transfer,
}

/// The child that it is about.
enum Whose<'a> {
    Theirs(&'a mut Child),
    Ours(Child),
    /// It could not be started; `None` once that has been said.
    Nobody(Option<Error>),
}

impl<'a> Communicate<'a> {
    pub(super) fn with(child: &'a mut Child, input: Vec<u8>, site: Site) -> Self {
        let wait = child.handle().wait_at(site);
        Self { child: Whose::Theirs(child), transfer: Transfer::new(input, Some(wait), site) }
    }

    /// Sets how many bytes stdout and stderr may have, each; more are an error of kind `InvalidData`.
    ///
    /// There is no limit unless one is set.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.transfer.max_length = bytes;
        self
    }

    /// Sets how long the pipes may stay open when the child has ended; what has come by then is the
    /// result.
    ///
    /// Processes that the child has started may have its stdout and stderr, and go on. Unless this is
    /// set, they are waited for, as a shell's `$(...)` does. What the child itself has written is never
    /// missing, whatever the time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use corio_io::process::shell;
    ///
    /// # corio_runtime::run(async {
    /// let started = std::time::Instant::now();
    /// let output = shell("sleep 1000 & echo $!").output().drain_for(Duration::ZERO).await?;
    /// let left_behind = String::from_utf8_lossy(&output.stdout);
    /// shell(format!("kill {left_behind}")).status().await?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "WaitDelay")]
    pub fn drain_for(mut self, time: Duration) -> Self {
        self.transfer.drain_for = Some(time);
        self
    }
}

impl Communicate<'static> {
    /// For a child that belongs to the call.
    pub(super) fn of_output(child: Result<Child>, site: Site) -> Self {
        let (child, wait) = match child {
            Ok(mut child) => {
                child.stdin = None;
                let wait = child.handle().wait_at(site);
                (Whose::Ours(child), Some(wait))
            }
            Err(error) => (Whose::Nobody(Some(error)), None),
        };
        Self { child, transfer: Transfer::new(Vec::new(), wait, site) }
    }
}

impl Future for Communicate<'_> {
    type Output = Result<Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let site = this.transfer.site;
        let child = match &mut this.child {
            Whose::Theirs(child) => child,
            Whose::Ours(child) => child,
            Whose::Nobody(error) => {
                return Poll::Ready(Err(error.take().unwrap_or_else(|| {
                    panic!("the call made at {} was polled after it was ready", site.location())
                })));
            }
        };
        let poll = this.transfer.poll(child, cx);
        if poll.is_pending() {
            // The pipes say that they wait for a read: what the task waits for is the child.
            hooks::set_wait(site, WaitKind::Process);
        }
        poll
    }
}

/// How far it is.
struct Transfer {
    input: Vec<u8>,
    written: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    max_length: usize,
    /// Where reads go: the room in a vector would have to be zeroed again and again.
    room: Vec<u8>,
    stderr_first: bool,
    /// `None` if there is no child.
    wait: Option<Wait>,
    status: Option<ExitStatus>,
    drain_for: Option<Duration>,
    /// Runs from the child's end.
    draining: Option<Sleep>,
    /// How much has been read since.
    read_since_end: usize,
    site: Site,
}

impl Transfer {
    fn new(input: Vec<u8>, wait: Option<Wait>, site: Site) -> Self {
        Self {
            input,
            written: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            max_length: usize::MAX,
            room: Vec::new(),
            stderr_first: false,
            wait,
            status: None,
            drain_for: None,
            draining: None,
            read_since_end: 0,
            site,
        }
    }

    fn poll(&mut self, child: &mut Child, cx: &mut Context<'_>) -> Poll<Result<Output>> {
        // Before the look at the pipes: when the child has ended, they have all that it has written.
        let is_over = self.poll_drained(cx)?.is_ready();
        let written = self.poll_write(&mut child.stdin, cx)?.is_ready();
        // Which one is read first changes: a flood in one must not use up the turns of the other.
        let mut is_read = true;
        for _ in 0..2 {
            is_read &= match self.stderr_first {
                false => self.poll_read(&mut child.stdout, "stdout", cx)?.is_ready(),
                true => self.poll_read(&mut child.stderr, "stderr", cx)?.is_ready(),
            };
            self.stderr_first = !self.stderr_first;
        }
        self.stderr_first = !self.stderr_first;
        if !(written && is_read) {
            if !is_over {
                return Poll::Pending;
            }
            if self.read_since_end <= PIPE {
                // Only a pipe that is empty has nothing of the child's, not one whose turn is over.
                ready!(hooks::poll_budget(cx));
            }
        }
        let status = ready!(self.poll_status(cx))?;
        let (stdout, stderr) = (std::mem::take(&mut self.stdout), std::mem::take(&mut self.stderr));
        Poll::Ready(Ok(Output { status, stdout, stderr }))
    }

    /// Ready when the child has ended and the pipes have had the time that they were given.
    fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(time) = self.drain_for else { return Poll::Pending };
        ready!(self.poll_status(cx))?;
        let draining = self.draining.get_or_insert_with(|| sleep(time));
        Pin::new(draining).poll(cx).map(Ok)
    }

    fn poll_status(&mut self, cx: &mut Context<'_>) -> Poll<Result<ExitStatus>> {
        if let (None, Some(wait)) = (self.status, &mut self.wait) {
            self.status = Some(ready!(Pin::new(wait).poll(cx))?);
        }
        self.status.map_or(Poll::Pending, |status| Poll::Ready(Ok(status)))
    }

    /// Writes the rest of the input, and closes stdin then.
    fn poll_write(&mut self, stdin: &mut Option<Sender>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(sender) = stdin else {
            if self.written < self.input.len() {
                let text = "the child's stdin is not piped, or has been taken: set \
                            `stdin(Stdio::piped())` to give it input";
                return Poll::Ready(Err(Error::new(ErrorKind::InvalidInput, text)));
            }
            return Poll::Ready(Ok(()));
        };
        while self.written < self.input.len() {
            let rest = &self.input[self.written..];
            match ready!(Pin::new(&mut *sender).poll_write(cx, rest)) {
                Ok(0) => return Poll::Ready(Err(write_zero(self.written, self.input.len()))),
                Ok(n) => self.written += write_count(n, rest.len())?,
                // The child does not want to know the rest.
                Err(error) if is_closed(error.kind()) => break,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.written = self.input.len();
        *stdin = None;
        Poll::Ready(Ok(()))
    }

    /// Reads until there is nothing more at the moment; ready at the end.
    fn poll_read(
        &mut self,
        stream: &mut Option<Receiver>,
        name: &str,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        let Some(receiver) = stream else { return Poll::Ready(Ok(())) };
        let bytes = if self.stderr_first { &mut self.stderr } else { &mut self.stdout };
        self.room.resize(CHUNK, 0);
        loop {
            let n = ready!(Pin::new(&mut *receiver).poll_read(cx, &mut self.room))?;
            if n == 0 {
                return Poll::Ready(Ok(()));
            }
            if self.status.is_some() {
                self.read_since_end += n;
            }
            bytes.extend_from_slice(&self.room[..read_count(n, CHUNK)?]);
            if bytes.len() > self.max_length {
                let error = too_long(&format!("what the child writes to {name}"), self.max_length);
                return Poll::Ready(Err(error));
            }
        }
    }
}

/// Whether whoever reads is gone.
fn is_closed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

impl fmt::Debug for Communicate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Communicate")
            .field("written", &self.transfer.written)
            .field("stdout", &self.transfer.stdout.len())
            .field("stderr", &self.transfer.stderr.len())
            .field("status", &self.transfer.status)
            .field("at", &self.transfer.site)
            .finish_non_exhaustive()
    }
}
