//! The wait itself: what it costs, what ends it, what it leaves for the next.

use super::*;

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
fn events_hold_at_least_one() {
    let bench = Bench::with_capacity(0);
    assert!(bench.events.buffer.capacity() >= 1);
    assert!(!Events::default().is_full());
    let _: BorrowedFd<'_> = pair().0.as_fd().try_clone_to_owned().unwrap().as_fd();
}
