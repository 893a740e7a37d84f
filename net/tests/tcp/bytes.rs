//! Bytes on their way: many, few, in parts, out of band.

use std::io::{self, IoSlice, IoSliceMut, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use corio_net::{TcpListener, TcpStream};
use corio_runtime::reactor::Direction;
use corio_runtime::spawn;
use socket2::SockRef;

use crate::common::{on_both, raise_descriptor_limit, tcp_pair};

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
