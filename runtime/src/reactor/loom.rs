//! Every interleaving of one race each, between a reactor that turns and tasks that wait.

use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use corio_sync::prim::{Arc, AtomicUsize, Ordering, thread};

use super::once_arc::OnceArc;
use super::readiness::{Direction, READABLE, WRITABLE};
use super::ready_state::ReadyState;
use super::sleep_state::SleepState;
use super::*;

struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: StdArc<Self>) {
        // Ordering: Release, pairs with the Acquire in `woken`.
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl Flag {
    fn new() -> (StdArc<Self>, Waker) {
        let flag = StdArc::new(Self(AtomicUsize::new(0)));
        (flag.clone(), flag.into())
    }

    fn woken(&self) -> bool {
        // Ordering: Acquire, pairs with the Release in `wake`.
        self.0.load(Ordering::Acquire) > 0
    }
}

fn event(state: &ReadyState, flags: u32) {
    let mut wakers = VecDeque::new();
    state.event(flags, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
}

fn poll(state: &ReadyState, direction: Direction, waker: &Waker) -> Poll<Readiness> {
    state.poll(direction, &mut Context::from_waker(waker))
}

/// A queue of bytes in the kernel, as an edge-triggered selector shows it: data is put in, then the
/// event is delivered.
struct Kernel {
    data: AtomicUsize,
    state: ReadyState,
}

impl Kernel {
    fn new() -> Arc<Self> {
        Arc::new(Self { data: AtomicUsize::new(0), state: ReadyState::new(READABLE) })
    }

    fn arrive(&self) {
        // Ordering: AcqRel, the kernel's own order of data and event.
        self.data.fetch_add(1, Ordering::AcqRel);
        event(&self.state, READABLE);
    }

    /// `poll_io` with a read, as `Registration` does it.
    fn poll_read(&self, waker: &Waker) -> Poll<usize> {
        loop {
            let Poll::Ready(seen) = poll(&self.state, Direction::Read, waker) else {
                return Poll::Pending;
            };
            // Ordering: AcqRel, see `arrive`.
            match self.data.swap(0, Ordering::AcqRel) {
                0 => self.state.clear(seen, READABLE),
                count => return Poll::Ready(count),
            }
        }
    }
}

#[test]
fn loom_an_event_that_races_with_a_clear_and_a_wait_is_not_lost() {
    ::loom::model(|| {
        let kernel = Kernel::new();
        let (flag, waker) = Flag::new();
        let other = kernel.clone();
        let turner = thread::spawn(move || other.arrive());
        let mut read = kernel.poll_read(&waker);
        turner.join().unwrap();
        if read.is_pending() {
            assert!(flag.woken(), "pending, and nobody will wake it");
            read = kernel.poll_read(&waker);
        }
        assert_eq!(read, Poll::Ready(1));
    });
}

#[test]
fn loom_two_waiters_in_one_direction_are_both_woken() {
    ::loom::model(|| {
        let state = Arc::new(ReadyState::new(0));
        let waiter = || {
            let (state, (flag, waker)) = (state.clone(), Flag::new());
            let handle = thread::spawn(move || poll(&state, Direction::Read, &waker).is_ready());
            (flag, handle)
        };
        let (first, second) = (waiter(), waiter());
        event(&state, READABLE);
        for (flag, handle) in [first, second] {
            assert!(handle.join().unwrap() || flag.woken());
        }
    });
}

#[test]
fn loom_an_event_for_both_directions_wakes_both() {
    ::loom::model(|| {
        let state = Arc::new(ReadyState::new(0));
        let waiter = |direction| {
            let (state, (flag, waker)) = (state.clone(), Flag::new());
            let handle = thread::spawn(move || poll(&state, direction, &waker).is_ready());
            (flag, handle)
        };
        let (reader, writer) = (waiter(Direction::Read), waiter(Direction::Write));
        event(&state, READABLE | WRITABLE);
        for (flag, handle) in [reader, writer] {
            assert!(handle.join().unwrap() || flag.woken());
        }
    });
}

#[test]
fn loom_a_shutdown_reaches_a_waiter_that_comes_at_the_same_time() {
    ::loom::model(|| {
        let state = Arc::new(ReadyState::new(READABLE));
        let (flag, waker) = Flag::new();
        let other = state.clone();
        let closer = thread::spawn(move || {
            let mut wakers = VecDeque::new();
            other.shutdown(&mut wakers);
            wakers.into_iter().for_each(Waker::wake);
        });
        state.clear(state.load(), READABLE);
        let polled = poll(&state, Direction::Read, &waker);
        closer.join().unwrap();
        assert!(polled.is_ready() || flag.woken());
        assert!(state.load().is_shutdown(), "no clear takes a shutdown back");
    });
}

#[test]
fn loom_a_slot_is_filled_once() {
    ::loom::model(|| {
        let slot = Arc::new(OnceArc::new());
        let other = slot.clone();
        let handle = thread::spawn(move || other.set(Arc::new(1)).is_ok());
        let here = slot.set(Arc::new(2)).is_ok();
        let seen = *slot.get().expect("somebody has filled it");
        let there = handle.join().unwrap();
        assert_ne!(here, there);
        assert_eq!(seen, if here { 2 } else { 1 });
    });
}

/// An eventfd in an edge-triggered selector: one pending edge, which whoever waits takes.
struct Waiting {
    sleep: SleepState,
    edge: AtomicUsize,
    work: AtomicUsize,
}

impl Waiting {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            sleep: SleepState::new(),
            edge: AtomicUsize::new(0),
            work: AtomicUsize::new(0),
        })
    }

    fn write_waker(&self) {
        // Ordering: AcqRel, as the kernel's lock.
        self.edge.swap(1, Ordering::AcqRel);
    }

    fn take_edge(&self) -> bool {
        // Ordering: AcqRel, as the kernel's lock.
        self.edge.swap(0, Ordering::AcqRel) == 1
    }

    fn notify(&self) {
        // Ordering: Relaxed: that the sleeper sees it is what the model is to show.
        self.work.store(1, Ordering::Relaxed);
        if self.sleep.notify() {
            self.write_waker();
        }
    }

    /// Sleeps until notified; a wait that never ends is a deadlock, which loom reports.
    fn sleep_until_notified(&self) {
        if self.sleep.begin() {
            while !self.take_edge() {
                thread::yield_now();
            }
            self.sleep.end();
        }
        // Ordering: Relaxed, see `notify`.
        assert_eq!(self.work.load(Ordering::Relaxed), 1, "woken, and the work is not to be seen");
    }

    fn visit(&self) {
        if self.take_edge() && self.sleep.taken_by_visitor() {
            self.write_waker();
        }
    }
}

#[test]
fn loom_a_notification_ends_a_sleep_that_begins_at_the_same_time() {
    ::loom::model(|| {
        let waiting = Waiting::new();
        let other = waiting.clone();
        let notifier = thread::spawn(move || other.notify());
        waiting.sleep_until_notified();
        notifier.join().unwrap();
    });
}

#[test]
fn loom_a_visitor_that_takes_the_event_gives_it_back() {
    ::loom::model(|| {
        let waiting = Waiting::new();
        let (a, b) = (waiting.clone(), waiting.clone());
        let notifier = thread::spawn(move || a.notify());
        let visitor = thread::spawn(move || b.visit());
        waiting.sleep_until_notified();
        notifier.join().unwrap();
        visitor.join().unwrap();
    });
}
