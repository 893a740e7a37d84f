//! SEL: selectors.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corio::io::{AsyncFd, Direction, Interest, Poller};
use corio::{spawn, spawn_blocking};

use crate::support::{LONG, settle};

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A client that sends and reads back, on a thread.
fn client(addr: std::net::SocketAddr) -> impl FnOnce() -> Vec<u8> + Send {
    move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(b"echo me").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        back
    }
}

/// The echo server of Python's documentation, with a poller and no runtime.
fn serve_with_poller(listener: &TcpListener, connections: usize) {
    let poller = Poller::new().unwrap();
    listener.set_nonblocking(true).unwrap();
    poller.register(listener, 0, Interest::Read).unwrap();
    let mut streams = HashMap::new();
    let (mut next, mut ended) = (1, 0);
    while ended < connections {
        for event in poller.wait_blocking(Some(LONG)).unwrap() {
            if event.key == 0 {
                let Ok((stream, _)) = listener.accept() else { continue };
                stream.set_nonblocking(true).unwrap();
                poller.register(&stream, next, Interest::Read).unwrap();
                streams.insert(next, stream);
                next += 1;
                continue;
            }
            let mut buf = [0; 1000];
            let stream: &mut TcpStream = streams.get_mut(&event.key).unwrap();
            match stream.read(&mut buf) {
                Ok(0) => {
                    poller.unregister(&*stream).unwrap();
                    streams.remove(&event.key);
                    ended += 1;
                }
                Ok(n) => stream.write_all(&buf[..n]).unwrap(),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }
    assert_eq!(poller.len(), 1);
}

/// An echo server with a poller alone, and the same with descriptors in a runtime.
#[corio::test]
async fn sel_01_an_echo_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let clients: Vec<_> = (0..3).map(|_| spawn_blocking(client(addr))).collect();
    let server = spawn_blocking(move || {
        serve_with_poller(&listener, 3);
        listener
    });
    for client in clients {
        assert_eq!(client.await.unwrap(), b"echo me");
    }
    let listener = AsyncFd::with_interest(server.await.unwrap(), Interest::Read);
    let client = spawn_blocking(client(addr));
    let (stream, _) = listener.async_io(Direction::Read, |l| l.accept()).await.unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = AsyncFd::new(stream);
    loop {
        let mut buf = [0; 100];
        let n = stream.async_io(Direction::Read, |mut s| s.read(&mut buf)).await.unwrap();
        if n == 0 {
            break;
        }
        stream.async_io(Direction::Write, |mut s| s.write_all(&buf[..n])).await.unwrap();
    }
    drop(stream);
    assert_eq!(client.await.unwrap(), b"echo me");
}

/// The same descriptor twice is an error, whatever it is wrapped in.
#[test]
fn sel_02_registering_twice_is_an_error() {
    use std::os::fd::AsFd;
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let poller = Poller::new().unwrap();
    poller.register(&ours, 1, Interest::Read).unwrap();
    for again in [
        poller.register(&ours, 2, Interest::Read),
        poller.register(ours.as_fd(), 3, Interest::Both),
    ] {
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!(poller.get(&ours), Some((1, Interest::Read)));
}

/// What is unknown cannot be unregistered; a number that is used again starts clean.
#[test]
fn sel_03_a_number_that_is_used_again_starts_clean() {
    let poller = Poller::new().unwrap();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    assert_eq!(poller.unregister(&ours).unwrap_err().kind(), ErrorKind::NotFound);
    poller.register(&ours, 1, Interest::Read).unwrap();
    theirs.write_all(b"for the old one").unwrap();
    let number = ours.as_raw_fd();
    drop(ours);
    poller.forget(number).unwrap();
    assert_eq!(poller.forget(number).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(poller.is_empty());
    assert_eq!(poller.wait_blocking(NOW).unwrap(), []);
    // Tests run at the same time, so the number may be somebody else's by now; the steps are the same.
    let (again, mut theirs) = UnixStream::pair().unwrap();
    poller.register(&again, 2, Interest::Read).unwrap();
    assert_eq!(poller.wait_blocking(NOW).unwrap(), []);
    theirs.write_all(b"x").unwrap();
    assert_eq!(poller.wait_blocking(None).unwrap()[0].key, 2);
}

/// Interest and key are changed together; a change that fails leaves nothing half done.
#[test]
fn sel_04_modify_changes_all_or_nothing() {
    let poller = Poller::new().unwrap();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    assert_eq!(poller.modify(&ours, 9, Interest::Both).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(poller.is_empty());
    poller.register(&ours, 1, Interest::Read).unwrap();
    assert_eq!(poller.wait_blocking(NOW).unwrap(), []);
    poller.modify(&ours, 2, Interest::Write).unwrap();
    assert_eq!(poller.get(&ours), Some((2, Interest::Write)));
    theirs.write_all(b"x").unwrap();
    let events = poller.wait_blocking(NOW).unwrap();
    assert!(events.len() == 1 && events[0].key == 2 && events[0].is_writable());
    assert!(!events[0].is_readable());
}

/// Zero looks, a time waits no less than it says, nothing at all waits until something comes.
#[test]
fn sel_05_timeouts_are_kept() {
    let poller = Poller::new().unwrap();
    assert_eq!(poller.wait_blocking(NOW).unwrap(), []);
    for micros in [1, 300, 1_700, 12_345] {
        let (begin, timeout) = (Instant::now(), Duration::from_micros(micros));
        assert_eq!(poller.wait_blocking(Some(timeout)).unwrap(), []);
        assert!(begin.elapsed() >= timeout);
    }
    corio::run(async {
        let begin = Instant::now();
        assert_eq!(poller.wait(Some(Duration::from_millis(3))).await.unwrap(), []);
        assert!(begin.elapsed() >= Duration::from_millis(3));
    });
    let poller = Arc::new(poller);
    let other = poller.clone();
    let waiter = std::thread::spawn(move || other.wait_blocking(None).unwrap());
    poller.notify();
    assert_eq!(waiter.join().unwrap(), []);
}

/// What is readable and writable is both in one event.
#[test]
fn sel_06_both_at_once() {
    let poller = Poller::new().unwrap();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(b"x").unwrap();
    poller.register(&ours, 1, Interest::Both).unwrap();
    let events = poller.wait_blocking(None).unwrap();
    assert!(events.len() == 1 && events[0].is_readable() && events[0].is_writable());
}

/// Signals during a wait do not shorten it.
#[test]
fn sel_07_signals_do_not_shorten_a_wait() {
    corio::run(async {
        let mut signals =
            corio::signal::signal(corio::signal::SignalKind::window_change()).unwrap();
        let poller = Poller::new().unwrap();
        let waiter = spawn_blocking(move || {
            let (begin, timeout) = (Instant::now(), Duration::from_millis(100));
            assert_eq!(poller.wait_blocking(Some(timeout)).unwrap(), []);
            assert!(begin.elapsed() >= timeout);
        });
        let mut sent = 0;
        while !waiter.is_finished() {
            let pid = std::process::id().to_string();
            let kill = move || std::process::Command::new("kill").args(["-WINCH", &pid]).status();
            assert!(spawn_blocking(kill).await.unwrap().unwrap().success());
            signals.recv().await;
            sent += 1;
        }
        assert!(sent > 0);
        waiter.await.unwrap();
    });
}

/// More descriptors than `select` could take.
#[test]
fn sel_08_more_than_a_thousand_descriptors() {
    let poller = Poller::new().unwrap();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut copies = Vec::new();
    for key in 0..1500 {
        match ours.try_clone() {
            Ok(copy) => {
                poller.register(&copy, key, Interest::Read).unwrap();
                copies.push(copy);
            }
            Err(error) => {
                return eprintln!("skipped: only {key} descriptors are to be had: {error}");
            }
        }
    }
    theirs.write_all(b"x").unwrap();
    // Each wait reports some; together they report all.
    let mut keys = std::collections::HashSet::new();
    for _ in 0..3 {
        keys.extend(poller.wait_blocking(None).unwrap().iter().map(|event| event.key));
    }
    assert_eq!(keys.len(), 1500);
}

/// A regular file is refused with a way out, and leaves no trace.
#[corio::test]
async fn sel_09_a_regular_file_is_refused() {
    let file = std::fs::File::open(env!("CARGO_MANIFEST_PATH")).unwrap();
    let poller = Poller::new().unwrap();
    let error = poller.register(&file, 1, Interest::Read).unwrap_err();
    assert!(error.to_string().contains("always ready") && error.to_string().contains("`fs`"));
    assert!(poller.is_empty());
    let file = AsyncFd::new(file);
    for _ in 0..2 {
        let error = file.readable().await.unwrap_err();
        assert!(error.to_string().contains("always ready") && error.to_string().contains("`fs`"));
    }
}

/// A notification from another thread ends a wait; several may be one; one before the wait is not lost.
#[corio::test]
async fn sel_11_notifications_are_not_lost() {
    let poller = Arc::new(Poller::new().unwrap());
    poller.notify();
    poller.notify();
    assert_eq!(poller.wait(None).await.unwrap(), []);
    let other = poller.clone();
    let waiter = spawn(async move { other.wait(None).await.unwrap() });
    settle().await;
    assert!(!waiter.is_finished(), "two notifications before the wait were one");
    let other = poller.clone();
    spawn_blocking(move || other.notify()).await.unwrap();
    assert_eq!(waiter.await.unwrap(), []);
}

/// Two tasks that wait to read are both woken, and one may write meanwhile.
#[corio::test]
async fn sel_12_two_readers_are_both_woken() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let ours = Arc::new(AsyncFd::new(ours));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let ours = ours.clone();
            spawn(async move { ours.readable().await.unwrap().is_readable() })
        })
        .collect();
    settle().await;
    ours.async_io(Direction::Write, |mut w| w.write(b"meanwhile")).await.unwrap();
    assert!(readers.iter().all(|reader| !reader.is_finished()));
    theirs.write_all(b"x").unwrap();
    for reader in readers {
        assert!(reader.await.unwrap());
    }
}

/// Urgent data and hang-ups can be told from the rest. (std cannot send urgent data; Python can.)
#[corio::test]
async fn sel_14_urgent_data_and_hang_ups_are_seen() {
    const SENDER: &str = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); \
                          s.send(b'!', socket.MSG_OOB); sys.stdin.read()";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let sender = std::process::Command::new("python3")
        .args(["-c", SENDER, &port])
        .stdin(std::process::Stdio::piped())
        .spawn();
    let Ok(mut sender) = sender else { return eprintln!("skipped: there is no python3") };
    let (near, _) = spawn_blocking(move || listener.accept().unwrap()).await.unwrap();
    let poller = Poller::new().unwrap();
    poller.register(&near, 1, Interest::Read).unwrap();
    let events = poller.wait(None).await.unwrap();
    assert!(events[0].is_priority() && !events[0].is_hang_up(), "{events:?}");
    near.set_nonblocking(true).unwrap();
    let near = AsyncFd::new(near);
    assert!(near.readable().await.unwrap().is_readable());
    drop(sender.stdin.take());
    spawn_blocking(move || sender.wait()).await.unwrap().unwrap();
    loop {
        let events = poller.wait(None).await.unwrap();
        if events[0].is_hang_up() {
            break;
        }
    }
    while !near.readable().await.unwrap().is_read_closed() {
        settle().await;
    }
}

/// A descriptor that is seldom ready is served beside a thousand that always are.
#[test]
fn sel_15_the_rare_one_is_served() {
    let poller = Poller::new().unwrap();
    let (busy, mut feeder) = UnixStream::pair().unwrap();
    feeder.write_all(b"always").unwrap();
    let mut copies = Vec::new();
    for key in 0..400 {
        let copy = busy.try_clone().unwrap();
        poller.register(&copy, key, Interest::Read).unwrap();
        copies.push(copy);
    }
    let (rare, mut theirs) = UnixStream::pair().unwrap();
    poller.register(&rare, 9999, Interest::Read).unwrap();
    poller.wait_blocking(None).unwrap();
    theirs.write_all(b"now").unwrap();
    let events = poller.wait_blocking(None).unwrap();
    assert_eq!(events.len(), 401);
    assert!(events.iter().any(|event| event.key == 9999));
}
