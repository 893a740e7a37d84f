//! What needs a process of its own: limits, signals, and what is inherited over exec.

mod common;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{child, is_child, limit_descriptors, tcp_pair};
use corio_net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use corio_runtime::runtime::Builder;
use corio_runtime::spawn;
use corio_runtime::time::sleep;

/// How much processor time this process has used.
fn processor_time() -> Duration {
    // SAFETY: all bytes zero is a valid value of this plain structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a live value of the type that the call writes.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Serves echoes with fewer descriptors than there are clients, and reports what that cost.
fn starved_server() {
    limit_descriptors(40);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("port {}", listener.local_addr().unwrap().port());
        let listener = std::sync::Arc::new(listener);
        let watched = listener.clone();
        let _report = spawn(async move {
            while watched.pauses() < 3 {
                sleep(Duration::from_millis(5)).await;
            }
            let (start, used, pauses) = (Instant::now(), processor_time(), watched.pauses());
            sleep(Duration::from_millis(500)).await;
            let (time, used) = (start.elapsed(), processor_time() - used);
            println!(
                "starved {} {} {}",
                time.as_micros(),
                used.as_micros(),
                watched.pauses() - pauses
            );
        });
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _echo = spawn(async move {
                let mut buffer = [0; 64];
                while let Ok(count) = stream.read(&mut buffer).await {
                    if count == 0 {
                        break;
                    }
                    stream.write_all(&buffer[..count]).await?;
                }
                io::Result::Ok(())
            });
        }
    });
}

/// A process that ends with its test, also when that fails.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn n01_a_listener_without_descriptors_neither_spins_nor_stops() {
    if is_child() {
        return starved_server();
    }
    let server = child("n01_a_listener_without_descriptors_neither_spins_nor_stops")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut server = Killed(server);
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let mut next = |word: &str| -> Vec<u64> {
        let line = lines.by_ref().map(Result::unwrap).find(|l| l.contains(word)).unwrap();
        let line = &line[line.find(word).unwrap()..];
        line.split_whitespace().skip(1).map(|n| n.parse().unwrap()).collect()
    };
    let port = next("port ")[0] as u16;
    let mut clients: Vec<_> =
        (0..100).map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    for client in &mut clients {
        client.write_all(b"hello").unwrap();
    }
    let figures = next("starved ");
    let [time, used, pauses] = figures[..] else { panic!("{figures:?}") };
    // At most a hundred looks a second, and next to no work.
    assert!(pauses * 1_000_000 / time <= 100, "{pauses} looks in {time} µs");
    assert!(used < time / 2, "{used} µs of work in {time} µs");
    // As clients go, those that wait have their turn, down to the last.
    while let Some(mut client) = (!clients.is_empty()).then(|| clients.remove(0)) {
        let mut reply = [0; 5];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"hello");
    }
}

/// Writes to closed connections of every kind, with the signal for it as it is by default: deadly.
fn write_to_the_closed() {
    // SAFETY: setting a signal's default action touches no memory of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let broken = |result: io::Result<usize>| result.is_err();
        let (client, server) = tcp_pair().await.unwrap();
        drop(client);
        while !broken(server.write(b"x").await) {}
        assert!(broken(server.write_vectored(&[io::IoSlice::new(b"x")]).await));
        assert!(broken(server.try_write(b"x")));
        assert!(broken(server.try_write_vectored(&[io::IoSlice::new(b"x")])));
        let (a, b) = UnixStream::pair().unwrap();
        drop(a);
        assert!(broken(b.write(b"x").await));
        assert!(broken(b.write_vectored(&[io::IoSlice::new(b"x")]).await));
        let (a, b) = UnixDatagram::pair().unwrap();
        drop(a);
        assert!(broken(b.send(b"x").await));
    });
    println!("alive");
}

#[test]
fn n15_no_write_raises_a_signal() {
    if is_child() {
        return write_to_the_closed();
    }
    let output = child("n15_no_write_raises_a_signal").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("alive"), "{output:?}");
}

#[test]
fn every_descriptor_is_closed_on_exec() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let path = std::env::temp_dir().join(format!("corio-exec-{}.sock", std::process::id()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let unix_listener = UnixListener::options().mode(0o600).bind(&path).unwrap();
        let unix_client = UnixStream::connect(&path).await.unwrap();
        let (unix_server, _) = unix_listener.accept().await.unwrap();
        let (left, right) = UnixDatagram::pair().unwrap();
        let owners: [&dyn AsFd; 9] = [
            &listener,
            &client,
            &server,
            &udp,
            &unix_listener,
            &unix_client,
            &unix_server,
            &left,
            &right,
        ];
        for owner in owners {
            let fd = owner.as_fd().as_raw_fd();
            // SAFETY: the descriptor is open, since its owner is borrowed; the calls take no pointer.
            let (on_exec, mode) =
                unsafe { (libc::fcntl(fd, libc::F_GETFD), libc::fcntl(fd, libc::F_GETFL)) };
            assert_ne!(on_exec & libc::FD_CLOEXEC, 0, "{fd}");
            assert_ne!(mode & libc::O_NONBLOCK, 0, "{fd}");
        }
        std::fs::remove_file(&path).unwrap();
        // What a program that is started now can see of the reactor and of these sockets: nothing.
        let output = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let listing = String::from_utf8_lossy(&output.stdout);
        for kind in ["socket:", "eventpoll", "eventfd"] {
            assert!(!listing.contains(kind), "{listing}");
        }
    });
}
