//! datagrams.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use corio::net::{UdpSocket, UnixDatagram, open_datagram};

use crate::support::LONG;

pub(crate) async fn udp() -> UdpSocket {
    open_datagram("127.0.0.1:0", ()).await.unwrap()
}

/// With a local address it hears everybody and answers anybody.
#[corio::test]
async fn dg_01_a_local_address_hears_everybody() {
    let server = udp().await;
    for _ in 0..2 {
        let client = udp().await;
        client.send_to(b"question", server.local_addr().unwrap()).await.unwrap();
        let question = server.recv_datagram().await.unwrap();
        assert_eq!(
            (&question.data[..], question.from),
            (&b"question"[..], client.local_addr().unwrap())
        );
        server.send_to(b"answer", question.from).await.unwrap();
        assert_eq!(client.recv_datagram().await.unwrap().data, b"answer");
    }
}

/// With a remote address it is connected: it needs none to send to, and hears nobody else.
#[corio::test]
async fn dg_02_a_remote_address_is_the_peer() {
    let server = udp().await;
    let client = open_datagram((), server.local_addr().unwrap()).await.unwrap();
    client.send(b"hello").await.unwrap();
    assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
    let hello = server.recv_datagram().await.unwrap();
    udp().await.send_to(b"stranger", hello.from).await.unwrap();
    server.send_to(b"answer", hello.from).await.unwrap();
    assert_eq!(client.recv_datagram().await.unwrap().data, b"answer");
}

/// Without any address there is nothing to open; a Unix socket may be unbound.
#[corio::test]
async fn dg_03_without_an_address() {
    let error = open_datagram((), None::<SocketAddr>).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(UnixDatagram::unbound().unwrap().local_addr().unwrap().is_unnamed());
}

/// Both addresses must be of one family.
#[corio::test]
async fn dg_05_both_addresses_are_of_one_family() {
    let error = open_datagram("127.0.0.1:0", "[::1]:9").await.unwrap_err();
    assert!(error.to_string().contains("family"), "{error}");
}

/// What the system says is what one is told; and the socket is closed.
#[corio::test]
async fn dg_06_errors_are_the_systems() {
    let taken = udp().await;
    let error = open_datagram(taken.local_addr().unwrap(), ()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&taken.local_addr().unwrap().to_string()), "{error}");
    let none: &[SocketAddr] = &[];
    open_datagram(none, ()).await.unwrap_err();
}

/// Broadcast is asked for, and does not need a connection.
#[corio::test]
async fn dg_08_09_broadcast_is_asked_for() {
    let socket = open_datagram("0.0.0.0:0", ()).await.unwrap();
    assert!(!socket.broadcast().unwrap());
    // Nobody else gets the port unless both ask for that.
    assert!(UdpSocket::bind(socket.local_addr().unwrap()).await.is_err());
    let error = socket.send_to(b"x", "255.255.255.255:9").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    socket.set_broadcast(true).unwrap();
    assert!(socket.broadcast().unwrap());
    // Where there is no network this fails in another way, but not for want of permission.
    if let Err(error) = socket.send_to(b"x", "255.255.255.255:9").await {
        assert_ne!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}

/// An address in numbers is not looked up.
#[corio::test]
async fn dg_10_numbers_are_not_looked_up() {
    let socket = udp().await;
    assert_ne!(socket.local_addr().unwrap().port(), 0);
    assert_eq!(corio::runtime::Handle::current().metrics().blocking_threads, 0);
}

/// What was sent before the socket is dropped has been sent.
#[corio::test]
async fn dg_11_dropping_a_socket_loses_nothing_sent() {
    let (server, client) = (udp().await, udp().await);
    for number in 0..5_u8 {
        client.send_to(&[number], server.local_addr().unwrap()).await.unwrap();
    }
    drop(client);
    for number in 0..5_u8 {
        assert_eq!(server.recv_datagram().await.unwrap().data, [number]);
    }
}

/// An empty datagram is one like any other.
#[corio::test]
async fn dg_12_an_empty_datagram_is_one() {
    let (server, client) = (udp().await, udp().await);
    client.send_to(b"", server.local_addr().unwrap()).await.unwrap();
    client.send_to(b"x", server.local_addr().unwrap()).await.unwrap();
    assert_eq!(server.recv_datagram().await.unwrap().data, b"");
    assert_eq!(server.recv_datagram().await.unwrap().data, b"x");
}

/// When the system takes no more, sending waits, and the order is kept.
#[corio::test]
async fn dg_14_sending_waits_and_keeps_the_order() {
    let path = std::env::temp_dir().join(format!("corio-dg14-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    // A Unix socket does not drop what it cannot take: the sender waits.
    let server = UnixDatagram::bind(&path).unwrap();
    let client = UnixDatagram::unbound().unwrap();
    client.connect(&path).unwrap();
    let sending = corio::spawn(async move {
        for number in 0..5000_u32 {
            client.send(&number.to_le_bytes()).await.unwrap();
        }
    });
    corio::sleep(Duration::from_millis(5)).await;
    assert!(!sending.is_finished());
    for number in 0..5000_u32 {
        assert_eq!(server.recv_datagram().await.unwrap().data, number.to_le_bytes());
    }
    sending.await.unwrap();
    std::fs::remove_file(&path).unwrap();
}

/// That nobody listens at the other end is told once, and the socket goes on.
#[corio::test]
async fn dg_15_17_a_refusal_is_told_once() {
    let nobody = udp().await.local_addr().unwrap();
    let client = open_datagram("127.0.0.1:0", nobody).await.unwrap();
    client.send(b"anybody?").await.unwrap();
    let error = corio::timeout(LONG, client.recv_datagram()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let server = UdpSocket::bind(nobody).await.unwrap();
    client.send(b"now?").await.unwrap();
    let question = server.recv_datagram().await.unwrap();
    server.send_to(b"yes", question.from).await.unwrap();
    assert_eq!(client.recv_datagram().await.unwrap().data, b"yes");
}

/// What is too long to be sent is an error to the sender, and the socket goes on.
#[corio::test]
async fn dg_16_what_cannot_be_sent_is_an_error() {
    let (server, client) = (udp().await, udp().await);
    let to = server.local_addr().unwrap();
    client.send_to(&vec![0; 70_000], to).await.unwrap_err();
    client.send_to(b"short", to).await.unwrap();
    assert_eq!(server.recv_datagram().await.unwrap().data, b"short");
}

/// IPv4 and IPv6.
#[corio::test]
async fn dg_20_both_families() {
    for addr in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(server) = open_datagram(addr, ()).await else {
            println!("notice: this machine cannot bind {addr}");
            continue;
        };
        let client = open_datagram((), server.local_addr().unwrap()).await.unwrap();
        client.send(b"x").await.unwrap();
        let x = server.recv_datagram().await.unwrap();
        assert_eq!(x.from, client.local_addr().unwrap());
    }
}
