use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::*;

#[test]
fn timeouts_are_rounded_up_to_milliseconds() {
    assert_eq!(millis(None), -1);
    assert_eq!(millis(Some(Duration::ZERO)), 0);
    assert_eq!(millis(Some(Duration::from_nanos(1))), 1);
    assert_eq!(millis(Some(Duration::from_millis(7))), 7);
    assert_eq!(millis(Some(Duration::from_micros(7001))), 8);
    assert_eq!(millis(Some(Duration::MAX)), c_int::MAX);
}

#[test]
fn a_pipe_is_non_blocking_and_can_be_waited_for() {
    let (read, write_end) = pipe().unwrap();
    for end in [&read, &write_end] {
        assert_ne!(status_flags(end.as_fd()).unwrap() & libc::O_NONBLOCK, 0);
    }
    let mut fds = [PollFd::readable(read.as_fd()), PollFd::writable(write_end.as_fd())];
    assert_eq!(poll(&mut fds, None).unwrap(), 1);
    assert!(!fds[0].is_ready() && fds[1].is_ready());

    assert_eq!(write(write_end.as_fd(), b"abc").unwrap(), 3);
    assert_eq!(poll(&mut fds[..1], Some(Duration::MAX)).unwrap(), 1);
    assert!(fds[0].is_ready());

    set_status_flags(read.as_fd(), 0).unwrap();
    assert_eq!(status_flags(read.as_fd()).unwrap() & libc::O_NONBLOCK, 0);
}

#[test]
fn a_poll_of_nothing_waits_for_its_time() {
    let start = Instant::now();
    assert_eq!(poll(&mut [], Some(Duration::from_micros(300))).unwrap(), 0);
    assert!(start.elapsed() >= Duration::from_micros(300));
}

#[test]
fn errors_are_the_systems() {
    let (read, write_end) = pipe().unwrap();
    let error = write(read.as_fd(), b"x").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    drop(read);
    let error = write(write_end.as_fd(), b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_file_is_agrees_with_std() {
        let file = File::open("Cargo.toml").unwrap();
        let known = file.metadata().unwrap();
        for stat in [stat(file.as_fd()).unwrap(), stat_cached(file.as_fd()).unwrap()] {
            assert!(stat.is_file);
            assert_eq!(stat.size, known.len());
            let device = libc::makedev(stat.device.0, stat.device.1);
            assert_eq!(device, known.dev());
        }
        let folder = File::open("src").unwrap();
        assert!(!stat(folder.as_fd()).unwrap().is_file);
    }

    #[test]
    fn proc_is_known_by_its_number() {
        let file = File::open("/proc/self/stat").unwrap();
        assert_eq!(file_system(file.as_fd()).unwrap(), 0x9FA0);
    }

    #[test]
    fn an_offset_beyond_the_systems_is_an_error() {
        let file = File::open("Cargo.toml").unwrap();
        let error = read_cached(file.as_fd(), &mut [0; 4], Some(u64::MAX)).unwrap_err();
        assert_eq!((error.kind(), error.raw_os_error()), (io::ErrorKind::InvalidInput, None));
        assert!(error.to_string().contains(&u64::MAX.to_string()), "{error}");
        let (near, _far) = UnixStream::pair().unwrap();
        send_file(near.as_fd(), file.as_fd(), u64::MAX, 1).unwrap_err();
    }

    #[test]
    fn an_empty_stream_would_block() {
        let (read, write_end) = pipe().unwrap();
        // The kernel refuses such reads of some descriptors, but it never waits.
        assert!(read_cached(read.as_fd(), &mut [0; 4], None).is_err());
        write(write_end.as_fd(), b"ab").unwrap();
        let mut buf = [0; 4];
        if let Ok(n) = read_cached(read.as_fd(), &mut buf, None) {
            assert_eq!(&buf[..n], b"ab");
        }
    }

    #[test]
    fn a_path_with_a_zero_is_refused() {
        let error = open_cached("a\0b".as_ref(), libc::O_RDONLY).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_file_is_moved_to_a_socket_from_its_offset_on() {
        let file = File::open("Cargo.toml").unwrap();
        let text = std::fs::read("Cargo.toml").unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        assert_eq!(send_file(near.as_fd(), file.as_fd(), 5, 10).unwrap(), 10);
        let mut moved = [0; 10];
        far.read_exact(&mut moved).unwrap();
        assert_eq!(moved, text[5..15]);
    }

    #[test]
    fn a_selector_tells_tokens_and_flags() {
        let epoll = Epoll::new().unwrap();
        let counter = eventfd().unwrap();
        epoll.add(counter.as_fd(), u64::MAX - 1, libc::EPOLLIN).unwrap();
        let again = epoll.add(counter.as_fd(), 1, libc::EPOLLIN).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);

        let mut events = Events::with_capacity(4);
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events.iter().len(), 0);

        File::from(counter.try_clone().unwrap()).write_all(&1_u64.to_ne_bytes()).unwrap();
        epoll.wait(&mut events, None).unwrap();
        let event = events.iter().next().unwrap();
        assert_eq!((event.token, event.flags), (u64::MAX - 1, libc::EPOLLIN as u32));

        epoll.modify(counter.as_fd(), 7, libc::EPOLLOUT).unwrap();
        epoll.wait(&mut events, None).unwrap();
        assert_eq!(events.iter().next().unwrap().token, 7);

        epoll.delete(counter.as_fd()).unwrap();
        let gone = epoll.delete(counter.as_fd()).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
        assert!(epoll.as_fd().as_raw_fd() >= 0);
    }

    #[test]
    fn a_process_is_signalled_through_its_descriptor() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let process = open_process(child.id() as libc::pid_t).unwrap();
        signal_process(process.as_fd(), libc::SIGTERM).unwrap();
        // It is ready when the process has ended.
        assert_eq!(poll(&mut [PollFd::readable(process.as_fd())], None).unwrap(), 1);
        assert!(!child.wait().unwrap().success());
        let gone = signal_process(process.as_fd(), libc::SIGTERM).unwrap_err();
        assert_eq!(gone.raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn the_peer_of_a_pair_is_this_process() {
        let (near, _far) = UnixStream::pair().unwrap();
        let peer = peer_credentials(near.as_fd()).unwrap();
        assert_eq!(peer.pid.unsigned_abs(), std::process::id());
    }
}
