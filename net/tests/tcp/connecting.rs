//! Connecting, by address and by name: to who answers, and to who does not.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use corio_net::{TcpListener, TcpSocket, TcpStream};

use crate::common::{LONG, on_both, open_sockets};

#[test]
fn a_refused_connection_names_the_address_and_keeps_its_kind() {
    on_both(|| async {
        let addr = {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            listener.local_addr()?
        };
        let error = TcpStream::connect(addr).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        assert_eq!(corio_io::raw_os_error(&error), Some(libc::ECONNREFUSED), "{error:?}");
        let error = TcpSocket::for_addr(addr)?.connect(addr).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        Ok(())
    });
}

#[test]
fn an_address_in_use_is_named() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let error = TcpListener::bind(addr).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen on {addr}: ")), "{error}");
        Ok(())
    });
}

#[test]
fn addresses_are_tried_in_turn_and_a_failure_lists_them_all() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let good = listener.local_addr()?;
        let bad = {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            listener.local_addr()?
        };
        for stream in [
            TcpStream::connect([bad, good]).await?,
            TcpStream::connect_happy_eyeballs([bad, good]).await?,
            TcpStream::connect_timeout([bad, good], LONG).await?,
        ] {
            assert_eq!(stream.peer_addr()?, good);
        }
        let bad_too = SocketAddr::from(([127, 0, 0, 2], bad.port()));
        let error = TcpStream::connect([bad, bad_too]).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&bad.to_string()) && text.contains(&bad_too.to_string()), "{text}");
        let error = TcpStream::connect_happy_eyeballs([bad, bad_too]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = TcpStream::connect(&[][..]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn n21_a_text_that_is_no_address_is_shown() {
    on_both(|| async {
        for text in ["nonsense", "127.0.0.1", "a b:80", "127.1:80", "x:99999"] {
            let error = TcpStream::connect(text).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains(text), "{error}");
            let error = TcpListener::bind(text).await.unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        Ok(())
    });
}

#[test]
fn names_are_resolved_on_the_blocking_pool() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let addrs: Vec<_> = corio_net::lookup_host(("localhost", port)).await?.collect();
        assert!(addrs.iter().all(|addr| addr.port() == port && addr.ip().is_loopback()));
        TcpStream::connect(format!("localhost:{port}")).await?;
        TcpStream::connect_happy_eyeballs(("localhost", port)).await?;
        Ok(())
    });
}

#[test]
fn n10_a_socket_that_is_connected_to_itself_is_refused() {
    on_both(|| async {
        let socket = TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:0".parse().unwrap())?;
        let own = socket.local_addr()?;
        let error = socket.connect(own).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains("itself"), "{error}");
        Ok(())
    });
}

/// A listener whose queue is full: a further connection gets no answer. The streams keep it full.
fn silent_listener() -> (std::net::TcpListener, Vec<std::net::TcpStream>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let listener: std::net::TcpListener = socket.into();
    let addr = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&addr, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 1000, "the queue does not fill up");
    }
    (listener, waiting)
}

#[test]
fn a_connection_without_an_answer_times_out() {
    let (listener, _waiting) = silent_listener();
    let addr = listener.local_addr().unwrap();
    on_both(|| async move {
        let limit = Duration::from_millis(30);
        let error = TcpStream::connect_timeout(addr, limit).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        Ok(())
    });
}

#[test]
fn happy_eyeballs_does_not_wait_for_the_silent() {
    let (listener, _waiting) = silent_listener();
    let silent = listener.local_addr().unwrap();
    on_both(|| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let good = listener.local_addr()?;
        let start = Instant::now();
        let stream = TcpStream::connect_happy_eyeballs([silent, good]).await?;
        assert_eq!(stream.peer_addr()?, good);
        assert!(start.elapsed() >= Duration::from_millis(250));
        Ok(())
    });
}

#[test]
fn n08_a_connection_attempt_that_is_dropped_closes_its_descriptor() {
    let (listener, _waiting) = silent_listener();
    let addr = listener.local_addr().unwrap();
    on_both(|| async move {
        let before = open_sockets();
        for _ in 0..300 {
            let attempt = TcpStream::connect_happy_eyeballs([addr, addr]);
            let limit = Duration::from_micros(50);
            assert!(corio_runtime::time::timeout(limit, attempt).await.is_err());
        }
        // Other tests have sockets too; three hundred leaked ones would stand out.
        assert!(open_sockets() < before + 200);
        Ok(())
    });
}
