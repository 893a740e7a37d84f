//! The wait where mio's own call is precise (kqueue counts in nanoseconds).
//!
//! `mio::Poll` wants `&mut self`, so it lives behind a lock. Whoever finds the lock taken has nothing
//! to do: the thread that holds it is waiting for the same events.
#![cfg_attr(target_os = "linux", allow(dead_code, reason = "tests alone use it there"))]

use std::io;
use std::time::Duration;

use corio_sync::prim::Mutex;

use super::{Call, gate};
use crate::reactor::readiness::{ERROR, READ_CLOSED, READABLE, URGENT, WRITABLE, WRITE_CLOSED};

#[derive(Debug)]
pub(crate) struct Selector {
    poll: Mutex<mio::Poll>,
    registry: mio::Registry,
}

pub(crate) struct Buffer {
    events: mio::Events,
    capacity: usize,
}

impl Buffer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { events: mio::Events::with_capacity(capacity), capacity }
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.events.iter().count()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The events of the last wait: token and flags.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, u32)> {
        self.events.iter().map(|event| (event.token().0, flags(event)))
    }
}

fn flags(event: &mio::event::Event) -> u32 {
    let pairs = [
        (event.is_readable(), READABLE),
        (event.is_writable(), WRITABLE),
        (event.is_priority(), READABLE | URGENT),
        (event.is_read_closed(), READABLE | READ_CLOSED),
        (event.is_write_closed(), WRITABLE | WRITE_CLOSED),
        (event.is_error(), READABLE | WRITABLE | ERROR),
    ];
    pairs.iter().filter(|(set, _)| *set).fold(0, |flags, (_, meaning)| flags | meaning)
}

impl Selector {
    pub(crate) fn new() -> io::Result<Self> {
        gate(Call::Create)?;
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        Ok(Self { poll: Mutex::new(poll), registry })
    }

    pub(crate) fn registry(&self) -> &mio::Registry {
        &self.registry
    }

    /// Waits until there is an event or `timeout` is over; returns at once while another thread waits.
    pub(crate) fn wait(&self, buffer: &mut Buffer, timeout: Option<Duration>) -> io::Result<()> {
        buffer.clear();
        gate(Call::Wait)?;
        match self.poll.try_lock() {
            Some(mut poll) => poll.poll(&mut buffer.events, timeout),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactor::readiness::Interest;
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn r20_mios_own_wait_reports_the_same_events() {
        let selector = Selector::new().unwrap();
        let mut buffer = Buffer::with_capacity(8);
        let (mut a, b) = UnixStream::pair().unwrap();
        super::super::add(selector.registry(), b.as_raw_fd(), mio::Token(3), Interest::Both)
            .unwrap();
        a.write_all(b"x").unwrap();
        selector.wait(&mut buffer, None).unwrap();
        assert_eq!(buffer.iter().collect::<Vec<_>>(), [(3, READABLE | WRITABLE)]);
        drop(a);
        selector.wait(&mut buffer, None).unwrap();
        let (token, flags) = buffer.iter().next().unwrap();
        assert_eq!((token, buffer.len()), (3, 1));
        assert_ne!(flags & READ_CLOSED, 0);
    }

    #[test]
    fn a_second_thread_does_not_wait_for_the_first() {
        let selector = Selector::new().unwrap();
        let held = selector.poll.lock();
        let mut buffer = Buffer::with_capacity(8);
        selector.wait(&mut buffer, None).unwrap();
        assert_eq!((buffer.len(), buffer.capacity()), (0, 8));
        drop(held);
    }
}
