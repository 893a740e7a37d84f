//! What an event says of a descriptor, and who is woken by it.

use super::*;

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
