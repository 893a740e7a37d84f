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

/// How many descriptors this process has open to `kind` (the text that `/proc` shows).
fn open(kind: &str) -> usize {
    let is = |entry: io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.ok()?.path()).ok()?;
        target.to_str()?.contains(kind).then_some(())
    };
    std::fs::read_dir("/proc/self/fd").unwrap().filter_map(is).count()
}

#[test]
fn a_socket_is_registered_at_its_first_wait_and_not_before() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let (flag, waker) = Flag::new();
    peer.write_all(b"abc").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(read_count(poll_read(&io, &mut buffer, &waker)), Some(3));
    assert!(!io.registration().is_registered());
    assert_eq!(read_count(poll_read(&io, &mut buffer, &waker)), None);
    assert!(io.registration().is_registered());
    peer.write_all(b"d").unwrap();
    bench.turn_until(&flag, 1);
    assert_eq!(read_count(poll_read(&io, &mut buffer, &waker)), Some(1));
}

#[test]
fn an_edge_between_the_failed_read_and_the_registration_is_not_lost() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let (flag, waker) = Flag::new();
    let cx = &mut Context::from_waker(&waker);
    let mut peer = Some(&mut peer);
    // The data arrives after the operation has looked and before anything is registered.
    let poll = io.poll_io(Direction::Read, wait_for(Direction::Read), cx, |mut s| {
        let result = s.read(&mut [0; 8]);
        if let Some(peer) = peer.take() {
            peer.write_all(b"x").unwrap();
        }
        result
    });
    assert!(poll.is_pending());
    bench.turn_until(&flag, 1);
    assert_eq!(read_count(poll_read(&io, &mut [0; 8], &waker)), Some(1));
}

#[test]
fn without_a_runtime_the_error_names_the_way_out() {
    let (io, _peer) = pair();
    let Poll::Ready(Err(error)) = poll_read(&io, &mut [0; 1], Waker::noop()) else { panic!() };
    assert!(error.to_string().contains("enter a `Handle` first"), "{error}");
}

#[test]
fn r01_a_copy_of_the_descriptor_gets_no_events_once_the_owner_is_gone() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let (flag, waker) = Flag::new();
    let copy: OwnedFd = io.get_ref().try_clone().unwrap().into();
    assert!(poll_read(&io, &mut [0; 1], &waker).is_pending());
    drop(io);
    peer.write_all(b"x").unwrap();
    assert_eq!(bench.reactor.turn(&mut bench.events, Some(Duration::from_millis(20))).unwrap(), 0);
    assert_eq!((bench.events.buffer.len(), flag.count()), (0, 0));
    drop(copy);
}

#[test]
fn r02_an_event_for_a_slot_that_has_been_used_again_is_ignored() {
    let mut bench = Bench::new();
    let (first, mut peer) = pair();
    let (_, waker) = Flag::new();
    assert!(poll_read(&first, &mut [0; 1], &waker).is_pending());
    let old = first.registration().source().unwrap().token;
    peer.write_all(b"x").unwrap();
    // The event is taken from the system, and before it is delivered the slot changes hands.
    bench.reactor.selector.wait(&mut bench.events.buffer, None).unwrap();
    drop(first);
    let (second, _peer) = pair();
    let (flag, waker) = Flag::new();
    assert!(poll_read(&second, &mut [0; 1], &waker).is_pending());
    let new = second.registration().source().unwrap().token;
    assert_eq!(unpack(old).0, unpack(new).0, "the slot was meant to be used again");
    assert_ne!(old, new);
    let tokens: Vec<usize> = bench.events.buffer.iter().map(|(token, _)| token).collect();
    assert!(tokens.contains(&old));
    let delivered = bench.reactor.deliver(&mut bench.events).0;
    bench.events.wake_all();
    assert_eq!((delivered, flag.count()), (0, 0));
    assert!(poll_read(&second, &mut [0; 1], &waker).is_pending());
}

#[test]
fn r02_tokens_keep_index_and_generation_apart() {
    for (index, generation) in [(0, 0), (MAX_INDEX, 0), (5, 7), (MAX_INDEX, usize::MAX)] {
        let token = pack(index, generation);
        assert_ne!(token, WAKE);
        assert_eq!(unpack(token), (index, generation & (usize::MAX >> INDEX_BITS)));
    }
}

#[test]
fn r03_a_registration_that_fails_leaves_nothing_behind_and_can_be_tried_again() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    for errno in [libc::EEXIST, libc::ENOMEM, libc::ENOSPC, libc::EBADF, libc::EPERM] {
        let _faults = faults::fail(Call::Add, errno, 0);
        let Poll::Ready(Err(error)) = poll_read(&io, &mut [0; 1], Waker::noop()) else { panic!() };
        assert_eq!(error.kind(), io::Error::from_raw_os_error(errno).kind());
        assert!(error.to_string().contains("descriptor"), "{error}");
        assert_eq!(bench.reactor.registered(), 0);
        assert!(!io.registration().is_registered());
    }
    let (flag, waker) = Flag::new();
    assert!(poll_read(&io, &mut [0; 1], &waker).is_pending());
    peer.write_all(b"x").unwrap();
    bench.turn_until(&flag, 1);
    let faults = faults::fail(Call::Remove, libc::EBADF, 0);
    drop(io);
    drop(faults);
    assert_eq!(bench.reactor.registered(), 0);
}

#[test]
fn r04_a_half_close_by_the_peer_does_not_make_us_writable() {
    let mut bench = Bench::new();
    let (io, peer) = pair();
    let (flag, waker) = Flag::new();
    while read_count(poll_write(&io, &[0; 65536], &waker)).is_some() {}
    bench.turn();
    let writable_before = flag.count();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    let (reader, read_waker) = Flag::new();
    assert_eq!(read_count(poll_read(&io, &mut [0; 8], &read_waker)), Some(0));
    bench.turn();
    assert_eq!(flag.count(), writable_before);
    assert!(io.registration().readiness().is_read_closed());
    assert!(!io.registration().readiness().is_write_closed());
    assert!(poll_write(&io, &[0; 65536], &waker).is_pending());
    drop(reader);
}

#[test]
fn r05_an_error_and_a_hang_up_reach_both_directions() {
    let mut bench = Bench::new();
    let (io, peer) = pair();
    let ((reader, read_waker), (writer, write_waker)) = (Flag::new(), Flag::new());
    while read_count(poll_write(&io, &[0; 65536], &write_waker)).is_some() {}
    assert!(poll_read(&io, &mut [0; 1], &read_waker).is_pending());
    // Closing with unread input is a reset: the event has HUP and ERR.
    drop(peer);
    bench.turn_until(&reader, 1);
    bench.turn_until(&writer, 1);
    let Poll::Ready(Err(_)) = poll_write(&io, b"x", &write_waker) else { panic!() };
}

#[test]
fn r05_closing_a_drained_pipe_wakes_its_reader() {
    let mut bench = Bench::new();
    let (reader, writer) = io::pipe().unwrap();
    let mut raw = [0; 1];
    let reader = std::fs::File::from(OwnedFd::from(reader));
    // A pipe has no call of its own in std that makes it non-blocking: ask before each read.
    let io = Registered::with_registration(reader, Registration::new_unready(Interest::Read));
    let (flag, waker) = Flag::new();
    let cx = &mut Context::from_waker(&waker);
    let wait = wait_for(Direction::Read);
    assert!(io.poll_io(Direction::Read, wait, cx, |mut f| f.read(&mut raw)).is_pending());
    drop(writer);
    bench.turn_until(&flag, 1);
    let poll = io.poll_io(Direction::Read, wait, cx, |mut f| f.read(&mut raw));
    assert_eq!(read_count(poll), Some(0));
    let Poll::Ready(Err(error)) = io.poll_ready(Direction::Write, wait, cx) else { return };
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_wait_in_a_direction_that_was_not_asked_for_is_an_error() {
    let _bench = Bench::new();
    let (ours, _peer) = UnixStream::pair().unwrap();
    let io = Registered::with_registration(ours, Registration::new_unready(Interest::Read));
    let cx = &mut Context::from_waker(Waker::noop());
    let wait = wait_for(Direction::Write);
    let Poll::Ready(Err(error)) = io.poll_ready(Direction::Write, wait, cx) else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn r06_a_clear_does_not_wipe_an_event_that_came_after_its_snapshot() {
    let state = ready_state::ReadyState::new(0);
    let mut wakers = VecDeque::new();
    state.event(readiness::READABLE, &mut wakers);
    let seen = state.load();
    state.event(readiness::READABLE, &mut wakers);
    state.clear(seen, readiness::READABLE);
    assert!(state.load().is_readable());
    state.clear(state.load(), readiness::READABLE);
    assert!(!state.load().is_readable());
}

#[test]
fn the_tick_wraps_without_touching_the_flags() {
    let state = ready_state::ReadyState::new(u32::MAX << 8 | readiness::WRITABLE);
    let seen = state.load();
    state.event(readiness::READABLE, &mut VecDeque::new());
    assert_eq!(state.load().0, readiness::READABLE | readiness::WRITABLE);
    assert!(!seen.same_tick(state.load().0));
}

#[test]
fn r07_a_short_read_asks_again_when_the_end_is_known_to_follow() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let (flag, waker) = Flag::new();
    let mut buffer = [0; 8];
    assert!(poll_read(&io, &mut buffer, &waker).is_pending());
    peer.write_all(b"abc").unwrap();
    drop(peer);
    bench.turn_until(&flag, 1);
    assert_eq!(read_count(poll_read(&io, &mut buffer, &waker)), Some(3));
    // No event is left, and none is needed.
    assert_eq!(read_count(poll_read(&io, &mut buffer, &waker)), Some(0));
    assert_eq!(read_count(poll_read(&io, &mut buffer, &waker)), Some(0));
}

#[test]
fn r07_a_short_read_saves_the_read_that_would_find_nothing() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let (flag, waker) = Flag::new();
    assert!(poll_read(&io, &mut [0; 8], &waker).is_pending());
    peer.write_all(b"abc").unwrap();
    bench.turn_until(&flag, 1);
    let calls = Cell::new(0);
    let cx = &mut Context::from_waker(&waker);
    for expected in [Some(3), None] {
        let poll = io.poll_stream_io(Direction::Read, wait_for(Direction::Read), 8, cx, |mut s| {
            calls.set(calls.get() + 1);
            s.read(&mut [0; 8])
        });
        assert_eq!(read_count(poll), expected);
    }
    assert_eq!(calls.get(), 1);
    peer.write_all(b"defgh").unwrap();
    bench.turn_until(&flag, 2);
    assert_eq!(read_count(poll_read(&io, &mut [0; 8], &waker)), Some(5));
}

#[test]
fn r08_an_event_that_brings_nothing_is_not_seen_by_the_caller() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let (flag, waker) = Flag::new();
    assert!(poll_read(&io, &mut [0; 1], &waker).is_pending());
    for _ in 0..3 {
        let source = io.registration().source().unwrap();
        source.state.event(readiness::READABLE | readiness::ERROR, &mut bench.events.wakers);
        bench.events.wake_all();
        assert!(poll_read(&io, &mut [0; 1], &waker).is_pending());
    }
    // Closed flags that an operation disproves do not make the wait spin either.
    let source = io.registration().source().unwrap();
    source.state.event(readiness::READABLE | readiness::READ_CLOSED, &mut bench.events.wakers);
    assert!(poll_read(&io, &mut [0; 1], &waker).is_pending());
    let woken = flag.count();
    peer.write_all(b"x").unwrap();
    bench.turn_until(&flag, woken + 1);
    assert_eq!(read_count(poll_read(&io, &mut [0; 1], &waker)), Some(1));
}

#[test]
fn r08_an_interrupted_operation_is_tried_again() {
    let _bench = Bench::new();
    let (io, _peer) = pair();
    let cx = &mut Context::from_waker(Waker::noop());
    let mut interruptions = 2;
    let poll = io.poll_io(Direction::Write, wait_for(Direction::Write), cx, |_| {
        if interruptions == 0 {
            return Ok(7);
        }
        interruptions -= 1;
        Err(io::ErrorKind::Interrupted.into())
    });
    assert_eq!(read_count(poll), Some(7));
}

#[test]
fn r09_an_interrupted_wait_is_an_empty_turn() {
    let mut bench = Bench::new();
    let faults = faults::fail(Call::Wait, libc::EINTR, 0);
    assert_eq!(bench.reactor.turn(&mut bench.events, None).unwrap(), 0);
    drop(faults);
    let _faults = faults::fail(Call::Wait, libc::EBADF, 0);
    assert!(bench.reactor.turn(&mut bench.events, None).is_err());
    // The failed sleep has been ended: a notification is for the next one.
    bench.reactor.notify();
    assert_eq!(bench.reactor.turn(&mut bench.events, None).unwrap(), 0);
}

#[test]
fn r10_more_ready_sources_than_the_buffer_holds_are_all_served() {
    let mut bench = Bench::with_capacity(4);
    let mut all: Vec<_> = (0..50).map(|_| (pair(), Flag::new())).collect();
    for ((io, _), (_, waker)) in &all {
        assert!(poll_read(io, &mut [0; 1], waker).is_pending());
    }
    for ((_, peer), _) in &mut all {
        peer.write_all(b"x").unwrap();
    }
    let mut served = 0;
    while served < all.len() {
        let count = bench.turn();
        assert!((1..=4).contains(&count), "{count} in one turn");
        served += count;
    }
    assert!(all.iter().all(|(_, (flag, _))| flag.count() == 1));
}

#[test]
fn r11_a_notification_before_the_wait_is_kept_and_several_are_one() {
    let mut bench = Bench::new();
    let record = faults::record();
    bench.reactor.notify();
    bench.reactor.notify();
    assert_eq!(record.made(Call::Wake), 0, "nobody sleeps, so nothing is written");
    let start = Instant::now();
    assert_eq!(bench.reactor.turn(&mut bench.events, Some(LONG)).unwrap(), 0);
    assert!(start.elapsed() < LONG);
    // It has been used up.
    let short = Duration::from_millis(5);
    let start = Instant::now();
    bench.reactor.turn(&mut bench.events, Some(short)).unwrap();
    assert!(start.elapsed() >= short);
}

#[test]
fn r11_a_notification_ends_a_wait_also_while_visitors_take_its_event() {
    let bench = Bench::new();
    let stop = Arc::new(AtomicUsize::new(0));
    let visitor = thread::spawn({
        let (reactor, stop) = (bench.reactor.clone(), stop.clone());
        move || {
            let mut events = Events::with_capacity(8);
            // Ordering: Acquire, pairs with the Release below.
            while stop.load(Ordering::Acquire) == 0 {
                reactor.turn(&mut events, Some(Duration::ZERO)).unwrap();
            }
        }
    });
    let (rounds, done) = (2000, Arc::new(AtomicUsize::new(0)));
    let sleeper = thread::spawn({
        let (reactor, done) = (bench.reactor.clone(), done.clone());
        move || {
            let mut events = Events::with_capacity(8);
            for _ in 0..rounds {
                let start = Instant::now();
                reactor.turn(&mut events, Some(LONG)).unwrap();
                assert!(start.elapsed() < LONG, "a notification was lost");
                // Ordering: Release, pairs with the Acquire below.
                done.fetch_add(1, Ordering::Release);
            }
        }
    });
    for round in 0..rounds {
        bench.reactor.notify();
        // Ordering: Acquire, pairs with the Release above.
        while done.load(Ordering::Acquire) <= round {
            thread::yield_now();
        }
    }
    sleeper.join().unwrap();
    // Ordering: Release, pairs with the Acquire above.
    stop.store(1, Ordering::Release);
    visitor.join().unwrap();
}

#[test]
fn r11_a_full_counter_counts_as_woken() {
    let bench = Bench::new();
    // Many more writes than reads: mio never reads the eventfd.
    for _ in 0..1000 {
        bench.reactor.write_waker();
    }
    let faults = faults::fail(Call::Wake, libc::EAGAIN, 0);
    bench.reactor.write_waker();
    drop(faults);
    let _faults = faults::fail(Call::Wake, libc::EINTR, 0);
    let record = faults::record();
    bench.reactor.write_waker();
    assert_eq!(record.made(Call::Wake), 2);
}

#[test]
fn a_second_sleeper_returns_at_once() {
    let mut bench = Bench::new();
    assert!(bench.reactor.sleep.begin());
    assert_eq!(bench.reactor.turn(&mut bench.events, Some(LONG)).unwrap(), 0);
    bench.reactor.sleep.end();
}

#[test]
fn r12_all_tasks_that_wait_in_one_direction_are_woken() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let flags: Vec<_> = (0..5).map(|_| Flag::new()).collect();
    for (_, waker) in &flags {
        assert!(poll_read(&io, &mut [0; 1], waker).is_pending());
        assert!(poll_read(&io, &mut [0; 1], waker).is_pending());
    }
    assert_eq!(io.registration().source().unwrap().state.waiting(), 5);
    peer.write_all(b"x").unwrap();
    for (flag, _) in &flags {
        bench.turn_until(flag, 1);
        assert_eq!(flag.count(), 1);
    }
}

#[test]
fn r12_a_waiter_that_is_displaced_is_woken_and_their_number_is_bounded() {
    let _bench = Bench::new();
    let (io, _peer) = pair();
    let flags: Vec<_> = (0..100).map(|_| Flag::new()).collect();
    for (_, waker) in &flags {
        assert!(poll_read(&io, &mut [0; 1], waker).is_pending());
    }
    let waiting = io.registration().source().unwrap().state.waiting();
    let woken = flags.iter().filter(|(flag, _)| flag.count() == 1).count();
    assert_eq!(waiting + woken, 100);
    assert!(waiting < 100);
}

#[test]
fn r13_dropping_a_socket_releases_the_wakers_of_those_who_waited() {
    let _bench = Bench::new();
    let (io, _peer) = pair();
    let (flag, waker) = Flag::new();
    assert!(poll_read(&io, &mut [0; 1], &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&flag), 2);
    drop(io);
    assert_eq!(Arc::strong_count(&flag), 1);
}

#[test]
fn r15_one_descriptor_in_two_registrations_is_a_clear_error() {
    let _bench = Bench::new();
    let (ours, _peer) = UnixStream::pair().unwrap();
    let (first, second) =
        (Registration::new_unready(Interest::Both), Registration::new_unready(Interest::Both));
    let cx = &mut Context::from_waker(Waker::noop());
    let wait = wait_for(Direction::Read);
    assert!(first.poll_ready(ours.as_fd(), Direction::Read, wait, cx).is_pending());
    let Poll::Ready(Err(error)) = second.poll_ready(ours.as_fd(), Direction::Read, wait, cx) else {
        panic!()
    };
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert!(error.to_string().contains(&ours.as_raw_fd().to_string()), "{error}");
}

#[test]
fn r16_a_regular_file_is_a_clear_error() {
    let _bench = Bench::new();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let registration = Registration::new_unready(Interest::Read);
    let cx = &mut Context::from_waker(Waker::noop());
    let Poll::Ready(Err(error)) = registration.poll_read_ready(file.as_fd(), cx) else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("regular file"), "{error}");
    assert!(error.to_string().contains(&file.as_raw_fd().to_string()), "{error}");
}

#[test]
fn r17_a_reactor_that_cannot_be_made_leaves_no_descriptor() {
    for (call, errno) in [
        (Call::Create, libc::EMFILE),
        (Call::Create, libc::ENFILE),
        (Call::Create, libc::ENOMEM),
        (Call::MakeWaker, libc::EMFILE),
        (Call::MakeWaker, libc::ENOMEM),
    ] {
        let _faults = faults::fail(call, errno, 0);
        let error = Reactor::new().unwrap_err();
        assert_eq!(error.kind(), io::Error::from_raw_os_error(errno).kind());
        assert!(error.to_string().contains("reactor"), "{error}");
    }
    // Other tests make and drop reactors at the same time: only a leak makes the number grow for good.
    let before = open("eventpoll");
    for _ in 0..200 {
        let _faults = faults::fail(Call::MakeWaker, libc::EMFILE, 0);
        Reactor::new().unwrap_err();
    }
    assert!(open("eventpoll") < before + 100);
}

#[test]
fn every_descriptor_of_a_reactor_is_closed_on_exec() {
    let bench = Bench::new();
    let raw = bench.reactor.selector.registry().as_raw_fd();
    // SAFETY: the descriptor is the reactor's, which is alive; F_GETFD takes no argument.
    let flags = unsafe { libc::fcntl(raw, libc::F_GETFD) };
    assert_ne!(flags & libc::FD_CLOEXEC, 0);
    // mio's eventfd is the one after it, or at least among those of this process.
    for entry in std::fs::read_dir("/proc/self/fdinfo").unwrap().filter_map(Result::ok) {
        let Ok(info) = std::fs::read_to_string(entry.path()) else { continue };
        if info.contains("eventfd-count") {
            let line = info.lines().find(|line| line.starts_with("flags:")).unwrap();
            let flags = i32::from_str_radix(line.split_whitespace().nth(1).unwrap(), 8).unwrap();
            assert_ne!(flags & libc::O_CLOEXEC, 0, "{info}");
        }
    }
}

#[test]
fn r18_a_raw_operation_that_blocks_lets_the_next_edge_through() {
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let try_read = || io.try_io(Direction::Read, |mut s| s.read(&mut [0; 8]));
    let (flag, waker) = Flag::new();
    let cx = &mut Context::from_waker(&waker);
    for round in 1..=3 {
        assert_eq!(try_read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // The wait does not return at once with readiness that the operation disproved.
        assert!(pin!(io.readable()).as_mut().poll(cx).is_pending());
        peer.write_all(b"x").unwrap();
        bench.turn_until(&flag, round);
        let Poll::Ready(Ok(ready)) = pin!(io.readable()).as_mut().poll(cx) else { panic!() };
        assert!(ready.is_readable());
        assert_eq!(try_read().unwrap(), 1);
    }
}

/// Raises the limit of open descriptors as far as it goes and returns it.
fn raise_descriptor_limit() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live value of the type that the calls read and write.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

#[test]
fn r19_a_turn_costs_as_much_as_there_are_active_sources() {
    let mut bench = Bench::with_capacity(1024);
    let idle = 20_000.min(raise_descriptor_limit().saturating_sub(500));
    // Copies of one silent socket: each has its own entry, and none is ever ready to read.
    let (quiet, _peer) = UnixStream::pair().unwrap();
    quiet.set_nonblocking(true).unwrap();
    let copies: Vec<_> = (0..idle)
        .map(|_| {
            let registration = Registration::new_unready(Interest::Read);
            Registered::with_registration(quiet.try_clone().unwrap(), registration)
        })
        .collect();
    for io in &copies {
        assert!(poll_read(io, &mut [0; 1], Waker::noop()).is_pending());
    }
    let mut active: Vec<_> = (0..10).map(|_| (pair(), Flag::new())).collect();
    for ((io, _), (_, waker)) in &active {
        assert!(poll_read(io, &mut [0; 8], waker).is_pending());
    }
    // The first event of a socket says that it can be written to.
    while bench.turn() > 0 {}
    assert_eq!(bench.reactor.registered(), idle + active.len());
    for round in 1..=20 {
        for ((io, peer), (flag, waker)) in &mut active {
            assert!(poll_read(io, &mut [0; 8], waker).is_pending());
            peer.write_all(b"x").unwrap();
            assert_eq!(flag.count(), round - 1);
        }
        // What is counted is work, not time.
        assert_eq!((bench.turn(), bench.turn()), (active.len(), 0));
        for ((io, _), (_, waker)) in &active {
            assert_eq!(read_count(poll_read(io, &mut [0; 8], waker)), Some(1));
        }
    }
}

#[test]
fn l04_shutdown_wakes_every_waiter_with_an_error() {
    let bench = Bench::new();
    let (io, mut peer) = pair();
    let ((reader, read_waker), (writer, write_waker)) = (Flag::new(), Flag::new());
    while read_count(poll_write(&io, &[0; 65536], &write_waker)).is_some() {}
    assert!(poll_read(&io, &mut [0; 1], &read_waker).is_pending());
    bench.reactor.shutdown();
    assert_eq!((reader.count(), writer.count()), (1, 1));
    for poll in [poll_read(&io, &mut [0; 1], &read_waker), poll_write(&io, b"x", &write_waker)] {
        let Poll::Ready(Err(error)) = poll else { panic!() };
        assert_eq!(error.to_string(), SHUT_DOWN);
    }
    // A socket that was never registered fails as soon as it would have to be.
    let (late, _late_peer) = pair();
    let Poll::Ready(Err(error)) = poll_read(&late, &mut [0; 1], Waker::noop()) else { panic!() };
    assert_eq!(error.to_string(), SHUT_DOWN);
    // What needs no waiting goes on, and dropping is silent.
    peer.write_all(b"x").unwrap();
    assert_eq!(io.try_io(Direction::Read, |mut s| s.read(&mut [0; 8])).unwrap(), 1);
    drop(io);
}

#[test]
fn l04_an_operation_that_would_block_after_the_shutdown_does_not_take_it_back() {
    let bench = Bench::new();
    let (io, _peer) = pair();
    let (_, waker) = Flag::new();
    assert!(poll_read(&io, &mut [0; 1], &waker).is_pending());
    bench.reactor.shutdown();
    assert!(io.try_io(Direction::Read, |mut s| s.read(&mut [0; 8])).is_err());
    io.registration().clear_ready(Direction::Write, io.registration().readiness());
    assert!(io.registration().readiness().is_shutdown());
    let Poll::Ready(Err(error)) = poll_read(&io, &mut [0; 1], &waker) else { panic!() };
    assert_eq!(error.to_string(), SHUT_DOWN);
    let cx = &mut Context::from_waker(&waker);
    assert!(io.poll_ready(Direction::Write, wait_for(Direction::Write), cx).is_ready());
}

#[test]
fn a_socket_moves_to_another_reactor_after_deregister() {
    let mut io = {
        let _bench = Bench::new();
        let (io, _peer) = pair();
        assert!(poll_read(&io, &mut [0; 1], Waker::noop()).is_pending());
        io.into_inner()
    };
    let mut bench = Bench::new();
    let mut registration = Registration::new(Interest::Both);
    registration.deregister();
    let cx = &mut Context::from_waker(Waker::noop());
    // Deregistered means that nothing is assumed: the peer's end is reported by the system.
    assert!(registration.poll_read_ready(io.as_fd(), cx).is_pending());
    bench.turn();
    assert!(registration.poll_read_ready(io.as_fd(), cx).is_ready());
    assert_eq!(io.read(&mut [0; 1]).unwrap(), 0);
    drop(registration);
}

#[test]
fn a_panicking_waker_does_not_strand_the_others() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("boom"));
        }
    }
    let mut bench = Bench::new();
    let (io, mut peer) = pair();
    let (before, before_waker) = Flag::new();
    let (after, after_waker) = Flag::new();
    for waker in [&before_waker, &Arc::new(Bomb).into(), &after_waker] {
        assert!(poll_read(&io, &mut [0; 1], waker).is_pending());
    }
    peer.write_all(b"x").unwrap();
    bench.turn_until(&after, 1);
    assert_eq!(before.count(), 1);
}

#[test]
fn timeouts_below_a_millisecond_are_met() {
    let mut bench = Bench::new();
    let timeout = Duration::from_micros(200);
    // The best of many: a busy machine delays some, a millisecond clock would delay all.
    let best = (0..200)
        .map(|_| {
            let start = Instant::now();
            bench.reactor.turn(&mut bench.events, Some(timeout)).unwrap();
            start.elapsed()
        })
        .inspect(|elapsed| assert!(*elapsed >= timeout, "early: {elapsed:?}"))
        .min()
        .unwrap();
    assert!(best < Duration::from_micros(900), "best of 200: {best:?}");
}

#[test]
fn an_endless_timeout_of_any_size_is_accepted() {
    let mut bench = Bench::new();
    for timeout in [None, Some(Duration::MAX), Some(Duration::from_secs(u64::MAX >> 1))] {
        bench.reactor.notify();
        assert_eq!(bench.reactor.turn(&mut bench.events, timeout).unwrap(), 0);
        let sleeper = thread::spawn({
            let reactor = bench.reactor.clone();
            move || reactor.turn(&mut Events::with_capacity(1), timeout).unwrap()
        });
        while !sleeper.is_finished() {
            bench.reactor.notify();
            thread::yield_now();
        }
        assert_eq!(sleeper.join().unwrap(), 0);
        // The last notifications may have come after its end.
        bench.reactor.turn(&mut bench.events, Some(Duration::ZERO)).unwrap();
    }
}

#[test]
fn two_cores_that_register_one_socket_at_once_agree_on_one() {
    for _ in 0..200 {
        let reactors: Vec<_> = (0..2).map(|_| Arc::new(Reactor::new().unwrap())).collect();
        let (io, _peer) = pair();
        let io = Arc::new(io);
        let threads: Vec<_> = reactors
            .iter()
            .map(|reactor| {
                let (reactor, io) = (reactor.clone(), io.clone());
                thread::spawn(move || {
                    set_current(Some(reactor));
                    assert!(poll_read(&io, &mut [0; 1], Waker::noop()).is_pending());
                    set_current(None);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(reactors.iter().map(|r| r.registered()).sum::<usize>(), 1);
        drop(io);
        assert!(reactors.iter().all(|r| r.registered() == 0));
    }
}

#[test]
fn a_source_is_small() {
    assert!(size_of::<Registration>() <= 16);
    // With the two counts of its `Arc`.
    assert!(size_of::<registration::IoSource>() + 16 <= 96);
    assert_eq!(size_of::<slab::Slab<Entry>>(), size_of::<slab::Slab<u8>>());
}

#[test]
fn events_hold_at_least_one() {
    let bench = Bench::with_capacity(0);
    assert!(bench.events.buffer.capacity() >= 1);
    assert!(!Events::default().is_full());
    let _: BorrowedFd<'_> = pair().0.as_fd().try_clone_to_owned().unwrap().as_fd();
}
