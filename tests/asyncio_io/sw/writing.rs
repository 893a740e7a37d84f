//! What is written, and to whom.

use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::Arc;

use corio::net::{TcpListener, TcpStream, UnixStream, open_connection};

use crate::support::{LONG, MUCH, echo_server, narrow_tcp, poll_once, tcp};

/// A request and its answer.
#[corio::test]
async fn sw_01_a_request_and_its_answer() {
    let server = echo_server().await;
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.write(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(reader.read_until(b"\r\n").await.unwrap(), b"GET / HTTP/1.0\r\n");
    assert_eq!(reader.read(9).await.unwrap(), b"\r\n");
    writer.close();
    writer.wait_closed().await.unwrap();
}

/// Nobody there is an error of its kind, with the address.
#[corio::test]
async fn sw_02_nobody_there() {
    let addr = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = open_connection(addr).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    let error = corio::net::open_unix_connection("/nowhere/at/all").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

/// Nothing written is nothing sent.
#[corio::test]
async fn sw_04_nothing_is_nothing() {
    let ((_r, writer), (mut reader, _w)) = tcp().await;
    writer.write(b"").unwrap();
    writer.write_vectored(&[]).unwrap();
    writer.write_vectored(&[IoSlice::new(b"")]).unwrap();
    writer.close();
    assert_eq!(reader.read_to_end().await.unwrap(), b"");
}

/// Several parts are sent one behind the other, whole, also those that are empty.
#[corio::test]
async fn sw_05_parts_are_joined() {
    let ((_r, writer), (mut reader, _w)) = tcp().await;
    let parts = [&b"line1\n"[..], b"", b"line2\n", b"line3\n"].map(IoSlice::new);
    writer.write_vectored(&parts).unwrap();
    drop(writer);
    assert_eq!(reader.read_to_end().await.unwrap(), b"line1\nline2\nline3\n");
}

/// After `close` neither a write nor a drain goes through.
#[corio::test]
async fn sw_11_writing_after_close_is_an_error() {
    let ((_r, writer), _far) = tcp().await;
    writer.close();
    assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

/// A loop of writes to a peer that has gone ends.
#[corio::test]
async fn sw_12_a_loop_of_writes_ends_with_the_peer() {
    let ((_r, writer), (far_reader, far_writer)) = tcp().await;
    drop((far_reader, far_writer));
    let error = corio::timeout(LONG, async {
        loop {
            if let Err(error) = writer.write(b"are you there?") {
                break error;
            }
            if let Err(error) = writer.drain().await {
                break error;
            }
            corio::yield_now().await;
        }
    });
    let kind = error.await.unwrap().kind();
    assert!(matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe), "{kind}");
}

/// Sockets can end in one direction.
#[corio::test]
async fn sw_21_sockets_can_end_in_one_direction() {
    let ((_r, writer), _far) = tcp().await;
    assert!(writer.can_write_eof());
    let (_r, writer) = UnixStream::pair().unwrap().0.into_streams();
    assert!(writer.can_write_eof());
}

/// Addresses and the socket are there; what is not there says so.
#[corio::test]
async fn sw_22_what_is_known_of_the_connection() {
    let ((reader, writer), (_r, far_writer)) = tcp().await;
    assert_eq!(writer.peer_addr().unwrap(), far_writer.local_addr().unwrap());
    assert_eq!(reader.peer_addr().unwrap(), far_writer.local_addr().unwrap());
    assert!(writer.tcp_stream().unwrap().nodelay().unwrap());
    assert!(writer.unix_stream().is_none());
    let (_r, writer) = UnixStream::pair().unwrap().0.into_streams();
    assert_eq!(writer.peer_addr().unwrap_err().kind(), io::ErrorKind::Unsupported);
    assert!(writer.unix_stream().is_some() && writer.tcp_stream().is_none());
}

/// Several parts count towards the marks as one write does.
#[corio::test]
async fn sw_30_parts_count_towards_the_marks() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    let big = vec![7; MUCH / 2];
    writer.write_vectored(&[IoSlice::new(&big), IoSlice::new(b""), IoSlice::new(&big)]).unwrap();
    assert!(poll_once(pin!(writer.drain())).is_pending());
    let reading = corio::spawn(async move { reader.read_exact(MUCH).await });
    writer.drain().await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap().len(), MUCH);
    writer.abort();
    writer.write_vectored(&[IoSlice::new(b"x")]).unwrap_err();
}

/// The caller's bytes are his own again when `write` returns.
#[corio::test]
async fn sw_32_written_bytes_are_the_callers_again() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    let mut data = vec![1; MUCH];
    writer.write(&data).unwrap();
    data.fill(2);
    drop(writer);
    assert!(reader.read_to_end().await.unwrap().iter().all(|byte| *byte == 1));
}

/// A socket that was connected elsewhere will do.
#[corio::test]
async fn sw_33_a_socket_from_elsewhere() {
    let server = echo_server().await;
    let socket = std::net::TcpStream::connect(server.local_addrs()[0]).unwrap();
    let (mut reader, writer) = TcpStream::from_std(socket).unwrap().into_streams();
    writer.write(b"hello").unwrap();
    assert_eq!(reader.read_exact(5).await.unwrap(), b"hello");
}

/// A large `write_all` keeps the buffer small, and everything arrives in order.
#[corio::test]
async fn write_all_keeps_the_buffer_small() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    let data: Vec<u8> = (0..MUCH).map(|i| (i % 251) as u8).collect();
    let expected = data.clone();
    let writer = Arc::new(writer);
    let sending = {
        let writer = writer.clone();
        corio::spawn(async move {
            writer.write_all(&data).await?;
            writer.flush().await?;
            writer.close();
            writer.wait_closed().await
        })
    };
    let mut received = Vec::new();
    loop {
        let part = reader.read(64 * 1024).await.unwrap();
        if part.is_empty() {
            break;
        }
        assert!(writer.buffered() <= 64 * 1024 + 1);
        received.extend(part);
    }
    sending.await.unwrap().unwrap();
    assert!(received == expected);
}
