//! create_connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use corio::net::{ConnectOptions, TcpListener, TcpSocket, TcpStream, open_connection};

use crate::support::echo_server;

/// An address that nobody listens on.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// How many sockets this process has.
fn sockets() -> usize {
    let is_socket = |entry: io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.ok()?.path()).ok()?;
        target.to_str()?.starts_with("socket:").then_some(())
    };
    std::fs::read_dir("/proc/self/fd").unwrap().filter_map(is_socket).count()
}

/// A socket made elsewhere is put into non-blocking mode.
#[corio::test]
async fn cc_02_a_socket_from_elsewhere_does_not_block() {
    let server = echo_server().await;
    let socket = std::net::TcpStream::connect(server.local_addrs()[0]).unwrap();
    let (mut reader, _writer) = TcpStream::from_std(socket).unwrap().into_streams();
    // It would block this thread for good otherwise.
    assert!(corio::timeout(Duration::from_millis(5), reader.read(1)).await.is_err());
}

/// No address at all is an error.
#[corio::test]
async fn cc_03_no_address_is_an_error() {
    let error = open_connection(&[][..] as &[SocketAddr]).await.unwrap_err();
    assert!(error.to_string().contains("no address"), "{error}");
}

/// The addresses are tried in order until one connects.
#[corio::test]
async fn cc_04_addresses_are_tried_in_order() {
    let server = echo_server().await;
    let good = server.local_addrs()[0];
    let (mut reader, writer) = open_connection([nobody().await, good]).await.unwrap();
    assert_eq!(writer.peer_addr().unwrap(), good);
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
}

/// One failure is that failure; of several each is told, in the order of the addresses.
#[corio::test]
async fn cc_05_06_every_failure_is_told() {
    let (one, two) = (nobody().await, nobody().await);
    let error = open_connection(one).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&one.to_string()));
    let error = open_connection([one, two]).await.unwrap_err().to_string();
    let places = [one, two].map(|addr| error.rfind(&format!("{addr}: ")).unwrap());
    assert!(places[0] < places[1], "{error}");
}

/// A connection that is given up leaves no socket.
#[test]
fn cc_07_an_attempt_that_is_given_up_leaves_no_socket() {
    // Counting the sockets of the process needs one without other tests.
    if std::env::var_os("CORIO_TEST_ALONE").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["cc::cc_07_an_attempt_that_is_given_up_leaves_no_socket", "--exact"])
            .env("CORIO_TEST_ALONE", "1")
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    corio::run(async {
        // One whose line is full never answers.
        let listener = TcpSocket::new_v4().unwrap();
        listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = listener.listen(0).unwrap();
        let addr = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) =
            corio::timeout(Duration::from_millis(100), TcpStream::connect(addr)).await
        {
            waiting.push(stream.unwrap());
        }
        let before = sockets();
        for _ in 0..10 {
            let attempt = open_connection(addr);
            assert!(corio::timeout(Duration::from_millis(1), attempt).await.is_err());
        }
        assert_eq!(sockets(), before);
    });
}

/// One may connect from an address of one's own; if that is in use, the error names it.
#[corio::test]
async fn cc_08_from_an_address_of_our_own() {
    let server = echo_server().await;
    let there = server.local_addrs()[0];
    let from = |addr: SocketAddr| ConnectOptions::new().local_addr(addr).unwrap().open(there);
    let (_reader, writer) = from("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let ours = writer.local_addr().unwrap();
    let error = from(ours).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&ours.to_string()), "{error}");
}

/// Our address must be of the family of the other one.
#[corio::test]
async fn cc_09_our_address_is_of_the_same_family() {
    let server = echo_server().await;
    let open = |locals: &[&str]| {
        let locals: Vec<SocketAddr> = locals.iter().map(|addr| addr.parse().unwrap()).collect();
        ConnectOptions::new().local_addr(locals).unwrap().open(server.local_addrs()[0])
    };
    open(&["[::1]:0", "127.0.0.1:0"]).await.unwrap();
    let error = open(&["[::1]:0"]).await.unwrap_err();
    assert!(error.to_string().contains("family"), "{error}");
}

/// Addresses in numbers ask nobody.
#[corio::test]
async fn cc_10_numbers_are_not_looked_up() {
    let server = echo_server().await;
    let port = server.local_addrs()[0].port();
    // On a runtime whose clock and threads stand still a lookup would need another thread.
    let runtime = corio::runtime::Handle::current();
    let before = runtime.metrics().blocking_threads;
    open_connection(("127.0.0.1", port)).await.unwrap();
    open_connection(format!("127.0.0.1:{port}")).await.unwrap();
    assert!(open_connection(("::1", nobody().await.port())).await.is_err());
    assert_eq!(runtime.metrics().blocking_threads, before);
}

/// Small writes are sent at once, unless one does not want that.
#[corio::test]
async fn cc_12_small_writes_are_sent_at_once() {
    let server = echo_server().await;
    let addr = server.local_addrs()[0];
    let (_r, writer) = open_connection(addr).await.unwrap();
    assert!(writer.tcp_stream().unwrap().nodelay().unwrap());
    let (_r, writer) = ConnectOptions::new().nodelay(false).open(addr).await.unwrap();
    assert!(!writer.tcp_stream().unwrap().nodelay().unwrap());
}

/// What is known of a connection.
#[corio::test]
async fn cc_14_what_is_known_of_a_connection() {
    let server = echo_server().await;
    let (_r, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    assert_eq!(writer.peer_addr().unwrap(), server.local_addrs()[0]);
    assert_eq!(writer.local_addr().unwrap(), writer.tcp_stream().unwrap().local_addr().unwrap());
}

/// Both sides are there when the call returns.
#[corio::test]
async fn cc_16_both_sides_are_there() {
    let server = echo_server().await;
    let (reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    assert!(!writer.is_closing() && !reader.at_eof());
    writer.write(b"at once").unwrap();
}
