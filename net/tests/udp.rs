//! UDP as its users see it.

mod common;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use common::on_both;
use corio_net::UdpSocket;
use corio_runtime::reactor::Direction;
use corio_runtime::spawn;

async fn pair() -> io::Result<(UdpSocket, UdpSocket)> {
    let (a, b) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    a.connect(b.local_addr()?).await?;
    b.connect(a.local_addr()?).await?;
    Ok((a, b))
}

#[test]
fn messages_arrive_whole_and_with_their_sender() {
    on_both(|| async {
        let server = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let addr = server.local_addr()?;
        let serving = spawn({
            let server = server.clone();
            async move {
                let mut buffer = [0; 100];
                for _ in 0..10 {
                    let (len, from) = server.recv_from(&mut buffer).await?;
                    server.send_to(&buffer[..len], from).await?;
                }
                io::Result::Ok(())
            }
        });
        let client = UdpSocket::bind("127.0.0.1:0").await?;
        for round in 0..10_u8 {
            let sent = vec![round; round.into()];
            assert_eq!(client.send_to(&sent, addr).await?, sent.len());
            let message = client.recv_datagram().await?;
            assert_eq!((message.data, message.from), (sent, addr));
        }
        serving.await.unwrap()
    });
}

#[test]
fn n11_an_empty_message_is_a_message() {
    on_both(|| async {
        let (a, b) = pair().await?;
        for data in [&b""[..], b"x", b""] {
            a.send(data).await?;
            let mut buffer = [0; 8];
            assert_eq!(b.recv(&mut buffer).await?, data.len());
        }
        assert_eq!(b.try_recv(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        Ok(())
    });
}

#[test]
fn n11_a_long_message_is_cut_by_a_short_buffer_and_whole_otherwise() {
    on_both(|| async {
        let (a, b) = pair().await?;
        let long: Vec<u8> = (0..60_000_u32).map(|i| i as u8).collect();
        for _ in 0..2 {
            a.send(&long).await?;
        }
        assert_eq!(b.recv(&mut [0; 10]).await?, 10);
        let whole = b.recv_datagram().await?;
        assert!(whole.data == long);
        assert!(!format!("{whole:?}").contains("[0"), "{whole:?}");
        Ok(())
    });
}

#[test]
fn n11_too_long_a_message_is_an_error_of_the_send() {
    on_both(|| async {
        let (a, b) = pair().await?;
        assert!(a.send(&[0; 70_000]).await.is_err());
        let addr = b.local_addr()?;
        let error = a.send_to(&[0; 70_000], addr).await.unwrap_err();
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        a.send(b"fine").await?;
        assert_eq!(b.recv_datagram().await?.data, b"fine");
        Ok(())
    });
}

#[test]
fn n11_a_message_that_nobody_received_is_reported_and_the_socket_goes_on() {
    on_both(|| async {
        let (a, b) = pair().await?;
        let addr = b.local_addr()?;
        drop(b);
        a.send(b"lost").await?;
        let error = a.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        // The error has been taken; the next receive waits for a message.
        let b = UdpSocket::bind(addr).await?;
        b.connect(a.local_addr()?).await?;
        let receiving = spawn(async move { a.recv_datagram().await });
        corio_runtime::yield_now().await;
        b.send(b"found").await?;
        assert_eq!(receiving.await.unwrap()?.data, b"found");
        Ok(())
    });
}

#[test]
fn peeking_takes_nothing() {
    on_both(|| async {
        let (a, b) = pair().await?;
        a.send(b"abc").await?;
        let mut buffer = [0; 8];
        assert_eq!(b.peek(&mut buffer).await?, 3);
        assert_eq!(b.peek_from(&mut buffer).await?, (3, a.local_addr()?));
        assert_eq!(b.recv_from(&mut buffer).await?, (3, a.local_addr()?));
        assert_eq!(b.peer_addr()?, a.local_addr()?);
        Ok(())
    });
}

#[test]
fn readiness_and_try_calls() {
    on_both(|| async {
        let (a, b) = pair().await?;
        assert_eq!(b.try_recv_from(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        a.writable().await?;
        assert_eq!(a.try_send(b"x")?, 1);
        b.readable().await?;
        assert_eq!(b.try_recv_from(&mut [0; 8])?, (1, a.local_addr()?));
        let c = UdpSocket::bind("127.0.0.1:0").await?;
        assert_eq!(a.try_send_to(b"yz", b.local_addr()?)?, 2);
        assert_eq!(b.async_io(Direction::Read, || b.try_recv(&mut [0; 8])).await?, 2);
        assert_eq!(c.try_io(Direction::Read, || Ok(5))?, 5);
        assert!(c.take_error()?.is_none());
        Ok(())
    });
}

#[test]
fn options_are_what_they_were_set_to() {
    on_both(|| async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.set_broadcast(true)?;
        socket.set_ttl(9)?;
        socket.set_multicast_loop_v4(false)?;
        socket.set_multicast_ttl_v4(3)?;
        socket.join_multicast_v4(&Ipv4Addr::new(224, 0, 0, 123), &Ipv4Addr::LOCALHOST)?;
        socket.leave_multicast_v4(&Ipv4Addr::new(224, 0, 0, 123), &Ipv4Addr::LOCALHOST)?;
        assert!(socket.broadcast()? && !socket.multicast_loop_v4()?);
        assert_eq!((socket.ttl()?, socket.multicast_ttl_v4()?), (9, 3));
        socket.set_recv_buffer_size(50_000)?;
        assert!(socket.recv_buffer_size()? >= 50_000);
        Ok(())
    });
}

#[test]
fn n18_ipv6_where_there_is_any() {
    on_both(|| async {
        let Ok(a) = UdpSocket::bind("[::1]:0").await else { return Ok(()) };
        let b = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await?;
        a.send_to(b"six", b.local_addr()?).await?;
        assert_eq!(b.recv_datagram().await?.data, b"six");
        Ok(())
    });
}

#[test]
fn an_address_in_use_is_named_and_a_bad_one_shown() {
    on_both(|| async {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let addr: SocketAddr = socket.local_addr()?;
        let error = UdpSocket::bind(addr).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        let error = socket.send_to(b"", "nowhere").await.unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
        assert!(socket.connect("nowhere").await.is_err());
        let socket = UdpSocket::try_from(std::net::UdpSocket::from(socket))?;
        assert_eq!(socket.local_addr()?, addr);
        Ok(())
    });
}
