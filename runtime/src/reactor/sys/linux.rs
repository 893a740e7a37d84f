//! The wait on Linux: `epoll_pwait2` on mio's descriptor, so that a timeout of 50 µs takes 50 µs.
//!
//! `epoll_wait`, which mio calls, counts in milliseconds.
//!
//! The invariants of the file:
//! - **E1** A buffer's vector is passed to the kernel with its capacity as the limit, and its length is
//!   set to the number of entries that the kernel says it wrote.
//! - **E2** The selector's descriptor is open as long as the selector.

use std::io;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use corio_sync::prim::{AtomicBool, Ordering};

use super::{Call, gate};
use crate::reactor::readiness::{ERROR, READ_CLOSED, READABLE, URGENT, WRITABLE, WRITE_CLOSED};

#[derive(Debug)]
pub(crate) struct Selector {
    poll: mio::Poll,
    /// Set for good when the kernel (before 5.11), or a sandbox, refuses `epoll_pwait2`.
    millis_only: AtomicBool,
}

/// The kernel's own layout, which 32-bit `libc::timespec` may not have.
#[repr(C)]
struct KernelTimespec {
    seconds: i64,
    nanoseconds: i64,
}

pub(crate) struct Buffer {
    events: Vec<libc::epoll_event>,
}

impl Buffer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { events: Vec::with_capacity(capacity.max(1)) }
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.events.capacity()
    }

    /// The events of the last wait: token and flags.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, u32)> {
        self.events.iter().map(|event| (event.u64 as usize, flags(event.events)))
    }
}

/// The kernel's bits as the reactor's. An error or a hang-up concerns both sides; an end of the peer's
/// stream concerns reading alone.
fn flags(events: u32) -> u32 {
    const PAIRS: [(i32, u32); 6] = [
        (libc::EPOLLIN, READABLE),
        (libc::EPOLLOUT, WRITABLE),
        (libc::EPOLLPRI, READABLE | URGENT),
        (libc::EPOLLRDHUP, READABLE | READ_CLOSED),
        (libc::EPOLLHUP, READABLE | READ_CLOSED | WRITABLE | WRITE_CLOSED),
        (libc::EPOLLERR, READABLE | WRITABLE | ERROR),
    ];
    let mut flags = 0;
    for (bit, meaning) in PAIRS {
        if events & bit as u32 != 0 {
            flags |= meaning;
        }
    }
    flags
}

impl Selector {
    pub(crate) fn new() -> io::Result<Self> {
        gate(Call::Create)?;
        Ok(Self { poll: mio::Poll::new()?, millis_only: AtomicBool::new(false) })
    }

    pub(crate) fn registry(&self) -> &mio::Registry {
        self.poll.registry()
    }

    /// Waits until there is an event or `timeout` is over. Several threads may wait at once.
    pub(crate) fn wait(&self, buffer: &mut Buffer, timeout: Option<Duration>) -> io::Result<()> {
        buffer.clear();
        gate(Call::Wait)?;
        // Ordering: Relaxed, a flag that only saves a failing call.
        if !self.millis_only.load(Ordering::Relaxed) {
            match self.pwait2(buffer, timeout) {
                // A sandbox's filter may answer EPERM to calls that it does not know.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                    // Ordering: Relaxed, see above.
                    self.millis_only.store(true, Ordering::Relaxed);
                }
                result => return result,
            }
        }
        self.wait_millis(buffer, timeout)
    }

    fn pwait2(&self, buffer: &mut Buffer, timeout: Option<Duration>) -> io::Result<()> {
        gate(Call::PreciseWait)?;
        let timeout = timeout.map(|t| KernelTimespec {
            seconds: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: i64::from(t.subsec_nanos()),
        });
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the descriptor is open (E2), the vector has room for its capacity of events (E1),
        // the timeout is null or points at a live value of the kernel's layout, and a null signal
        // mask makes the last argument unused.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.poll.as_raw_fd(),
                buffer.events.as_mut_ptr(),
                buffer.limit(),
                timeout,
                ptr::null::<libc::sigset_t>(),
                0_usize,
            )
        };
        buffer.filled(count)
    }

    /// The older call. Its timeout is rounded up: a timer must not find itself early and spin.
    fn wait_millis(&self, buffer: &mut Buffer, timeout: Option<Duration>) -> io::Result<()> {
        let millis = crate::sys::millis(timeout);
        // SAFETY: the descriptor is open (E2) and the vector has room for its capacity of events (E1).
        let count = unsafe {
            libc::epoll_wait(
                self.poll.as_raw_fd(),
                buffer.events.as_mut_ptr(),
                buffer.limit(),
                millis,
            )
        };
        buffer.filled(count.into())
    }
}

impl Buffer {
    fn limit(&self) -> libc::c_int {
        libc::c_int::try_from(self.events.capacity()).unwrap_or(libc::c_int::MAX)
    }

    /// Takes the result of a wait that was given this buffer.
    fn filled(&mut self, count: libc::c_long) -> io::Result<()> {
        let Ok(count) = usize::try_from(count) else {
            return Err(io::Error::last_os_error());
        };
        // SAFETY: the kernel wrote `count` entries, at most the capacity (E1).
        unsafe { self.events.set_len(count) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults;
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_older_call_keeps_its_timeout_and_reports_the_same_events() {
        let selector = Selector::new().unwrap();
        let mut buffer = Buffer::with_capacity(8);
        let start = Instant::now();
        selector.wait_millis(&mut buffer, Some(Duration::from_micros(300))).unwrap();
        assert_eq!(buffer.len(), 0);
        assert!(start.elapsed() >= Duration::from_micros(300));
        let waker = mio::Waker::new(selector.registry(), mio::Token(9)).unwrap();
        waker.wake().unwrap();
        selector.wait_millis(&mut buffer, None).unwrap();
        assert_eq!(buffer.iter().collect::<Vec<_>>(), [(9, READABLE)]);
    }

    #[test]
    fn a_kernel_without_the_precise_wait_is_asked_once() {
        for errno in [libc::ENOSYS, libc::EPERM] {
            let selector = Selector::new().unwrap();
            let mut buffer = Buffer::with_capacity(8);
            let _faults = faults::fail(Call::PreciseWait, errno, 0);
            let record = faults::record();
            for _ in 0..3 {
                selector.wait(&mut buffer, Some(Duration::ZERO)).unwrap();
            }
            assert_eq!((record.made(Call::PreciseWait), record.made(Call::Wait)), (1, 3));
        }
    }

    #[test]
    fn r04_a_half_close_says_nothing_about_writing() {
        let half = flags((libc::EPOLLIN | libc::EPOLLRDHUP) as u32);
        assert_eq!(half, READABLE | READ_CLOSED);
        assert_eq!(flags(libc::EPOLLERR as u32), READABLE | WRITABLE | ERROR);
        assert_eq!(flags(libc::EPOLLHUP as u32) & (READABLE | WRITABLE), READABLE | WRITABLE);
    }
}
