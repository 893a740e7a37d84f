//! TCP connections as their users see them.

mod common;

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use common::{LONG, on_both, raise_descriptor_limit, tcp_pair};
use corio_net::{Keepalive, TcpListener, TcpSocket, TcpStream};
use corio_runtime::reactor::Direction;
use corio_runtime::spawn;
use corio_sync::prim::{AtomicUsize, Ordering};
use socket2::SockRef;

/// Sends back what comes, until it ends.
async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return stream.close().await;
        }
        stream.write_all(&buffer[..count]).await?;
    }
}

async fn echo_server() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let _server = spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _connection = spawn(echo(stream));
        }
    });
    Ok(addr)
}

#[test]
fn a_megabyte_comes_back_while_it_is_still_being_sent() {
    on_both(|| async {
        let stream = TcpStream::connect(echo_server().await?).await?;
        let (reader, writer) = stream.into_split();
        let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i * 7 / 3) as u8).collect();
        let expected = sent.clone();
        let writing = spawn(async move { writer.write_all(&sent).await });
        let mut received = Vec::new();
        // Dropping the writing half ends the stream for the server, and the echo ends in turn.
        reader.read_to_end(&mut received).await?;
        writing.await.unwrap()?;
        assert!(received == expected);
        Ok(())
    });
}

#[test]
fn a_thousand_connections_at_once() {
    raise_descriptor_limit();
    on_both(|| async {
        let addr = echo_server().await?;
        let clients: Vec<_> = (0..1000_u32)
            .map(|i| {
                spawn(async move {
                    let stream = TcpStream::connect(addr).await?;
                    for round in 0..3_u32 {
                        let sent = (i * 31 + round).to_le_bytes();
                        stream.write_all(&sent).await?;
                        let mut received = [0; 4];
                        stream.read_exact(&mut received).await?;
                        assert_eq!(sent, received);
                    }
                    io::Result::Ok(())
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap()?;
        }
        Ok(())
    });
}

#[test]
fn r04_after_a_half_close_the_other_direction_goes_on() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        client.write_all(b"request").await?;
        client.shutdown(Shutdown::Write)?;
        let serving = spawn(async move {
            let mut request = Vec::new();
            server.read_to_end(&mut request).await?;
            assert_eq!(request, b"request");
            // Far more than the buffers hold: the server waits for room with its reading side closed.
            server.write_all(&vec![7; 8 << 20]).await
        });
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await?;
        serving.await.unwrap()?;
        assert_eq!(reply.len(), 8 << 20);
        Ok(())
    });
}

#[test]
fn n06_a_reset_reaches_both_directions_and_shutdown_stays_harmless() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let server = Arc::new(server);
        let reading = spawn({
            let server = server.clone();
            async move { server.read(&mut [0; 8]).await }
        });
        corio_runtime::yield_now().await;
        client.set_linger(Some(Duration::ZERO))?;
        drop(client);
        let error = reading.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = server.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        for how in [Shutdown::Write, Shutdown::Both, Shutdown::Write, Shutdown::Read] {
            server.shutdown(how)?;
        }
        server.close().await
    });
}

#[test]
fn n03_a_connection_that_was_reset_before_it_is_accepted() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        client.set_linger(Some(Duration::ZERO))?;
        drop(client);
        let (server, _) = listener.accept().await?;
        let error = server.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        // The listener goes on.
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (_server, peer) = listener.accept().await?;
        assert_eq!(peer, client.local_addr()?);
        Ok(())
    });
}

#[test]
fn one_byte_at_a_time() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        client.set_nodelay(true)?;
        let writing = spawn(async move {
            for byte in 0..=255_u8 {
                client.write_all(&[byte]).await?;
                corio_runtime::yield_now().await;
            }
            io::Result::Ok(())
        });
        let mut received = Vec::new();
        let mut one = [0; 1];
        while server.read(&mut one).await? == 1 {
            received.push(one[0]);
        }
        writing.await.unwrap()?;
        assert_eq!(received, (0..=255).collect::<Vec<u8>>());
        Ok(())
    });
}

#[test]
fn halves_come_together_again_only_with_their_own() {
    on_both(|| async {
        let (client, mut server) = tcp_pair().await?;
        let (other, _other_server) = tcp_pair().await?;
        let addr = client.local_addr()?;
        let (read, write) = client.into_split();
        let (other_read, other_write) = other.into_split();
        assert_eq!((read.local_addr()?, write.local_addr()?), (addr, addr));

        let error = read.reunite(other_write).unwrap_err();
        assert!(error.to_string().contains("different"));
        let (read, other_write) = (error.0, error.1);
        other_read.reunite(other_write).unwrap();
        let client = write.reunite(read).unwrap();
        // Nothing was shut down on the way.
        client.write_all(b"still").await?;
        let (read, write) = server.split();
        let mut text = [0; 5];
        read.read_exact(&mut text).await?;
        write.write_all(&text).await?;
        client.read_exact(&mut text).await?;
        assert_eq!(&text, b"still");
        Ok(())
    });
}

#[test]
fn dropping_the_writing_half_ends_the_stream_and_forgetting_it_does_not() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let (client_read, client_write) = client.into_split();
        drop(client_write);
        assert_eq!(server.read(&mut [0; 1]).await?, 0);
        server.write_all(b"x").await?;
        assert_eq!(client_read.read(&mut [0; 8]).await?, 1);

        let (_server_read, server_write) = server.into_split();
        server_write.forget();
        assert_eq!(
            client_read.try_read(&mut [0; 1]).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        Ok(())
    });
}

#[test]
fn r18_peek_takes_nothing_and_waits_for_what_is_to_come() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let client = Arc::new(client);
        for round in 0..20_u8 {
            let writer = client.clone();
            let writing = spawn(async move { writer.write_all(&[round]).await });
            for _ in 0..2 {
                let mut one = [0; 1];
                assert_eq!(server.peek(&mut one).await?, 1);
                assert_eq!(one, [round]);
            }
            let mut one = [0; 1];
            server.read_exact(&mut one).await?;
            assert_eq!(one, [round]);
            writing.await.unwrap()?;
        }
        Ok(())
    });
}

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
        let before = common::open_sockets();
        for _ in 0..300 {
            let attempt = TcpStream::connect_happy_eyeballs([addr, addr]);
            let limit = Duration::from_micros(50);
            assert!(corio_runtime::time::timeout(limit, attempt).await.is_err());
        }
        // Other tests have sockets too; three hundred leaked ones would stand out.
        assert!(common::open_sockets() < before + 200);
        Ok(())
    });
}

#[test]
fn n05_dropping_a_stream_that_lingers_does_not_wait() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let time = Duration::from_secs(50);
        client.set_linger(Some(time))?;
        assert_eq!(client.linger()?, Some(time));
        // Unsent bytes are what a lingering close would wait for.
        while client.try_write(&[0; 65536]).is_ok() {}
        let start = Instant::now();
        drop(client);
        assert!(start.elapsed() < Duration::from_secs(25));
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await?;
        assert!(!rest.is_empty());

        // Handed out, the socket has what was asked for; taken in, it is remembered again.
        let (client, _server) = tcp_pair().await?;
        client.set_linger(Some(time))?;
        let std = client.into_std()?;
        assert_eq!(SockRef::from(&std).linger()?, Some(time));
        let client = TcpStream::from_std(std)?;
        assert_eq!(SockRef::from(&client).linger()?, None);
        assert_eq!(client.linger()?, Some(time));
        Ok(())
    });
}

#[test]
fn n05_connections_do_not_inherit_a_linger_that_waits() {
    on_both(|| async {
        let time = Duration::from_secs(50);
        let socket = TcpSocket::new_v4()?;
        socket.set_linger(Some(time))?;
        socket.bind("127.0.0.1:0".parse().unwrap())?;
        let listener = socket.listen(16)?;
        let _client = TcpStream::connect(listener.local_addr()?).await?;
        let (server, _) = listener.accept().await?;
        assert_eq!(SockRef::from(&server).linger()?, None);
        assert_eq!(server.linger()?, Some(time));
        Ok(())
    });
}

#[test]
fn n04_a_graceful_close_delivers_the_last_reply() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        // The server answers without reading all that the client sends.
        client.write_all(&[1; 100_000]).await?;
        server.write_all(b"too long").await?;
        let closing = spawn(server.close_gracefully(1 << 20));
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await?;
        assert_eq!(reply, b"too long");
        drop(client);
        assert!(closing.await.unwrap()?);

        let (client, server) = tcp_pair().await?;
        client.write_all(&[1; 10_000]).await?;
        assert!(!server.close_gracefully(5000).await?, "it was to give up at the limit");
        Ok(())
    });
}

#[test]
fn n12_vectors_beyond_the_systems_limit_and_empty_ones() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let parts: Vec<_> = (0..3000_u32).map(|i| [i as u8, (i >> 8) as u8]).collect();
        let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let count = client.write_vectored(&slices).await?;
        assert!(0 < count && count <= 2048, "{count}");
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, count);
        let expected: Vec<u8> = parts.concat();
        let reading = spawn(async move {
            let mut received = vec![0; 6000];
            let (first, second) = received.split_at_mut(1000);
            let mut buffers = [IoSliceMut::new(first), IoSliceMut::new(second)];
            let mut filled = server.read_vectored(&mut buffers).await?;
            while filled < received.len() {
                filled += server.read(&mut received[filled..]).await?;
            }
            io::Result::Ok((received, server))
        });
        client.write_all_vectored(left).await?;
        let (received, server) = reading.await.unwrap()?;
        assert!(received == expected);

        // Nothing in, nothing out, and no end.
        assert_eq!(client.write(&[]).await?, 0);
        assert_eq!(server.read(&mut []).await?, 0);
        assert_eq!(client.write_vectored(&[IoSlice::new(&[])]).await?, 0);
        assert_eq!(server.read_vectored(&mut [IoSliceMut::new(&mut [])]).await?, 0);
        client.write_all_vectored(&mut [IoSlice::new(&[]), IoSlice::new(b"x")]).await?;
        client.write_all_vectored(&mut [IoSlice::new(&[])]).await?;
        client.write_all(&[]).await?;
        server.read_exact(&mut []).await?;
        assert_eq!(server.read(&mut [0; 8]).await?, 1);
        Ok(())
    });
}

#[test]
fn n13_a_vectored_write_of_more_than_fits_goes_on_at_the_right_byte() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let parts: Vec<Vec<u8>> =
            (0..50_usize).map(|i| (0..100_003).map(|j| (i * 3 + j) as u8).collect()).collect();
        let expected = parts.concat();
        let reading = spawn(async move {
            let mut received = Vec::new();
            server.read_to_end(&mut received).await.map(|_| received)
        });
        let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        client.write_all_vectored(&mut slices).await?;
        client.close().await?;
        assert!(reading.await.unwrap()? == expected);
        Ok(())
    });
}

#[test]
fn an_early_end_says_how_much_came() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        client.write_all(b"abc").await?;
        drop(client);
        let error = server.read_exact(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("3 of 8"), "{error}");
        Ok(())
    });
}

#[test]
fn r12_two_tasks_read_one_stream() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let server = Arc::new(server);
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let server = server.clone();
                spawn(async move {
                    let mut one = [0; 1];
                    server.read_exact(&mut one).await.map(|()| one[0])
                })
            })
            .collect();
        corio_runtime::yield_now().await;
        client.write_all(b"a").await?;
        client.write_all(b"b").await?;
        let mut seen = Vec::new();
        for reader in readers {
            seen.push(reader.await.unwrap()?);
        }
        seen.sort_unstable();
        assert_eq!(seen, b"ab");
        Ok(())
    });
}

#[test]
fn r07_urgent_data_does_not_stop_the_reader_at_its_mark() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let client = client.into_std()?;
        let reading = spawn(async move {
            let mut received = Vec::new();
            while received.len() < 6 {
                let mut buffer = [0; 64];
                let count = server.read(&mut buffer).await?;
                assert_ne!(count, 0);
                received.extend_from_slice(&buffer[..count]);
            }
            io::Result::Ok(received)
        });
        // Let the reader wait first: then one event covers all that follows.
        corio_runtime::yield_now().await;
        (&client).write_all(b"abc")?;
        SockRef::from(&client).send_out_of_band(b"!")?;
        (&client).write_all(b"def")?;
        assert_eq!(reading.await.unwrap()?, b"abcdef");
        Ok(())
    });
}

#[test]
fn readiness_and_try_calls() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let would_block = |error: io::Error| assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        would_block(server.try_read(&mut [0; 1]).unwrap_err());
        would_block(server.try_read_vectored(&mut [IoSliceMut::new(&mut [0; 1])]).unwrap_err());
        assert_eq!(client.try_write(b"a")?, 1);
        assert_eq!(client.try_write_vectored(&[IoSlice::new(b"b")])?, 1);
        let mut received = [0; 2];
        let mut count = 0;
        while count < 2 {
            server.readable().await?;
            match server.try_read(&mut received[count..]) {
                Ok(more) => count += more,
                Err(error) => would_block(error),
            }
        }
        assert_eq!(&received, b"ab");
        client.writable().await?;
        assert!(client.ready(Direction::Write).await?.is_writable());
        let direct = |mut socket: &std::net::TcpStream| socket.write(b"c");
        let raw = SockRef::from(&client).try_clone()?.into();
        assert_eq!(client.try_io(Direction::Write, || direct(&raw))?, 1);
        assert_eq!(client.async_io(Direction::Write, || direct(&raw)).await?, 1);
        assert!(server.async_io(Direction::Read, || server.try_read(&mut received)).await? > 0);
        assert!(client.take_error()?.is_none());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(client.poll_write_ready(&mut cx).is_ready());
        Ok(())
    });
}

#[test]
fn the_traits_of_futures_io_work_on_streams_and_on_references() {
    use futures_io::{AsyncRead, AsyncWrite};
    use std::pin::Pin;
    on_both(|| async {
        let (client, mut server) = tcp_pair().await?;
        let mut by_reference = &client;
        let count =
            std::future::poll_fn(|cx| Pin::new(&mut by_reference).poll_write(cx, b"abc")).await?;
        assert_eq!(count, 3);
        std::future::poll_fn(|cx| Pin::new(&mut by_reference).poll_flush(cx)).await?;
        std::future::poll_fn(|cx| Pin::new(&mut by_reference).poll_close(cx)).await?;
        let mut text = [0; 8];
        let count =
            std::future::poll_fn(|cx| Pin::new(&mut server).poll_read(cx, &mut text)).await?;
        assert_eq!(&text[..count], b"abc");
        let count =
            std::future::poll_fn(|cx| Pin::new(&mut &server).poll_read(cx, &mut text)).await?;
        assert_eq!(count, 0);
        Ok(())
    });
}

#[test]
fn options_are_what_they_were_set_to() {
    on_both(|| async {
        let (client, _server) = tcp_pair().await?;
        client.set_nodelay(true)?;
        client.set_ttl(77)?;
        client.set_keepalive(Some(
            Keepalive::new()
                .idle(Duration::from_secs(60))
                .interval(Duration::from_secs(5))
                .retries(4),
        ))?;
        assert!(client.nodelay()? && client.keepalive()?);
        assert_eq!(client.ttl()?, 77);
        let socket = SockRef::from(&client);
        assert_eq!(socket.tcp_keepalive_time()?, Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval()?, Duration::from_secs(5));
        assert_eq!(socket.tcp_keepalive_retries()?, 4);
        client.set_keepalive(None)?;
        assert!(!client.keepalive()?);
        client.set_recv_buffer_size(50_000)?;
        client.set_send_buffer_size(50_000)?;
        assert!(client.recv_buffer_size()? >= 50_000 && client.send_buffer_size()? >= 50_000);

        let socket = TcpSocket::new_v4()?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nodelay(true)?;
        socket.set_keepalive(Some(Keepalive::new()))?;
        assert!(socket.reuse_address()? && socket.reuse_port()? && socket.nodelay()?);
        assert!(socket.keepalive()?);
        assert!(format!("{socket:?}").contains("TcpSocket"));
        Ok(())
    });
}

#[test]
fn two_listeners_share_a_port() {
    on_both(|| async {
        let first = TcpListener::options().reuse_port(true).bind("127.0.0.1:0").await?;
        let addr = first.local_addr()?;
        let second = TcpListener::options().reuse_port(true).backlog(8).bind(addr).await?;
        let (here, there) = (Arc::new(AtomicUsize::new(0)), 40);
        for listener in [first, second] {
            let here = here.clone();
            let _server = spawn(async move {
                while listener.accept().await.is_ok() {
                    // Ordering: Relaxed, only the sum counts.
                    here.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut clients = Vec::new();
        for _ in 0..there {
            clients.push(TcpStream::connect(addr).await?);
        }
        // Ordering: Relaxed, see above.
        while here.load(Ordering::Relaxed) < there {
            corio_runtime::yield_now().await;
        }
        Ok(())
    });
}

#[test]
fn incoming_is_a_stream_of_connections() {
    use futures_core::Stream;
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let clients = spawn(async move {
            let mut clients = Vec::new();
            for _ in 0..5 {
                clients.push(TcpStream::connect(addr).await?);
            }
            io::Result::Ok(clients)
        });
        let mut incoming = std::pin::pin!(listener.incoming());
        for _ in 0..5 {
            std::future::poll_fn(|cx| incoming.as_mut().poll_next(cx)).await.unwrap()?;
        }
        clients.await.unwrap()?;
        let pending =
            std::future::poll_fn(|cx| Poll::Ready(listener.poll_accept(cx).is_pending())).await;
        assert!(pending);
        assert_eq!(listener.pauses(), 0);
        Ok(())
    });
}

#[test]
fn sockets_go_to_std_and_come_back() {
    on_both(|| async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let listener = TcpListener::try_from(listener)?;
        let client = std::net::TcpStream::connect(listener.local_addr()?)?;
        let (server, _) = listener.accept().await?;
        let client = TcpStream::try_from(client)?;
        client.write_all(b"x").await?;
        server.read_exact(&mut [0; 1]).await?;
        // A stream that has waited is out of the reactor when it leaves.
        let server = std::net::TcpStream::try_from(server)?;
        server.set_nonblocking(false)?;
        client.write_all(b"y").await?;
        let mut one = [0; 1];
        (&server).read_exact(&mut one)?;
        assert_eq!(&one, b"y");
        let listener: std::net::TcpListener = listener.into();
        listener.set_nonblocking(false)?;
        Ok(())
    });
}

#[test]
fn l04_a_socket_that_outlives_its_runtime_gives_errors_and_drops_in_silence() {
    let runtime = corio_runtime::Runtime::new().unwrap();
    let (client, server, listener) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        // All three have waited, and are registered.
        let limit = Duration::from_millis(1);
        for stream in [&client, &server] {
            assert!(corio_runtime::time::timeout(limit, stream.read(&mut [0; 1])).await.is_err());
        }
        assert!(corio_runtime::time::timeout(limit, listener.accept()).await.is_err());
        (client, server, listener)
    });
    drop(runtime);
    let other = corio_runtime::Runtime::new().unwrap();
    let later = async {
        for error in [
            server.read(&mut [0; 1]).await.unwrap_err(),
            client.read(&mut [0; 1]).await.unwrap_err(),
            listener.accept().await.unwrap_err(),
            listener.accept().await.unwrap_err(),
        ] {
            assert!(error.to_string().contains("has been shut down"), "{error}");
        }
        // Through std it moves to the runtime that lives.
        let server = TcpStream::from_std(server.into_std().unwrap()).unwrap();
        client.try_write(b"x").unwrap();
        server.read_exact(&mut [0; 1]).await.unwrap();
    };
    other.block_on(async { corio_runtime::time::timeout(LONG, later).await.unwrap() });
    drop((client, listener));
}

#[test]
fn without_a_runtime_the_error_says_what_to_do() {
    let (stream, _peer) = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (TcpStream::from_std(listener.accept().unwrap().0).unwrap(), peer)
    };
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut buffer = [0; 1];
    let Poll::Ready(Err(error)) = std::pin::pin!(stream.read(&mut buffer)).poll(&mut cx) else {
        panic!()
    };
    assert!(error.to_string().contains("no corio runtime on this thread"), "{error}");
    // Trying needs none.
    assert_eq!(stream.try_read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
