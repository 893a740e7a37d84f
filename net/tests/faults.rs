//! Faults that other socket layers have had, provoked on one machine. The ids in the names are those
//! of the catalogue of faults.

mod common;

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use common::{LONG, on_both, tcp_pair};
use corio_net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream,
};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{introspect, spawn, yield_now};
use corio_sync::prim::{AtomicUsize, Ordering, thread};
use socket2::SockRef;

/// Connects both ways over addresses of this family and compares what every end says.
async fn ends_agree(listening: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(listening).await?;
    let there = listener.local_addr()?;
    assert_eq!((there.ip(), scope(there)), (listening.ip(), scope(listening)));
    let client = TcpStream::connect(there).await?;
    let (server, from) = listener.accept().await?;
    assert_eq!(client.peer_addr()?, there);
    assert_eq!(server.local_addr()?, there);
    assert_eq!(client.local_addr()?, from);
    assert_eq!(server.peer_addr()?, from);

    let a = UdpSocket::bind(listening).await?;
    let b = UdpSocket::bind(listening).await?;
    b.connect(a.local_addr()?).await?;
    assert_eq!(b.peer_addr()?, a.local_addr()?);
    assert_eq!(scope(b.peer_addr()?), scope(listening));
    b.send(b"from b").await?;
    let mut buffer = [0; 8];
    let (count, from) = a.recv_from(&mut buffer).await?;
    assert_eq!((count, from), (6, b.local_addr()?));
    a.send_to(b"back", from).await?;
    assert_eq!(b.recv(&mut buffer).await?, 4);
    Ok(())
}

fn scope(addr: SocketAddr) -> u32 {
    match addr {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(addr) => addr.scope_id(),
    }
}

/// The link-local addresses of this machine's interfaces, which mean nothing without a scope id.
fn link_local() -> Vec<SocketAddr> {
    let table = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let parse = |line: &str| {
        let mut columns = line.split_whitespace();
        let ip = Ipv6Addr::from(u128::from_str_radix(columns.next()?, 16).ok()?);
        let interface = u32::from_str_radix(columns.next()?, 16).ok()?;
        let local = ip.segments()[0] & 0xffc0 == 0xfe80;
        local.then(|| SocketAddrV6::new(ip, 0, 0, interface).into())
    };
    table.lines().filter_map(parse).collect()
}

#[test]
fn u06_addresses_make_the_round_trip() {
    on_both(|| async {
        ends_agree(([127, 0, 0, 1], 0).into()).await?;
        ends_agree(([127, 1, 2, 3], 0).into()).await?;
        if TcpListener::bind("[::1]:0").await.is_ok() {
            ends_agree((Ipv6Addr::LOCALHOST, 0).into()).await?;
        }
        for addr in link_local() {
            ends_agree(addr).await?;
        }
        Ok(())
    });
}

#[test]
fn u06_a_scope_id_reaches_the_system_and_comes_back() {
    on_both(|| async {
        // Everybody may bind to the link-local group of an interface, and the first one is loopback.
        let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        let addr = SocketAddrV6::new(group, 0, 0, 1);
        let Ok(socket) = UdpSocket::bind(addr).await else { return Ok(()) };
        let SocketAddr::V6(local) = socket.local_addr()? else { panic!("not of version 6") };
        assert_eq!((*local.ip(), local.scope_id()), (group, 1));
        // Without the scope id the address is ambiguous, and the system says so: it was not made up.
        assert!(UdpSocket::bind(SocketAddrV6::new(group, 0, 0, 0)).await.is_err());

        let socket = TcpSocket::new_v6()?;
        SockRef::from(&socket).set_freebind_v6(true)?;
        let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 1, 2, 3, 4);
        socket.bind(SocketAddrV6::new(ip, 0, 0, 1).into())?;
        let SocketAddr::V6(local) = socket.local_addr()? else { panic!("not of version 6") };
        assert_eq!((*local.ip(), local.scope_id()), (ip, 1));
        assert_ne!(local.port(), 0);
        Ok(())
    });
}

/// Has the system take flow information from addresses, and give it back in them.
fn take_flow_info(socket: &impl AsFd) {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is a live `int`, and its length is that of an `int`.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_IPV6,
            libc::IPV6_FLOWINFO_SEND,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

#[test]
fn u06_flow_info_reaches_the_system_and_comes_back() {
    on_both(|| async {
        let Ok(listener) = TcpListener::bind("[::1]:0").await else { return Ok(()) };
        // A traffic class alone: a flow label would have to be leased from the system first.
        let flow_info = 0x0140_0000_u32.to_be();
        let flowing =
            |addr: SocketAddr| SocketAddrV6::new(Ipv6Addr::LOCALHOST, addr.port(), flow_info, 0);
        let there = flowing(listener.local_addr()?);
        let socket = TcpSocket::new_v6()?;
        take_flow_info(&socket);
        let stream = socket.connect(there.into()).await?;
        assert_eq!(stream.peer_addr()?, there.into());

        let other = UdpSocket::bind("[::1]:0").await?;
        let there = flowing(other.local_addr()?);
        let socket = UdpSocket::bind("[::1]:0").await?;
        take_flow_info(&socket);
        socket.connect(there).await?;
        assert_eq!(socket.peer_addr()?, there.into());
        Ok(())
    });
}

/// The greatest length of a path on Linux: one byte of the system's 108 ends it.
const LONGEST: usize = 107;

/// A path of exactly `length` bytes in a directory of this test's own, which goes with it.
struct LongPath(PathBuf);

impl LongPath {
    fn new(number: u32, length: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("c{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let name = length.checked_sub(folder.as_os_str().len() + 1).expect("a long temp dir");
        let path = folder.join("p".repeat(name));
        assert_eq!(path.as_os_str().len(), length);
        Self(path)
    }
}

impl Drop for LongPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}

/// Binds, connects and asks every end of a stream and of two datagram sockets.
async fn unix_ends_agree(bound: &UnixAddr, from: &UnixAddr) -> io::Result<()> {
    let same = |a: &UnixAddr, b: &UnixAddr| {
        assert_eq!(a.as_pathname(), b.as_pathname());
        assert_eq!(a.as_abstract_name(), b.as_abstract_name());
    };
    let listener = UnixListener::bind_addr(bound)?;
    same(&listener.local_addr()?, bound);
    let client = UnixStream::connect_addr(bound).await?;
    let (server, _) = listener.accept().await?;
    same(&client.peer_addr()?, bound);
    same(&server.local_addr()?, bound);
    assert!(client.local_addr()?.is_unnamed() && server.peer_addr()?.is_unnamed());
    drop((listener, client, server));
    if let Some(path) = bound.as_pathname() {
        std::fs::remove_file(path)?;
    }

    let (a, b) = (UnixDatagram::bind_addr(bound)?, UnixDatagram::bind_addr(from)?);
    same(&a.local_addr()?, bound);
    b.connect_addr(bound)?;
    same(&b.peer_addr()?, bound);
    b.send(b"long").await?;
    let mut buffer = [0; 8];
    let (count, sender) = a.recv_from(&mut buffer).await?;
    assert_eq!(count, 4);
    same(&sender, from);
    a.send_to_addr(b"back", &sender).await?;
    assert_eq!(b.recv(&mut buffer).await?, 4);
    Ok(())
}

#[test]
fn u06_unix_paths_of_the_greatest_length() {
    on_both(|| async {
        let (a, b) = (LongPath::new(1, LONGEST), LongPath::new(2, LONGEST));
        let addr = |path: &Path| UnixAddr::from_pathname(path);
        unix_ends_agree(&addr(&a.0)?, &addr(&b.0)?).await?;
        let too_long = LongPath::new(3, LONGEST + 1);
        let error = UnixListener::bind(&too_long.0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        assert_eq!(std::fs::read_dir(too_long.0.parent().unwrap())?.count(), 0, "nothing cut off");
        Ok(())
    });
}

#[test]
fn u06_abstract_names_of_any_length() {
    on_both(|| async {
        // Bytes after a NUL count, and so does a NUL at the end.
        let name = |first: u8, length: usize| {
            let mut name = format!("{first}{}\0\0x", std::process::id()).into_bytes();
            name.resize(length, 0);
            UnixAddr::from_abstract_name(name)
        };
        for length in [12, 50, LONGEST] {
            unix_ends_agree(&name(1, length)?, &name(2, length)?).await?;
        }
        Ok(())
    });
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        // Ordering: SeqCst, a test; pairs with `wake`.
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        // Ordering: SeqCst, a test; pairs with `get`.
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Registers a wait for something to read, which `waker` hears of.
async fn wait_to_read(stream: &TcpStream, waker: &Waker) -> io::Result<()> {
    // A socket counts as ready until a read has found nothing.
    while stream.poll_read_ready(&mut Context::from_waker(waker))?.is_ready() {
        let error = stream.try_read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        yield_now().await;
    }
    Ok(())
}

/// Gives a stream up after a wait for it was registered, has its descriptor's number used again, and
/// returns the new holder of the number, its peer, and the wakes that the old wait has had so far.
async fn use_number_again(
    give_up: fn(TcpStream) -> io::Result<()>,
) -> io::Result<(TcpStream, TcpStream, Arc<Count>)> {
    let (old, _peer) = tcp_pair().await?;
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    wait_to_read(&old, &waker).await?;
    yield_now().await;
    let number = old.as_raw_fd();
    give_up(old)?;
    // The system gives the lowest free number, so one of the next sockets has it.
    let mut others = Vec::new();
    loop {
        let (a, b) = tcp_pair().await?;
        if a.as_raw_fd() == number {
            return Ok((a, b, count));
        }
        if b.as_raw_fd() == number {
            return Ok((b, a, count));
        }
        assert!(others.len() < 1000, "the number {number} is not given again");
        others.push((a, b));
    }
}

#[test]
fn r14_what_waited_for_a_closed_socket_hears_nothing_of_its_successor() {
    // Alone in a process: other tests would take the number.
    if !common::is_child() {
        let name = "r14_what_waited_for_a_closed_socket_hears_nothing_of_its_successor";
        assert!(common::child(name).status().unwrap().success());
        return;
    }
    let ways: [fn(TcpStream) -> io::Result<()>; 2] = [
        |stream| {
            drop(stream);
            Ok(())
        },
        |stream| {
            let stream = stream.into_std()?;
            // It has left the reactor, not the process.
            stream.set_nonblocking(true)
        },
    ];
    on_both(|| async move {
        for give_up in ways {
            for _ in 0..20 {
                let (new, peer, count) = use_number_again(give_up).await?;
                let before = count.get();
                // The successor works, and its events are its own.
                let reading = spawn(async move {
                    let mut buffer = [0; 8];
                    new.read_exact(&mut buffer).await?;
                    new.write_all(&buffer).await?;
                    io::Result::Ok(new)
                });
                yield_now().await;
                peer.write_all(b"12345678").await?;
                let mut buffer = [0; 8];
                peer.read_exact(&mut buffer).await?;
                let new = reading.await.unwrap()?;
                peer.close().await?;
                assert_eq!(new.read(&mut buffer).await?, 0);
                assert_eq!(count.get(), before, "the old wait was woken by another socket");
            }
        }
        Ok(())
    });
}

/// An address at which nobody listens, for as long as what comes with it lives.
fn nobody() -> (SocketAddr, socket2::Socket) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    (socket.local_addr().unwrap().as_socket().unwrap(), socket)
}

#[test]
fn n07_a_connection_refused_in_the_background_is_an_error() {
    let (addr, _bound) = nobody();
    // The system says "in progress" here, and the refusal comes as an event: that is the case meant.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    let error = socket.connect(&addr.into()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EINPROGRESS));

    on_both(|| async move {
        let check = |result: io::Result<TcpStream>| {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}");
        };
        for _ in 0..50 {
            check(TcpStream::connect(addr).await);
            check(TcpStream::connect_timeout(addr, LONG).await);
            check(TcpStream::connect_happy_eyeballs(addr).await);
            check(TcpSocket::new_v4()?.connect(addr).await);
        }
        let many: Vec<_> = (0..100).map(|_| spawn(TcpStream::connect(addr))).collect();
        for one in many {
            check(one.await.unwrap());
        }
        Ok(())
    });
}

#[test]
fn n07_a_stream_whose_connection_failed_elsewhere_tells_its_error_once() {
    let (addr, _bound) = nobody();
    on_both(|| async move {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        assert!(socket.connect(&addr.into()).is_err());
        let stream = TcpStream::from_std(socket.into())?;
        stream.writable().await?;
        let error = stream.take_error()?.expect("writable, but not connected");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(stream.take_error()?.is_none());
        assert!(stream.write_all(b"nobody").await.is_err());
        Ok(())
    });
}

#[test]
fn n07_a_full_queue_of_connections_makes_connect_wait() {
    on_both(|| async {
        let listener = TcpListener::options().backlog(1).bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let mut waiting = Vec::new();
        // Far from what any connection within one machine takes: the queue is full.
        let patience = Duration::from_millis(200);
        while let Ok(stream) = timeout(patience, TcpStream::connect(addr)).await {
            waiting.push(stream?);
            assert!(waiting.len() < 1000, "the queue does not fill up");
        }
        let late = spawn(TcpStream::connect(addr));
        sleep(patience).await;
        assert!(!late.is_finished(), "neither connected nor refused");
        // With the queue empty, the next attempt of the system's gets through.
        for _ in &waiting {
            listener.accept().await?;
        }
        let late = late.await.unwrap()?;
        late.write_all(b"late").await?;
        loop {
            let (stream, from) = listener.accept().await?;
            if from == late.local_addr()? {
                stream.read_exact(&mut [0; 4]).await?;
                return Ok(());
            }
        }
    });
}

/// How many peers are slow.
const SLOW: usize = 200;

/// Reads a greeting of 64 bytes, for which there is a deadline, and then sends back what comes.
async fn greeted_echo(stream: TcpStream, cut_off: Arc<AtomicUsize>) -> io::Result<()> {
    let mut greeting = [0; 64];
    let Ok(read) = timeout(Duration::from_millis(500), stream.read_exact(&mut greeting)).await
    else {
        // Ordering: SeqCst, a test; pairs with the load of the test's body.
        cut_off.fetch_add(1, Ordering::SeqCst);
        return Ok(());
    };
    read?;
    let mut buffer = [0; 256];
    loop {
        let count = timeout(LONG, stream.read(&mut buffer)).await.map_err(io::Error::other)??;
        if count == 0 {
            return Ok(());
        }
        timeout(LONG, stream.write_all(&buffer[..count])).await.map_err(io::Error::other)??;
    }
}

#[test]
fn n20_slow_peers_are_cut_off_and_hold_nobody_up() {
    common::raise_descriptor_limit();
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let cut_off = Arc::new(AtomicUsize::new(0));
        let counted = cut_off.clone();
        let server = spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _connection = spawn(greeted_echo(stream, counted.clone()));
            }
        });
        let echo = TcpStream::connect(addr).await?;
        echo.write_all(&[b'g'; 64]).await?;
        let mut slow = Vec::new();
        for i in 0..SLOW {
            let stream = TcpStream::connect(addr).await?;
            slow.push(spawn(async move {
                // One byte now and then, and from every fourth nothing at all.
                while i % 4 != 0 && stream.write_all(b"x").await.is_ok() {
                    sleep(Duration::from_millis(100)).await;
                }
                // The end, or a reset over the bytes that nobody read.
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }));
        }
        let mut rounds = 0_u64;
        // Ordering: SeqCst, a test; pairs with the additions of `greeted_echo`.
        while rounds < 100 || cut_off.load(Ordering::SeqCst) < SLOW {
            let sent = rounds.to_be_bytes();
            echo.write_all(&sent).await?;
            let mut received = [0; 8];
            echo.read_exact(&mut received).await?;
            assert_eq!(received, sent);
            rounds += 1;
        }
        for peer in slow {
            peer.await.unwrap();
        }
        server.cancel();
        Ok(())
    });
}

#[test]
fn n22_a_silent_peer_costs_a_timeout_and_leaves_no_task() {
    on_both(|| async {
        let before = introspect::tasks().len();
        let mut silent = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..50 {
            let (stream, peer) = tcp_pair().await?;
            silent.push(peer);
            tasks.push(spawn(async move {
                assert!(introspect::tasks().len() > before, "this one is not counted");
                let limit = Duration::from_millis(20);
                let reading = timeout(limit, stream.read(&mut [0; 8])).await;
                assert!(reading.is_err(), "{reading:?}");
                // What it takes to fill both buffers is never read by anybody.
                let writing = timeout(limit, stream.write_all(&vec![0; 32 << 20])).await;
                assert!(writing.is_err(), "{writing:?}");
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        // What a task leaves is cleared away by the core that ran it.
        while introspect::tasks().len() > before {
            yield_now().await;
        }
        drop(silent);
        Ok(())
    });
}

#[test]
fn r14_a_socket_that_left_the_reactor_is_stds_alone() {
    on_both(|| async {
        let (ours, peer) = tcp_pair().await?;
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        wait_to_read(&ours, &waker).await?;
        let theirs = ours.into_std()?;
        let before = count.get();
        peer.write_all(b"for std").await?;
        theirs.set_nonblocking(false)?;
        let reading = thread::spawn(move || {
            let mut buffer = [0; 7];
            io::Read::read_exact(&mut &theirs, &mut buffer).map(|()| (theirs, buffer))
        });
        let (theirs, buffer) = reading.join().unwrap()?;
        assert_eq!(&buffer, b"for std");
        yield_now().await;
        assert_eq!(count.get(), before, "the old wait has ended with the stream");
        // And back again, under a registration of its own.
        let ours = TcpStream::from_std(theirs)?;
        peer.write_all(b"back").await?;
        assert_eq!(ours.read(&mut [0; 8]).await?, 4);
        Ok(())
    });
}
