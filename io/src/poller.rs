//! Selectors: one wait for many descriptors, with or without a runtime.
//!
//! The kernel's epoll, level-triggered. It is itself a descriptor, which is how a task waits for it.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use corio_runtime::reactor::{Direction, Interest, Registered, Registration, Wait};
use corio_runtime::sys::{Epoll, Events, eventfd};
use corio_runtime::time;
use corio_sync::hooks::{self, WaitKind};
use corio_sync::prim::Mutex;

use crate::told;

/// As many events are taken by one wait.
const MOST_EVENTS: usize = 1024;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The token of the descriptor that [`Poller::notify`] writes to; no entry has it, since numbers of
/// descriptors are not negative.
const NOTIFIED: u64 = u64::MAX;

/// Waits for many descriptors at once and says which are ready: Python's `selectors`.
///
/// It is level-triggered: a descriptor that stays ready is reported by each wait. Tasks wait with
/// [`wait`](Self::wait), plain threads, without any runtime, with [`wait_blocking`](Self::wait_blocking).
/// A task that watches one descriptor is better off with [`AsyncFd`](crate::AsyncFd). It exists on Linux.
///
/// A descriptor should be unregistered before it is closed. If it was not, [`forget`](Self::forget) it; a
/// new one with the same number can be registered at once, and gets no events of the old one.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// use corio_io::{Interest, Poller};
///
/// # corio_runtime::run(async {
/// let (mut near, mut far) = UnixStream::pair()?;
/// let poller = Poller::new()?;
/// poller.register(&near, 7, Interest::Read)?;
///
/// far.write_all(b"x")?;
/// let events = poller.wait(None).await?;
/// assert!(events[0].key == 7 && events[0].is_readable());
/// near.read_exact(&mut [0])?;
/// poller.unregister(&near)?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("DefaultSelector", "EpollSelector", "selectors"))]
pub struct Poller {
    /// Registered with the reactor at the first wait of a task.
    epoll: Registered<Epoll>,
    wake: File,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_fd: HashMap<RawFd, Entry>,
    /// The generation of the next entry; wraps.
    next: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    key: usize,
    interest: Interest,
    /// What tells it from earlier ones of the same number.
    generation: u32,
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PollerEvent {
    /// The key that the descriptor was registered with.
    pub key: usize,
    flags: libc::c_int,
}

impl PollerEvent {
    /// Whether a read is worth trying: there is something, or an end or an error to be reported.
    pub fn is_readable(&self) -> bool {
        use libc::{EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLPRI, EPOLLRDHUP};
        self.flags & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR) != 0
    }

    /// Whether a write is worth trying: there is room, or an error to be reported.
    pub fn is_writable(&self) -> bool {
        self.flags & (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) != 0
    }

    /// Whether urgent (out-of-band) data is there.
    pub fn is_priority(&self) -> bool {
        self.flags & libc::EPOLLPRI != 0
    }

    /// Whether the other side sends nothing more, or is gone.
    pub fn is_hang_up(&self) -> bool {
        self.flags & (libc::EPOLLRDHUP | libc::EPOLLHUP) != 0
    }

    /// Whether there is an error to be reported.
    pub fn is_error(&self) -> bool {
        self.flags & libc::EPOLLERR != 0
    }
}

impl fmt::Debug for PollerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollerEvent")
            .field("key", &self.key)
            .field("flags", &format_args!("{:#x}", self.flags))
            .finish()
    }
}

fn flags(interest: Interest) -> libc::c_int {
    const READ: libc::c_int = libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDHUP;
    match interest {
        Interest::Read => READ,
        Interest::Write => libc::EPOLLOUT,
        Interest::Both => READ | libc::EPOLLOUT,
    }
}

impl Entry {
    fn token(&self, fd: RawFd) -> u64 {
        u64::from(self.generation) << 32 | fd as u64
    }
}

impl Poller {
    /// Makes one that watches nothing.
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left; it takes two.
    pub fn new() -> Result<Self> {
        let epoll = Epoll::new()?;
        let wake = File::from(eventfd()?);
        epoll.add(wake.as_fd(), NOTIFIED, libc::EPOLLIN)?;
        let epoll = Registered::with_registration(epoll, Registration::new(Interest::Read));
        Ok(Self { epoll, wake, entries: Mutex::default() })
    }

    /// Watches a descriptor. Its events will carry `key`.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) when this descriptor, under whatever wrapper, is watched
    /// already; [`PermissionDenied`](ErrorKind::PermissionDenied) for regular files and directories, which
    /// are always ready; else those of the system. Nothing is watched then that was not before.
    pub fn register(&self, fd: impl AsFd, key: usize, interest: Interest) -> Result<()> {
        let fd = fd.as_fd();
        let raw = fd.as_raw_fd();
        // Held across the call, so that the table and the kernel do not disagree.
        let mut entries = self.entries.lock();
        let entry = Entry { key, interest, generation: entries.next };
        let epoll = self.epoll.get_ref();
        epoll.add(fd, entry.token(raw), flags(interest)).map_err(|error| {
            let why = match error.kind() {
                ErrorKind::AlreadyExists => "it is watched already: `modify` it",
                ErrorKind::PermissionDenied => {
                    "regular files and directories are always ready: use `fs`"
                }
                _ => return error,
            };
            told(format!("cannot watch descriptor {raw}: {why}"), error)
        })?;
        entries.next = entries.next.wrapping_add(1) & (u32::MAX >> 1);
        // An entry that was there is of a descriptor that was closed without a word.
        entries.by_fd.insert(raw, entry);
        Ok(())
    }

    /// Changes the key and what is waited for.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when the descriptor is not watched (any more). Nothing is changed
    /// then, except that an entry of a descriptor that was closed is gone.
    pub fn modify(&self, fd: impl AsFd, key: usize, interest: Interest) -> Result<()> {
        let fd = fd.as_fd();
        let raw = fd.as_raw_fd();
        let mut entries = self.entries.lock();
        let Some(entry) = entries.by_fd.get_mut(&raw) else { return Err(unknown(raw)) };
        let changed = Entry { key, interest, ..*entry };
        match self.epoll.get_ref().modify(fd, changed.token(raw), flags(interest)) {
            Ok(()) => *entry = changed,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                entries.by_fd.remove(&raw);
                return Err(unknown(raw));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Watches a descriptor no longer.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when it is not watched.
    pub fn unregister(&self, fd: impl AsFd) -> Result<()> {
        let fd = fd.as_fd();
        let raw = fd.as_raw_fd();
        let mut entries = self.entries.lock();
        entries.by_fd.remove(&raw).ok_or_else(|| unknown(raw))?;
        match self.epoll.get_ref().delete(fd) {
            // The one that was registered has been closed, which took it out.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Forgets a descriptor that has been closed, by the number that it had.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when it is not known.
    pub fn forget(&self, fd: RawFd) -> Result<()> {
        let removed = self.entries.lock().by_fd.remove(&fd);
        removed.map(|_| ()).ok_or_else(|| unknown(fd))
    }

    /// The key and the interest that a descriptor is registered with.
    #[doc(alias("get_key", "get_map"))]
    pub fn get(&self, fd: impl AsFd) -> Option<(usize, Interest)> {
        let entries = self.entries.lock();
        entries.by_fd.get(&fd.as_fd().as_raw_fd()).map(|entry| (entry.key, entry.interest))
    }

    /// How many descriptors are registered.
    pub fn len(&self) -> usize {
        self.entries.lock().by_fd.len()
    }

    /// Whether none is registered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a wait return, the one under way or else the next one, perhaps without an event.
    ///
    /// Several notifications may be one.
    pub fn notify(&self) {
        // It fails only when the counter is full, and then the wait returns all the same.
        let _ = (&self.wake).write(&1_u64.to_ne_bytes());
    }

    /// Waits until descriptors are ready, or it is [notified](Self::notify), or `timeout` is over; returns
    /// the events.
    ///
    /// No timeout waits as long as it takes; one of zero only looks.
    ///
    /// # Errors
    ///
    /// When there is no runtime on this thread, or it has been shut down. Tasks of one runtime only wait
    /// for one poller.
    ///
    /// # Cancel safety
    ///
    /// Safe: what is ready is reported by the next wait, but a notification may be used up.
    #[doc(alias = "select")]
    #[track_caller]
    pub fn wait(
        &self,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<Vec<PollerEvent>>> + Send {
        let wait = Wait::here(WaitKind::Readiness);
        let ready = std::future::poll_fn(move |cx| {
            self.epoll.poll_io(Direction::Read, wait, cx, |_| {
                self.look(Some(Duration::ZERO))?.ok_or_else(|| ErrorKind::WouldBlock.into())
            })
        });
        async move {
            match timeout {
                None => ready.await,
                Some(Duration::ZERO) => Ok(self.look(timeout)?.unwrap_or_default()),
                Some(limit) => time::timeout(limit, ready).await.unwrap_or_else(|_| Ok(Vec::new())),
            }
        }
    }

    /// Waits like [`wait`](Self::wait), on a plain thread. A signal does not shorten the timeout.
    ///
    /// # Errors
    ///
    /// Those of the system's wait.
    ///
    /// # Panics
    ///
    /// When it is called inside a task, whose thread it would hold up.
    #[track_caller]
    pub fn wait_blocking(&self, timeout: Option<Duration>) -> Result<Vec<PollerEvent>> {
        hooks::forbid_blocking("Poller::wait_blocking");
        // One that does not fit is for ever.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            // The kernel refuses times beyond its own reckoning; a day at once is enough.
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()).min(DAY));
            match self.look(left) {
                Ok(Some(events)) => return Ok(events),
                Ok(None) if left == Some(Duration::ZERO) => return Ok(Vec::new()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
    }

    /// Asks the kernel once. None means that the time was over.
    fn look(&self, timeout: Option<Duration>) -> Result<Option<Vec<PollerEvent>>> {
        let mut ready = Events::with_capacity(MOST_EVENTS);
        self.epoll.get_ref().wait(&mut ready, timeout)?;
        let ready = ready.iter();
        if ready.len() == 0 {
            return Ok(None);
        }
        let entries = self.entries.lock();
        let mut events = Vec::with_capacity(ready.len());
        for event in ready {
            let token = event.token;
            if token == NOTIFIED {
                // Several notifications are one.
                let _ = (&self.wake).read(&mut [0; 8]);
                continue;
            }
            // What is under way for a number that another descriptor has now is not for it.
            match entries.by_fd.get(&(token as u32 as RawFd)) {
                Some(entry) if u64::from(entry.generation) == token >> 32 => {
                    events.push(PollerEvent { key: entry.key, flags: event.flags as libc::c_int });
                }
                _ => {}
            }
        }
        Ok(Some(events))
    }
}

#[cold]
fn unknown(fd: RawFd) -> Error {
    Error::new(ErrorKind::NotFound, format!("descriptor {fd} is not watched: `register` it"))
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").field("registered", &self.len()).finish_non_exhaustive()
    }
}
