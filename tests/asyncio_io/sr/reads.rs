//! Reading what is there, up to the end or an error.

use std::io;
use std::pin::pin;

use corio::io::AsyncBufReadExt;
use corio::net::ConnectOptions;

use crate::support::poll_once;
use crate::support::{fed, fed_with_limit, holding, narrow_tcp, reset, settle, tcp};

/// A limit that would let nothing through is refused, by a connection before it is opened.
#[corio::test]
async fn sr_01_a_limit_of_nothing_is_refused() {
    let error = holding(b"").set_limit(0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    // Port 1 would refuse the connection: it is not even tried.
    let error = ConnectOptions::new().limit(0).open("127.0.0.1:1").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

/// Nothing that is written wakes nobody.
#[corio::test]
async fn sr_02_nothing_wakes_nobody() {
    let (writer, mut reader) = fed();
    let mut read = pin!(reader.read(10));
    assert!(poll_once(read.as_mut()).is_pending());
    writer.write(b"").unwrap();
    settle().await;
    assert!(poll_once(read.as_mut()).is_pending());
    writer.write(b"x").unwrap();
    assert_eq!(read.await.unwrap(), b"x");
}

/// Zero bytes are there at once, without an end.
#[corio::test]
async fn sr_03_zero_bytes_are_there_at_once() {
    let (_writer, mut reader) = fed();
    assert_eq!(reader.read(0).await.unwrap(), b"");
    assert!(!reader.at_eof());
}

/// What is there is returned at once, and the rest kept.
#[corio::test]
async fn sr_04_what_is_there_comes_at_once() {
    let (writer, mut reader) = fed();
    writer.write(b"line 1\nline 2\n").unwrap();
    assert_eq!(reader.read(9).await.unwrap(), b"line 1\nli");
    assert_eq!(reader.buffer(), b"ne 2\n");
}

/// An empty reader waits for some bytes, not for all.
#[corio::test]
async fn sr_05_an_empty_reader_waits_for_some() {
    let (writer, mut reader) = fed();
    let task = corio::spawn(async move { reader.read(30).await });
    settle().await;
    assert!(!task.is_finished());
    writer.write(b"line 1\n").unwrap();
    assert_eq!(task.await.unwrap().unwrap(), b"line 1\n");
}

/// Line breaks mean nothing to `read`.
#[corio::test]
async fn sr_06_read_does_not_stop_at_a_line_break() {
    assert_eq!(holding(b"line 1\nline 2").read(30).await.unwrap(), b"line 1\nline 2");
}

/// The end is the end, each time.
#[corio::test]
async fn sr_07_the_end_stays_the_end() {
    let mut reader = holding(b"");
    for _ in 0..3 {
        assert_eq!(reader.read(1024).await.unwrap(), b"");
    }
}

/// Everything up to the end, however it comes, and whatever the limit.
#[corio::test]
async fn sr_08_09_everything_up_to_the_end() {
    let (writer, mut reader) = fed_with_limit(4);
    let task = corio::spawn(async move { reader.read_to_end().await });
    for part in [&b"chunk1"[..], b"\n", b"chunk2"] {
        writer.write(part).unwrap();
        settle().await;
        assert!(!task.is_finished());
    }
    writer.write_eof().unwrap();
    assert_eq!(task.await.unwrap().unwrap(), b"chunk1\nchunk2");
}

/// The limit is not for `read`.
#[corio::test]
async fn sr_10_read_knows_no_limit() {
    let (writer, mut reader) = fed_with_limit(3);
    writer.write(b"chunk").unwrap();
    assert_eq!(reader.read(5000).await.unwrap(), b"chunk");
    writer.write(b"chunk\n").unwrap();
    assert_eq!(reader.read(5000).await.unwrap(), b"chunk\n");
}

/// An error comes again with every read; what was read before it stays.
#[corio::test]
async fn sr_11_an_error_stays() {
    let ((mut reader, writer), (far_reader, far_writer)) = tcp().await;
    far_writer.write(b"half").unwrap();
    assert_eq!(reader.fill_buf().await.unwrap(), b"half");
    reset(far_reader, far_writer);
    for _ in 0..2 {
        for error in [
            reader.read_exact(10).await.unwrap_err(),
            reader.read_line().await.unwrap_err(),
            reader.read_until(b"!").await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
    }
    assert_eq!(reader.buffer(), b"half");
    drop(writer);
}

/// Whoever waits is given the error; whoever has gone meanwhile does no harm.
#[corio::test]
async fn sr_12_an_error_ends_a_wait() {
    let ((mut reader, _writer), (far_reader, far_writer)) = tcp().await;
    {
        let mut gone = pin!(reader.read(1));
        assert!(poll_once(gone.as_mut()).is_pending());
    }
    let task = corio::spawn(async move { reader.read(1).await });
    settle().await;
    reset(far_reader, far_writer);
    assert_eq!(task.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// A cancelled read has taken nothing.
#[corio::test]
async fn sr_14_a_cancelled_read_loses_nothing() {
    let (writer, mut reader) = fed();
    {
        let mut read = pin!(reader.read_exact(6));
        assert!(poll_once(read.as_mut()).is_pending());
        writer.write(b"line ").unwrap();
        assert!(poll_once(read.as_mut()).is_pending());
    }
    {
        let mut line = pin!(reader.read_line());
        assert!(poll_once(line.as_mut()).is_pending());
    }
    writer.write(b"1\n").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"line 1\n");
}

/// It is at the end when the end has come and everything is taken.
#[corio::test]
async fn sr_15_at_the_end_when_all_is_taken() {
    let (writer, mut reader) = fed();
    assert!(!reader.at_eof());
    writer.write(b"some data\n").unwrap();
    assert_eq!(reader.fill_buf().await.unwrap(), b"some data\n");
    assert!(!reader.at_eof());
    writer.write_eof().unwrap();
    // The end is met by a read that wants more, and what was there is still there.
    assert!(poll_once(pin!(reader.read_to_end())).is_ready());
    assert!(reader.at_eof());
    let mut reader = holding(b"ab");
    reader.read_exact(3).await.unwrap_err();
    assert!(reader.at_eof());
}

/// A peer that was held up by a full buffer goes on as soon as there is room.
#[corio::test]
async fn sr_17_reading_lets_the_peer_go_on() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    let data = vec![7; 1 << 20];
    let sending = corio::spawn(async move { writer.write_all(&data).await.map(|()| writer) });
    settle().await;
    assert!(!sending.is_finished(), "the peer reads nothing");
    let mut count = 0;
    while count < 1 << 20 {
        count += reader.read(4096).await.unwrap().len();
    }
    drop(sending.await.unwrap().unwrap());
    assert_eq!(reader.read(1).await.unwrap(), b"");
}
