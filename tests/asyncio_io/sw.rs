//! StreamWriter.

use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::Arc;

use corio::net::{StreamReader, StreamWriter, TcpListener, TcpStream, UnixStream, open_connection};

use crate::support::{LONG, echo_server, narrow_tcp, poll_once, reset, settle, tcp};

/// More than the system's buffers take.
const MUCH: usize = 8 << 20;

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

/// Below the mark there is nothing to wait for.
#[corio::test]
async fn sw_06_drain_does_not_wait_below_the_mark() {
    let ((_r, writer), _far) = narrow_tcp().await;
    writer.set_write_limits(MUCH, 0).unwrap();
    writer.write(&vec![0; MUCH]).unwrap();
    assert!(writer.buffered() > 0);
    assert!(poll_once(pin!(writer.drain())).is_ready());
}

/// Above the high mark it waits until the low one is reached.
#[corio::test]
async fn sw_07_drain_waits_for_the_low_mark() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    writer.set_write_limits(4096, 1024).unwrap();
    writer.write(&vec![0; MUCH]).unwrap();
    let mut drain = pin!(writer.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    let reading = corio::spawn(async move { reader.read_exact(MUCH).await });
    drain.await.unwrap();
    assert!(writer.buffered() <= 1024, "{}", writer.buffered());
    reading.await.unwrap().unwrap();
}

/// Everybody who waits goes on together; and all are told when the connection fails.
#[corio::test]
async fn sw_08_all_drains_go_on_together() {
    for fails in [false, true] {
        let ((_r, writer), (mut reader, far_writer)) = narrow_tcp().await;
        let writer = Arc::new(writer);
        writer.write(&vec![0; MUCH]).unwrap();
        let drains: Vec<_> = (0..10)
            .map(|_| {
                let writer = writer.clone();
                corio::spawn(async move { writer.drain().await })
            })
            .collect();
        settle().await;
        assert!(drains.iter().all(|drain| !drain.is_finished()));
        if fails {
            reset(reader, far_writer);
        } else {
            reader.read_exact(MUCH).await.unwrap();
        }
        for drain in drains {
            assert_eq!(drain.await.unwrap().is_err(), fails);
        }
    }
}

/// A drain that waits when we close or abort the connection ends; the next one is an error.
#[corio::test]
async fn sw_08_a_drain_ends_with_an_abort() {
    let ((_r, writer), _far) = narrow_tcp().await;
    writer.write(&vec![0; MUCH]).unwrap();
    let mut drain = pin!(writer.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    writer.abort();
    drain.await.unwrap();
    assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
}

/// After the connection is lost, drain says so, also where it is the reader that found out.
#[corio::test]
async fn sw_09_10_drain_tells_of_a_loss() {
    let ((mut reader, writer), (far_reader, far_writer)) = tcp().await;
    reset(far_reader, far_writer);
    assert_eq!(reader.read(1).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    for _ in 0..2 {
        assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
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

/// `close` sends what is buffered, and can be called twice.
#[corio::test]
async fn sw_13_close_sends_what_is_buffered() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    assert!(!writer.is_closing());
    writer.close();
    writer.close();
    assert!(writer.is_closing());
    assert_eq!(reader.read_to_end().await.unwrap().len(), MUCH);
}

/// `wait_closed` waits for the last byte, and then never again.
#[corio::test]
async fn sw_14_wait_closed_waits_for_the_last_byte() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    writer.close();
    assert!(poll_once(pin!(writer.wait_closed())).is_pending());
    let reading = corio::spawn(async move { reader.read_to_end().await });
    writer.wait_closed().await.unwrap();
    writer.wait_closed().await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap().len(), MUCH);
}

/// `wait_closed` tells why not everything was sent.
#[corio::test]
async fn sw_15_wait_closed_tells_of_an_error() {
    let ((_r, writer), (far_reader, far_writer)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    writer.close();
    reset(far_reader, far_writer);
    assert_eq!(writer.wait_closed().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// What nobody has read does not hold up the close.
#[corio::test]
async fn sw_16_unread_bytes_do_not_hold_up_the_close() {
    let ((reader, writer), (_r, far_writer)) = tcp().await;
    far_writer.write_all(b"nobody reads this").await.unwrap();
    writer.close();
    corio::timeout(LONG, writer.wait_closed()).await.unwrap().unwrap();
    drop(reader);
}

/// Without a close it waits for whatever ends the connection.
#[corio::test]
async fn sw_17_wait_closed_waits_for_whatever_ends_it() {
    let ((mut reader, writer), (far_reader, far_writer)) = tcp().await;
    let writer = Arc::new(writer);
    let waiting = {
        let writer = writer.clone();
        corio::spawn(async move { writer.wait_closed().await })
    };
    settle().await;
    assert!(!waiting.is_finished());
    reset(far_reader, far_writer);
    reader.read(1).await.unwrap_err();
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// A cancelled wait changes nothing: the connection goes on, and later waits work.
#[corio::test]
async fn sw_18_a_cancelled_wait_changes_nothing() {
    let ((_r, writer), (mut reader, _w)) = tcp().await;
    let writer = Arc::new(writer);
    let waiting = {
        let writer = writer.clone();
        corio::spawn(async move { writer.wait_closed().await })
    };
    settle().await;
    waiting.cancel();
    assert!(waiting.await.unwrap_err().is_cancelled());
    writer.write(b"still there").unwrap();
    assert_eq!(reader.read(20).await.unwrap(), b"still there");
    writer.close();
    writer.wait_closed().await.unwrap();
}

/// After our end the peer still answers.
#[corio::test]
async fn sw_19_after_our_end_the_peer_answers() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = tcp().await;
    writer.write(b"question").unwrap();
    writer.write_eof().unwrap();
    assert_eq!(far_reader.read_to_end().await.unwrap(), b"question");
    far_writer.write(b"hello").unwrap();
    assert_eq!(reader.read_exact(5).await.unwrap(), b"hello");
}

/// After `write_eof` there is nothing to be written; a second one does nothing.
#[corio::test]
async fn sw_20_writing_after_the_end_is_an_error() {
    let ((_r, writer), _far) = tcp().await;
    writer.write_eof().unwrap();
    writer.write_eof().unwrap();
    let error = writer.write(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert!(error.to_string().contains("write_eof"), "{error}");
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

/// Both sides may close at once.
#[corio::test]
async fn sw_26_both_sides_close_at_once() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = tcp().await;
    writer.close();
    far_writer.close();
    for _ in 0..2 {
        assert_eq!(reader.read(1).await.unwrap(), b"");
        assert_eq!(far_reader.read(1).await.unwrap(), b"");
    }
    writer.wait_closed().await.unwrap();
    far_writer.wait_closed().await.unwrap();
}

/// A writer that is dropped has ended its side, and everything arrives.
#[corio::test]
async fn sw_27_a_dropped_writer_sends_what_it_has() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    drop(writer);
    assert_eq!(far_reader.read_to_end().await.unwrap().len(), MUCH);
    far_writer.write(b"bye").unwrap();
    assert_eq!(reader.read(9).await.unwrap(), b"bye", "the reader goes on");
}

/// A writer that outlives its runtime says so, and harms nobody.
#[test]
fn sw_28_a_writer_outlives_its_runtime() {
    let ((reader, writer), far) = corio::run(async {
        let (near, far) = narrow_tcp().await;
        near.1.write(&vec![7; MUCH]).unwrap();
        (near, far)
    });
    let error = writer.write(b"more").and_then(|()| writer.write(b"more")).err();
    assert!(error.is_some(), "nobody is there to send it");
    writer.close();
    drop((reader, writer, far));
}

/// A loss is an error to the reader, an end is an end.
#[corio::test]
async fn sw_29_a_loss_is_an_error_and_an_end_an_end() {
    let ((mut reader, _writer), (far_reader, far_writer)) = tcp().await;
    drop((far_reader, far_writer));
    assert_eq!(reader.read(1).await.unwrap(), b"");
    let ((mut reader, _writer), (far_reader, far_writer)) = tcp().await;
    reset(far_reader, far_writer);
    assert_eq!(reader.read(1).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
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

/// The peer's end is not ours.
#[corio::test]
async fn sw_31_the_peers_end_is_not_ours() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = tcp().await;
    far_writer.write_eof().unwrap();
    assert_eq!(reader.read(1).await.unwrap(), b"");
    writer.write(b"still talking").unwrap();
    assert_eq!(far_reader.read(20).await.unwrap(), b"still talking");
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

/// A peer that takes nothing does not keep a dropped connection for ever.
#[corio::test(start_paused = true)]
async fn str_14_a_peer_that_takes_nothing_is_given_up() {
    let ((reader, writer), (mut far_reader, _far_writer)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    let before = corio::time::Instant::now();
    drop((reader, writer));
    corio::sleep(std::time::Duration::from_secs(31)).await;
    assert!(before.elapsed() >= std::time::Duration::from_secs(31));
    let end = loop {
        match far_reader.read(64 * 1024).await {
            Ok(data) if data.is_empty() => panic!("a reset, not an end: bytes are missing"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
}

/// The streams of any transport obey the same rules, in memory too.
#[corio::test]
async fn str_15_every_transport_obeys_the_same_rules() {
    async fn rules(
        (mut reader, writer): (StreamReader, StreamWriter),
        (mut far_reader, far_writer): (StreamReader, StreamWriter),
        much: usize,
    ) {
        writer.write(b"one\n").unwrap();
        assert_eq!(far_reader.read_line().await.unwrap(), b"one\n");
        // More than any buffer takes, against a peer that does the same.
        let data = vec![5; much];
        let there = async {
            writer.write_all(&data).await.unwrap();
            writer.flush().await.unwrap();
        };
        let back = async { assert!(far_reader.read_exact(much).await.unwrap() == data) };
        corio::join!(there, back);
        far_writer.write(b"two\n").unwrap();
        assert_eq!(reader.read_line().await.unwrap(), b"two\n");
        writer.write_eof().unwrap();
        assert_eq!(far_reader.read(1).await.unwrap(), b"");
        writer.write(b"x").unwrap_err();
        far_writer.write(b"three").unwrap();
        far_writer.close();
        far_writer.wait_closed().await.unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), b"three");
        assert!(reader.at_eof());
        writer.close();
        writer.wait_closed().await.unwrap();
    }
    let (near, far) = tcp().await;
    rules(near, far, MUCH).await;
    let (near, far) = UnixStream::pair().unwrap();
    rules(near.into_streams(), far.into_streams(), MUCH).await;
    for size in [7, 64 * 1024] {
        let (near, far) = corio::io::duplex(size);
        rules(corio::net::stream_pair(near), corio::net::stream_pair(far), 100 * size).await;
    }
}
