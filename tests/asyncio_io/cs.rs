//! create_server.

use std::io;
use std::net::SocketAddr;

use corio::net::{Server, TcpListener, TcpSocket, open_connection, start_server};

use crate::support::{echo, echo_server};

/// All interfaces are "0.0.0.0" and "[::]", and both on one port.
#[corio::test]
async fn cs_02_08_all_interfaces_on_one_port() {
    let server = start_server("0.0.0.0:0", echo).await.unwrap();
    let port = server.local_addrs()[0].port();
    if TcpListener::bind("[::1]:0").await.is_err() {
        println!("notice: this machine has no IPv6, so only IPv4 was tried");
        return;
    }
    // An IPv6 socket takes IPv6 only, so that both can be had.
    let both = start_server(("::", port), echo).await.unwrap();
    for host in ["127.0.0.1", "::1"] {
        let (mut reader, writer) = open_connection((host, port)).await.unwrap();
        writer.write(b"x").unwrap();
        assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
    }
    drop((server, both));
}

/// An address that stands there twice has one socket.
#[corio::test]
async fn cs_03_an_address_twice_is_one() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = start_server([free, free], echo).await.unwrap();
    assert_eq!(server.local_addrs(), [free]);
}

/// No address is an error.
#[corio::test]
async fn cs_04_no_address_is_an_error() {
    let none: &[SocketAddr] = &[];
    assert!(start_server(none, echo).await.unwrap_err().to_string().contains("no address"));
}

/// The address can be had again right after the server has closed, connections or not.
#[corio::test]
async fn cs_05_the_address_can_be_had_again_at_once() {
    let server = echo_server().await;
    let addr = server.local_addrs()[0];
    let client = open_connection(addr).await.unwrap();
    while server.clients() == 0 {
        corio::yield_now().await;
    }
    server.close();
    server.abort_clients();
    server.wait_closed().await;
    drop(client);
    let server = start_server(addr, echo).await.unwrap();
    open_connection(addr).await.unwrap();
    drop(server);
}

/// Two servers share a port if both want to.
#[corio::test]
async fn cs_06_two_servers_on_one_port() {
    let shared = || Server::builder().reuse_port(true);
    let first = shared().start("127.0.0.1:0", echo).await.unwrap();
    let addr = first.local_addrs()[0];
    let second = shared().start(addr, echo).await.unwrap();
    let error = start_server(addr, echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    drop((first, second));
}

/// One address that cannot be had closes those that were had; the error names it.
#[corio::test]
async fn cs_07_one_that_cannot_be_had_closes_the_others() {
    let taken = echo_server().await;
    let taken_addr = taken.local_addrs()[0];
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = start_server([free, taken_addr], echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&taken_addr.to_string()), "{error}");
    let error = open_connection(free).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

/// An address that the machine does not have is passed over, unless it is the only one.
#[corio::test]
async fn cs_08_09_an_address_that_is_not_ours_is_passed_over() {
    // For documentation only (RFC 5737): nobody has it.
    let elsewhere: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let here: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let server = start_server([elsewhere, here], echo).await.unwrap();
    assert_eq!(server.local_addrs().len(), 1);
    let error = start_server(elsewhere, echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert!(error.to_string().contains("192.0.2.1"), "{error}");
}

/// That nobody is there to be accepted is no event.
#[corio::test]
async fn cs_11_12_a_burst_is_accepted_whole() {
    let server = echo_server().await;
    let addr = server.local_addrs()[0];
    let clients: Vec<_> = (0..200).map(|_| std::net::TcpStream::connect(addr).unwrap()).collect();
    while server.clients() < clients.len() {
        corio::yield_now().await;
    }
}

/// Connections inherit that silence is probed.
#[corio::test]
async fn cs_14_connections_inherit_keepalive() {
    for on in [true, false] {
        let server = Server::builder()
            .keepalive(on)
            .start("127.0.0.1:0", move |_reader, writer| async move {
                let answer = if writer.tcp_stream().unwrap().keepalive()? { b"1" } else { b"0" };
                writer.write_all(answer).await
            })
            .await
            .unwrap();
        let (mut reader, _w) = open_connection(server.local_addrs()[0]).await.unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), if on { b"1" } else { b"0" });
    }
}

/// A connection that was accepted elsewhere becomes streams.
#[corio::test]
async fn cs_16_a_connection_that_was_accepted_elsewhere() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepted = corio::net::TcpStream::from_std(listener.accept().unwrap().0).unwrap();
    let (_reader, writer) = accepted.into_streams();
    writer.write_all(b"hello").await.unwrap();
    drop(writer);
    let mut text = [0; 5];
    io::Read::read_exact(&mut &client, &mut text).unwrap();
    assert_eq!(&text, b"hello");
}

/// A listener that was set up by hand is served like any other.
#[corio::test]
async fn a_listener_that_was_set_up_by_hand() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let addr = listener.local_addr().unwrap();
    let server = Server::builder().also_from(listener).start_on_these(echo).await.unwrap();
    assert_eq!(server.local_addrs(), [addr]);
    let (mut reader, writer) = open_connection(addr).await.unwrap();
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
    server.close();
    server.close_clients();
    server.wait_closed().await;
    assert!(open_connection(addr).await.is_err());
}
