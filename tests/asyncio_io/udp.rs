//! UDP: datagrams from one peer and to many.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use corio::net::{Datagrams, UdpSocket, open_datagram};

use crate::dg::udp;
use crate::support::LONG;

/// A question and its answer, connected and not.
#[corio::test]
async fn udp_01_eight_bytes_and_the_answer() {
    let server = udp().await;
    let addr = server.local_addr().unwrap();
    let serving = corio::spawn(async move {
        for _ in 0..2 {
            let question = server.recv_datagram().await.unwrap();
            server.send_to(&question.data, question.from).await.unwrap();
        }
    });
    let unconnected = udp().await;
    unconnected.send_to(b"8 bytes!", addr).await.unwrap();
    let answer = unconnected.recv_datagram().await.unwrap();
    assert_eq!((&answer.data[..], answer.from), (&b"8 bytes!"[..], addr));
    let connected = open_datagram((), addr).await.unwrap();
    connected.send(b"8 bytes?").await.unwrap();
    let mut buffer = [0; 16];
    assert_eq!(connected.recv(&mut buffer).await.unwrap(), 8);
    serving.await.unwrap();
}

/// An empty datagram is no end.
#[corio::test]
async fn udp_02_an_empty_datagram_is_no_end() {
    let (a, b) = (udp().await, udp().await);
    for data in [&b""[..], b"x", b""] {
        a.send_to(data, b.local_addr().unwrap()).await.unwrap();
        assert_eq!(b.recv_datagram().await.unwrap().data, data);
    }
}

/// That nobody listens there is told once.
#[corio::test]
async fn udp_03_nobody_there_is_told_once() {
    let gone = udp().await.local_addr().unwrap();
    let client = open_datagram((), gone).await.unwrap();
    client.send(b"x").await.unwrap();
    let error = corio::timeout(LONG, client.recv_datagram()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(corio::timeout(Duration::from_millis(5), client.recv_datagram()).await.is_err());
}

/// What is too long for its memory says so, and is never two.
#[corio::test]
async fn udp_04_a_cut_datagram_says_so() {
    let (a, b) = (udp().await, udp().await);
    let to = b.local_addr().unwrap();
    a.send_many(&[(&b"longer than eight"[..], to), (b"short", to)]).await.unwrap();
    let mut datagrams = Datagrams::new(4, 8);
    let mut received = Vec::new();
    while received.len() < 2 {
        b.recv_many(&mut datagrams).await.unwrap();
        received.extend(datagrams.iter().map(|d| (d.data.to_vec(), d.truncated)));
    }
    assert_eq!(received, [(b"longer t".to_vec(), true), (b"short".to_vec(), false)]);
    a.send_to(&[7; 60_000], to).await.unwrap();
    assert_eq!(b.recv_datagram().await.unwrap().data.len(), 60_000, "and this cuts nothing off");
}

/// Groups are joined and left, for both families.
#[corio::test]
async fn udp_05_groups_are_joined_and_left() {
    let group = Ipv4Addr::new(239, 1, 2, 3);
    let receiver = UdpSocket::bind("0.0.0.0:0").await.unwrap();
    if receiver.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).is_err() {
        println!("notice: this machine has no multicast on its loopback");
        return;
    }
    let to = SocketAddr::from((group, receiver.local_addr().unwrap().port()));
    let sender = udp().await;
    if sender.send_to(b"to all", to).await.is_ok() {
        let heard = corio::timeout(Duration::from_millis(500), receiver.recv_datagram()).await;
        match heard {
            Ok(heard) => assert_eq!(heard.unwrap().data, b"to all"),
            Err(_) => println!("notice: this machine does not route multicast to itself"),
        }
    }
    receiver.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
    receiver.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap_err();
    if let Ok(v6) = UdpSocket::bind("[::]:0").await {
        let group = "ff01::1234".parse().unwrap();
        if v6.join_multicast_v6(&group, 0).is_ok() {
            v6.leave_multicast_v6(&group, 0).unwrap();
        }
    }
}

/// What one task sends arrives in order; one that would wait can be tried.
#[corio::test]
async fn udp_06_sends_keep_their_order() {
    let (a, b) = (udp().await, udp().await);
    b.set_recv_buffer_size(1 << 20).unwrap();
    let a_connected = open_datagram((), b.local_addr().unwrap()).await.unwrap();
    for number in 0..200_u32 {
        a_connected.send(&number.to_le_bytes()).await.unwrap();
    }
    for number in 0..200_u32 {
        assert_eq!(b.recv_datagram().await.unwrap().data, number.to_le_bytes());
    }
    assert_eq!(a_connected.try_send(b"at once").unwrap(), 7);
    let mut buffer = [0; 8];
    assert_eq!(a.try_recv(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

/// A receive that is cancelled takes nothing with it.
#[corio::test]
async fn udp_07_a_cancelled_receive_takes_nothing() {
    let (a, b) = (udp().await, udp().await);
    let to = b.local_addr().unwrap();
    for round in 0..10_000_u32 {
        let cancelled = corio::timeout(Duration::ZERO, b.recv_datagram()).await;
        assert!(cancelled.is_err());
        a.send_to(&round.to_le_bytes(), to).await.unwrap();
        let data = b.recv_datagram().await.unwrap().data;
        assert_eq!(data, round.to_le_bytes());
    }
}

/// A name that is none is an error, and the socket goes on.
#[corio::test]
async fn udp_08_a_name_that_is_none() {
    let (a, b) = (udp().await, udp().await);
    let error = a.send_to(b"x", "no such name:80").await.unwrap_err();
    assert!(error.to_string().contains("no such name"), "{error}");
    a.send_to(b"x", b.local_addr().unwrap()).await.unwrap();
    assert_eq!(b.recv_datagram().await.unwrap().data, b"x");
}

/// An address of the other family is an error that names both.
#[corio::test]
async fn udp_09_an_address_of_the_other_family() {
    let socket = udp().await;
    let to: SocketAddr = "[::1]:9".parse().unwrap();
    for error in [
        socket.send_to(b"x", to).await.unwrap_err(),
        socket.send_many(&[(b"x", to)]).await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("IPv4") && text.contains("IPv6"), "{text}");
    }
}

/// One task receives and another sends, through one socket.
#[corio::test]
async fn udp_10_two_tasks_share_a_socket() {
    let (shared, peer) = (Arc::new(udp().await), udp().await);
    let (to, back) = (peer.local_addr().unwrap(), shared.local_addr().unwrap());
    let receiving = {
        let shared = shared.clone();
        corio::spawn(async move {
            for number in 0..100_u8 {
                assert_eq!(shared.recv_datagram().await.unwrap().data, [number]);
            }
        })
    };
    for number in 0..100_u8 {
        shared.send_to(b"ping", to).await.unwrap();
        peer.recv_datagram().await.unwrap();
        peer.send_to(&[number], back).await.unwrap();
    }
    receiving.await.unwrap();
}

/// Sixty-four with one call, each of them whole; more than that, too.
#[corio::test]
async fn udp_11_many_with_one_call() {
    let (a, b) = (udp().await, udp().await);
    let to = b.local_addr().unwrap();
    b.set_recv_buffer_size(1 << 20).unwrap();
    let messages: Vec<_> = (0..150_u8).map(|number| (vec![number; number.into()], to)).collect();
    a.send_many(&messages).await.unwrap();
    let mut datagrams = Datagrams::new(64, 256);
    assert_eq!(b.recv_many(&mut datagrams).await.unwrap(), 64, "they are all there");
    let mut received = 0;
    loop {
        for datagram in datagrams.iter() {
            assert_eq!(datagram.data, vec![received; received.into()]);
            assert_eq!(datagram.from, a.local_addr().unwrap());
            received += 1;
        }
        if received == 150 {
            break;
        }
        b.recv_many(&mut datagrams).await.unwrap();
    }
    let waiting = corio::timeout(Duration::from_millis(5), b.recv_many(&mut datagrams));
    assert!(waiting.await.is_err());
    assert!(datagrams.is_empty());
}
