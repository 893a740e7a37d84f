//! One child process, as all who have to do with it share it: whether it has ended, and sending signals.
//!
//! Its number belongs to it until somebody has taken its exit status: afterwards the system gives the
//! number to the next process. So both take place under one lock, and once the status has been taken
//! nothing is sent. Where the system has descriptors for processes (Linux) the signal goes through one,
//! which cannot mean another process even if foreign code has taken the status.

use std::io::{self, Error, ErrorKind, Result};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitStatus;
use std::task::Poll;

use corio_runtime::signal::{self, SignalKind};
use corio_sync::prim::Mutex;

use super::pidfd;
use crate::with_context;

/// A child process.
pub(super) struct Shared {
    /// The number that it has, or had.
    id: u32,
    /// The process that started it. After a fork, the copy in the other process is a stranger.
    pub(super) parent: u32,
    /// Refers to the process for as long as it is open; `None` where the system has no such thing, or
    /// has no descriptor left.
    pub(super) pidfd: Option<OwnedFd>,
    /// It leads a process group of its own, and signals go to the group.
    leads_group: bool,
    state: Mutex<State>,
}

enum State {
    /// Its exit status has not been taken: the number is its own.
    Running(std::process::Child),
    Ended(ExitStatus),
    /// Other code has taken the status.
    Lost,
}

impl Shared {
    pub(super) fn new(child: std::process::Child, leads_group: bool, pidfd: bool) -> Self {
        let id = child.id();
        Self {
            id,
            parent: std::process::id(),
            pidfd: if pidfd { pidfd::open(id) } else { None },
            leads_group,
            state: Mutex::new(State::Running(child)),
        }
    }

    /// Its number, if that is still its own.
    pub(super) fn id(&self) -> Option<u32> {
        matches!(*self.state.lock(), State::Running(_)).then_some(self.id)
    }

    /// The descriptor that becomes readable when it ends.
    pub(super) fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Whether this process has started it, and not one that has forked this one off.
    pub(super) fn is_here(&self) -> bool {
        self.parent == std::process::id()
    }

    /// Its exit status, if it has ended: looks, and waits for nothing.
    pub(super) fn try_wait(&self) -> Result<Option<ExitStatus>> {
        self.check_parent()?;
        let mut state = self.state.lock();
        let child = match &mut *state {
            State::Running(child) => child,
            State::Ended(status) => return Ok(Some(*status)),
            State::Lost => return Err(self.lost()),
        };
        match child.try_wait() {
            Ok(Some(status)) => {
                *state = State::Ended(status);
                Ok(Some(status))
            }
            Err(error) if error.raw_os_error() == Some(pidfd::NO_SUCH_CHILD) => {
                *state = State::Lost;
                Err(self.lost())
            }
            other => other,
        }
    }

    /// [`try_wait`](Self::try_wait) as the end of a poll.
    pub(super) fn look(&self) -> Poll<Result<ExitStatus>> {
        self.try_wait().transpose().map_or(Poll::Pending, Poll::Ready)
    }

    /// Sends a signal: to the group that it leads, or to it alone.
    pub(super) fn send(&self, kind: SignalKind) -> Result<()> {
        self.check_parent()?;
        let state = self.state.lock();
        match &*state {
            State::Running(_) => {}
            State::Ended(status) => return Err(self.gone(kind, *status)),
            State::Lost => return Err(self.lost()),
        }
        let sent = match &self.pidfd {
            Some(pidfd) if !self.leads_group => pidfd::send(pidfd, self.id, kind),
            _ => {
                let id = self.id as i32;
                signal::send(if self.leads_group { -id } else { id }, kind)
            }
        };
        sent.map_err(|error| {
            with_context(error, format_args!("cannot send {kind} to process {}", self.id))
        })
    }

    /// Sends a signal that asks it to end; if it has ended, there is nothing to ask for.
    pub(super) fn ask_to_end(&self, kind: SignalKind) -> Result<()> {
        match self.send(kind) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            sent => sent,
        }
    }

    fn check_parent(&self) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        let text = format!(
            "process {} is a child of process {}, which has forked this one off: only its parent can \
             wait for it or end it",
            self.id, self.parent
        );
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    #[cold]
    fn gone(&self, kind: SignalKind, status: ExitStatus) -> Error {
        let text = format!("cannot send {kind}: process {} has ended ({status})", self.id);
        Error::new(ErrorKind::NotFound, text)
    }

    #[cold]
    fn lost(&self) -> Error {
        let text = format!(
            "the exit status of process {} is lost: other code in this program has waited for it (a \
             `waitpid` for any child), or the program ignores SIGCHLD",
            self.id
        );
        Error::new(ErrorKind::NotFound, text)
    }
}

/// The text of the state, for `Debug`.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("ChildHandle");
        f.field("id", &self.id);
        match &*self.state.lock() {
            State::Running(_) => {}
            State::Ended(status) => drop(f.field("ended", status)),
            State::Lost => drop(f.field("ended", &io::ErrorKind::NotFound)),
        }
        f.finish_non_exhaustive()
    }
}
