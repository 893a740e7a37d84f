//! The reactor's own descriptors, and its end.

use super::*;

/// How many descriptors this process has open to `kind` (the text that `/proc` shows).
fn open(kind: &str) -> usize {
    let is = |entry: io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.ok()?.path()).ok()?;
        target.to_str()?.contains(kind).then_some(())
    };
    std::fs::read_dir("/proc/self/fd").unwrap().filter_map(is).count()
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
