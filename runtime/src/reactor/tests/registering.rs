//! A descriptor's place in the reactor: when it takes it, and that nothing of it is left.

use super::*;

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
