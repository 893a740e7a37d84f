//! What is wrong is named: every error shows the value at fault.

use std::io::{self, ErrorKind};
use std::time::Duration;

use corio::net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream};
use corio::runtime::Builder;

#[track_caller]
fn check<T: std::fmt::Debug>(result: io::Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[corio::test]
async fn an_address_that_does_not_parse() {
    for (bad, hint) in [
        ("nonsense", "no port"),
        ("127.0.0.1", "no port"),
        ("127.0.0.1:70000", "0 to 65535"),
        ("127.0.0.1:http", "0 to 65535"),
        ("::1:80", "brackets"),
        ("", "no port"),
    ] {
        check(TcpListener::bind(bad).await, ErrorKind::InvalidInput, &[bad, hint]);
        check(TcpStream::connect(bad).await, ErrorKind::InvalidInput, &[bad, hint]);
        check(UdpSocket::bind(bad).await, ErrorKind::InvalidInput, &[bad, hint]);
        check(corio::net::lookup_host(bad).await, ErrorKind::InvalidInput, &[bad, hint]);
    }
}

#[corio::test]
async fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    check(TcpListener::bind(address).await, ErrorKind::AddrInUse, &[&address.to_string()]);
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    check(UdpSocket::bind(address).await, ErrorKind::AddrInUse, &[&address.to_string()]);
}

#[corio::test]
async fn an_address_that_is_not_ours() {
    let address = "192.0.2.1:0";
    check(TcpListener::bind(address).await, ErrorKind::AddrNotAvailable, &[address]);
}

#[corio::test]
async fn a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = ErrorKind::ConnectionRefused;
    check(TcpStream::connect(address).await, refused, &[&address.to_string()]);
    let limit = Duration::from_secs(60);
    check(TcpStream::connect_timeout(address, limit).await, refused, &[&address.to_string()]);
}

#[corio::test]
async fn no_address_at_all() {
    let none: [std::net::SocketAddr; 0] = [];
    check(TcpStream::connect(none).await, ErrorKind::InvalidInput, &["no address"]);
    check(TcpListener::bind(none).await, ErrorKind::InvalidInput, &["no address"]);
}

#[corio::test]
async fn a_socket_path_that_is_not_there_or_too_long() {
    let path = std::env::temp_dir().join("corio-no-such-folder/socket");
    let shown = path.display().to_string();
    check(UnixStream::connect(&path).await, ErrorKind::NotFound, &[&shown]);
    check(UnixListener::bind(&path), ErrorKind::NotFound, &[&shown]);
    let long = "x".repeat(200);
    check(UnixListener::bind(&long), ErrorKind::InvalidInput, &["xxx"]);
}

#[test]
fn a_runtime_that_cannot_be() {
    let multi = Builder::new_multi_thread;
    let single = Builder::new_current_thread;
    let long = "n".repeat(10_000);
    for (builder, parts) in [
        (multi().worker_threads(0), &["worker_threads(0)", "at least 1"][..]),
        (multi().worker_threads(1_000_000), &["worker_threads(1000000)"]),
        (single().worker_threads(2), &["worker_threads(2)", "new_multi_thread"]),
        (multi().max_blocking_threads(0), &["max_blocking_threads(0)"]),
        (multi().thread_name(long), &["thread_name", "nnn", "10000 bytes"]),
        (multi().thread_name("nul\0inside"), &["thread_name", "nul\\0inside"]),
        (multi().start_paused(true), &["start_paused(true)", "new_current_thread"]),
        (multi().seed(7), &["seed", "new_current_thread"]),
    ] {
        check(builder.build(), ErrorKind::InvalidInput, parts);
    }
}

#[test]
fn no_runtime() {
    let caught = |f: fn()| {
        let payload = std::panic::catch_unwind(f).unwrap_err();
        payload.downcast::<String>().map_or_else(
            |payload| payload.downcast::<&'static str>().map(|text| (*text).to_owned()).unwrap(),
            |text| *text,
        )
    };
    let spawned = caught(|| drop(corio::spawn(async {})));
    assert!(spawned.contains("no corio runtime on this thread"), "{spawned}");
    assert!(spawned.contains("corio::run"), "the way out: {spawned}");
    let nested = caught(|| corio::run(async { corio::run(async {}) }));
    assert!(nested.contains("task"), "{nested}");
    assert!(corio::Handle::try_current().is_err());
}
