//! happy eyeballs.

use std::net::SocketAddr;
use std::time::Duration;

use corio::net::{ConnectOptions, TcpListener, TcpSocket, TcpStream, open_connection};
use corio::time::Instant;

use crate::cc::nobody;
use crate::support::echo_server;

/// A listener that never answers, since its line is full; with what fills it.
async fn black_hole() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        corio::timeout(Duration::from_millis(100), TcpStream::connect(addr)).await
    {
        waiting.push(stream.unwrap());
    }
    (listener, waiting)
}

fn racing(delay: u64) -> ConnectOptions {
    ConnectOptions::new().happy_eyeballs_delay(Duration::from_millis(delay))
}

/// Without a race one that does not answer keeps the next one waiting.
#[corio::test]
async fn he_01_one_after_the_other_unless_told() {
    let (hole, _waiting) = black_hole().await;
    let server = echo_server().await;
    let addrs = [hole.local_addr().unwrap(), server.local_addrs()[0]];
    let attempt = corio::timeout(Duration::from_millis(400), open_connection(addrs));
    assert!(attempt.await.is_err());
}

/// In a race the next attempt begins after the delay, or as soon as one fails; the first one wins.
#[corio::test]
async fn he_02_04_the_next_begins_after_the_delay() {
    let (hole, _waiting) = black_hole().await;
    let server = echo_server().await;
    let good = server.local_addrs()[0];
    let start = Instant::now();
    let (_r, writer) = racing(100).open([hole.local_addr().unwrap(), good]).await.unwrap();
    assert_eq!(writer.peer_addr().unwrap(), good);
    assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
    // A failure is not waited for: the delay is an hour.
    let (_r, writer) = racing(3_600_000).open([nobody().await, good]).await.unwrap();
    assert_eq!(writer.peer_addr().unwrap(), good);
}

/// The families take turns, after so many of the first one; without that the order stays.
#[corio::test]
async fn he_03_the_families_take_turns() {
    let (a, b, x) = (nobody().await.port(), nobody().await.port(), nobody().await);
    let v6 = |port| SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port));
    let addrs = [v6(a), v6(b), x];
    for (lead, expected) in [(0, addrs), (1, [v6(a), x, v6(b)]), (2, addrs)] {
        let error = ConnectOptions::new().interleave(lead).open(addrs).await.unwrap_err();
        let error = error.to_string();
        let places = expected.map(|addr| error.rfind(&format!("{addr}: ")).unwrap());
        assert!(places.is_sorted(), "{lead}: {error}");
    }
    // In a race they take turns by themselves.
    let error = racing(1000).open(addrs).await.unwrap_err().to_string();
    assert!(error.rfind(&format!("{x}: ")) < error.rfind(&format!("{}: ", v6(b))), "{error}");
}

/// When all fail, all are told, in the order of the addresses, although they failed in another.
#[corio::test]
async fn he_05_all_failures_in_order() {
    let addrs = [nobody().await, nobody().await, nobody().await];
    let error = racing(50).open(addrs).await.unwrap_err().to_string();
    let places = addrs.map(|addr| error.rfind(&format!("{addr}: ")).unwrap());
    assert!(places.is_sorted(), "{error}");
}

/// Of two that answer at once exactly one is used.
#[corio::test]
async fn he_06_exactly_one_wins() {
    let listeners = [
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let addrs: Vec<SocketAddr> =
        listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    for _ in 0..20 {
        let (reader, writer) = racing(0).open(&addrs[..]).await.unwrap();
        let peer = writer.peer_addr().unwrap();
        drop((reader, writer));
        // The winner's end comes; if the other was reached at all, so does its.
        for (listener, addr) in listeners.iter().zip(&addrs) {
            let accepted = corio::timeout(Duration::from_millis(20), listener.accept()).await;
            assert!(accepted.is_ok() || *addr != peer);
            if let Ok(accepted) = accepted {
                let (mut reader, _w) = accepted.unwrap().0.into_streams();
                let _ = reader.read(1).await.unwrap_or_default();
            }
        }
    }
}

/// A race that is given up leaves no attempt behind.
#[corio::test]
async fn he_07_a_race_that_is_given_up_ends_all_attempts() {
    let (hole, _waiting) = black_hole().await;
    let addr = hole.local_addr().unwrap();
    let before = corio::runtime::Handle::current().metrics().registrations;
    let race = corio::timeout(Duration::from_millis(60), racing(10).open([addr; 4]));
    assert!(race.await.is_err());
    assert_eq!(corio::runtime::Handle::current().metrics().registrations, before);
}
