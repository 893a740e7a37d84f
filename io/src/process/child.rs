//! A child process that has been started.

use std::fmt;
use std::future::Future;
use std::io::{Error, Result};
use std::ops::Deref;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_runtime::signal::SignalKind;
use corio_runtime::time::timeout;
use corio_sync::hooks::Site;

use super::communicate::Communicate;
use super::reaper;
use super::shared::Shared;
use super::wait::Wait;
use crate::pipe::{Receiver, Sender};

/// A child process, with the ends of its pipes; made by [`Command::spawn`](super::Command::spawn).
///
/// What can be done with it from several places, waiting and sending signals, are the methods of its
/// [`ChildHandle`], which it has itself, too.
///
/// # Dropping it
///
/// Closes the pipes. The child goes on, unless
/// [`kill_on_drop`](super::Command::kill_on_drop) was asked for. When it ends, its exit status is taken:
/// no zombie remains, whether or not a runtime is there by then.
#[doc(alias = "Process")]
pub struct Child {
    /// The child reads what is written here, if its stdin is piped. Dropping it, or closing it, is what
    /// the child sees as the end of its input.
    pub stdin: Option<Sender>,
    /// What the child writes, if its stdout is piped.
    pub stdout: Option<Receiver>,
    /// What the child writes as errors, if its stderr is piped.
    pub stderr: Option<Receiver>,
    handle: ChildHandle,
    kill_on_drop: bool,
    site: Site,
}

/// The ends of a child's pipes.
pub(super) struct Pipes {
    pub(super) stdin: Option<Sender>,
    pub(super) stdout: Option<Receiver>,
    pub(super) stderr: Option<Receiver>,
}

impl Child {
    /// If the pipes cannot be had, there is no child either.
    pub(super) fn new(
        child: Shared,
        kill_on_drop: bool,
        site: Site,
        pipes: impl FnOnce() -> Result<Pipes>,
    ) -> Result<Self> {
        let handle = ChildHandle { child: Arc::new(child) };
        let mut child =
            Self { stdin: None, stdout: None, stderr: None, handle, kill_on_drop: true, site };
        let pipes = pipes()?;
        child.stdin = pipes.stdin;
        child.stdout = pipes.stdout;
        child.stderr = pipes.stderr;
        child.kill_on_drop = kill_on_drop;
        Ok(child)
    }

    /// A handle of its own, to wait for the child or end it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ChildHandle {
        self.handle.clone()
    }

    /// Closes the child's stdin, and waits until the child has ended.
    ///
    /// A child that reads to the end of its input would otherwise never end (take
    /// [`stdin`](Self::stdin) out to keep it open, or wait with the [`handle`](Self::handle)). A child
    /// that writes more than its pipes hold does not end before somebody has read it: use
    /// [`communicate`](Self::communicate), or read at the same time. Whether the pipes are still open,
    /// because the child has left processes behind that have them, makes no difference.
    ///
    /// The future borrows nothing, and can be awaited again and again: after the end it is ready at
    /// once.
    ///
    /// # Errors
    ///
    /// Those of [`ChildHandle::wait`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the child goes on, and its exit status is there for the next call.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::process::{Command, Stdio};
    ///
    /// # corio_runtime::run(async {
    /// let mut child = Command::new("sleep").arg("1000").spawn()?;
    /// let mut ended = child.wait();
    /// let early = corio_runtime::time::timeout(std::time::Duration::from_millis(1), &mut ended);
    /// assert!(early.await.is_err());
    /// child.start_kill()?;
    /// assert!(!ended.await?.success());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn wait(&mut self) -> Wait {
        self.stdin = None;
        self.handle.wait()
    }

    /// Writes `input` to the child's stdin and closes it, collects what the child writes, and waits
    /// until the child has ended; all at the same time, so that no full pipe stops it.
    ///
    /// What is not piped is not collected, and empty in the result. A child that ends, or closes its
    /// stdin, without having read all of the input is no error.
    ///
    /// It is ready when the child has ended **and** the pipes are closed: processes that the child has
    /// left behind may keep them open. [`drain_for`](Communicate::drain_for) limits how long that is
    /// waited for. [`max_length`](Communicate::max_length) limits how much is collected.
    ///
    /// Afterwards the pipes are still there, and at their ends.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](std::io::ErrorKind::InvalidInput) if there is input and stdin is not piped.
    /// - [`InvalidData`](std::io::ErrorKind::InvalidData) when the child writes more than `max_length`
    ///   allows. The child is not ended by that.
    /// - Those of the pipes, and of [`ChildHandle::wait`].
    ///
    /// # Cancel safety
    ///
    /// Unsafe: the child and its pipes stay, but what has been read is lost, and how much of the input
    /// has been written is not known.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::process::{Command, Stdio};
    ///
    /// # corio_runtime::run(async {
    /// let mut sort = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    /// let output = sort.communicate("b\na\n").await?;
    /// assert!(output.status.success());
    /// assert_eq!(output.stdout, b"a\nb\n");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    #[doc(alias = "wait_with_output")]
    pub fn communicate(&mut self, input: impl Into<Vec<u8>>) -> Communicate<'_> {
        Communicate::with(self, input.into(), Site::caller())
    }
}

impl Deref for Child {
    type Target = ChildHandle;

    fn deref(&self) -> &ChildHandle {
        &self.handle
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let child = &self.handle.child;
        if !child.is_here() || child.id().is_none() {
            // It is a stranger's, or its status has been taken, as after every `wait`.
            return;
        }
        // A child that cannot be killed (it runs as another user) is not waited for either.
        if self.kill_on_drop && child.ask_to_end(SignalKind::kill()).is_ok() {
            reaper::wait_for_end(child, self.site);
        } else {
            reaper::leave(child);
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("handle", &self.handle)
            .field("kill_on_drop", &self.kill_on_drop)
            .finish_non_exhaustive()
    }
}

/// Waits for a child process and sends it signals, from anywhere; made by [`Child::handle`].
///
/// It does not keep the child alive, nor is it in the way of anything that the [`Child`] does.
#[derive(Clone)]
pub struct ChildHandle {
    child: Arc<Shared>,
}

impl ChildHandle {
    /// The child's process id; `None` once its end has been noticed, since the number may be another
    /// process's then.
    #[doc(alias = "pid")]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the child has ended.
    ///
    /// Any number of tasks may wait, in any runtimes, as often as they like: all get the same status.
    /// The future borrows nothing.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](std::io::ErrorKind::NotFound) when other code has taken the exit status.
    /// - [`Unsupported`](std::io::ErrorKind::Unsupported) in a process that was forked off the child's
    ///   parent.
    /// - When there is neither a runtime nor the means to listen for SIGCHLD (no descriptor is left).
    ///
    /// # Cancel safety
    ///
    /// Safe: the child goes on, and its exit status is there for the next call.
    #[track_caller]
    pub fn wait(&self) -> Wait {
        self.wait_at(Site::caller())
    }

    pub(super) fn wait_at(&self, site: Site) -> Wait {
        Wait::new(self.child.clone(), site)
    }

    /// Tells whether the child has ended, without waiting.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait) but the last.
    #[doc(alias("poll", "returncode"))]
    pub fn try_wait(&self) -> Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Kills the child (SIGKILL), and waits until it has ended.
    ///
    /// If it has ended before, nothing is sent.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](std::io::ErrorKind::PermissionDenied) when it runs as another user, and
    /// those of [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// Safe: the signal is sent by the call itself, and the rest is a `wait`.
    #[track_caller]
    pub fn kill(&self) -> Kill {
        Kill { refused: self.start_kill().err(), wait: self.wait() }
    }

    /// Kills the child (SIGKILL), and does not wait.
    ///
    /// If it has ended, nothing is sent. It is certain to end, but still has to be waited for (or
    /// dropped).
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](std::io::ErrorKind::PermissionDenied) when it runs as another user;
    /// [`Unsupported`](std::io::ErrorKind::Unsupported) in a process that was forked off its parent.
    pub fn start_kill(&self) -> Result<()> {
        self.child.ask_to_end(SignalKind::kill())
    }

    /// Asks the child to end (SIGTERM), and does not wait. If it has ended, nothing is sent.
    ///
    /// # Errors
    ///
    /// Those of [`start_kill`](Self::start_kill).
    pub fn terminate(&self) -> Result<()> {
        self.child.ask_to_end(SignalKind::terminate())
    }

    /// Asks the child to end (SIGTERM), and kills it if it has not ended after `grace`.
    ///
    /// # Errors
    ///
    /// Those of [`terminate`](Self::terminate) and [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// Safe, but the child may have been asked to end, and may not have ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::process::ExitStatusExt;
    /// use std::time::Duration;
    ///
    /// use corio_io::process::Command;
    ///
    /// # corio_runtime::run(async {
    /// let child = Command::new("sleep").arg("1000").spawn()?;
    /// let status = child.stop(Duration::from_secs(5)).await?;
    /// assert_eq!(status.signal(), Some(15));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn stop(&self, grace: Duration) -> Result<ExitStatus> {
        let mut ended = self.wait();
        self.terminate()?;
        match timeout(grace, &mut ended).await {
            Ok(status) => status,
            Err(_) => self.kill().await,
        }
    }

    /// Sends the child a signal.
    ///
    /// A child that has ended without anybody having noticed takes it without effect. The number is
    /// never another process's: once the end has been noticed, nothing is sent.
    ///
    /// # Errors
    ///
    /// [`NotFound`](std::io::ErrorKind::NotFound) once the child's end has been noticed;
    /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) for a number that is no signal; and those of
    /// [`start_kill`](Self::start_kill).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::process::Command;
    /// use corio_runtime::signal::SignalKind;
    ///
    /// # corio_runtime::run(async {
    /// let mut child = Command::new("sleep").arg("1000").spawn()?;
    /// child.send_signal(SignalKind::hangup())?;
    /// let status = child.wait().await?;
    /// assert_eq!(status.to_string(), "signal: 1 (SIGHUP)");
    /// assert!(child.send_signal(SignalKind::hangup()).is_err());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn send_signal(&self, kind: SignalKind) -> Result<()> {
        self.child.send(kind)
    }
}

impl fmt::Debug for ChildHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.child.fmt(f)
    }
}

/// Waits until a child that was killed has ended; made by [`ChildHandle::kill`].
#[must_use = "without waiting, use `start_kill`"]
pub struct Kill {
    /// Why the signal was not sent.
    refused: Option<Error>,
    wait: Wait,
}

impl Future for Kill {
    type Output = Result<ExitStatus>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.refused.take() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut this.wait).poll(cx),
        }
    }
}

impl fmt::Debug for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kill").field("wait", &self.wait).finish_non_exhaustive()
    }
}
