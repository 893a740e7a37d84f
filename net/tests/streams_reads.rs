//! Reads of all sizes, whether by way of the reader's buffer or not: the bytes are those that were sent.

mod common;

use std::future::Future;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use common::on_both;
use corio_net::{StreamReader, StreamWriter, open_connection, open_unix_connection};
use corio_sync::prim::thread;

/// The byte at `place` of what is sent; no short period fits into any of the sizes.
fn byte(place: usize) -> u8 {
    (place % 251) as u8
}

/// A megabyte or so, in writes of all sizes; most of them are long.
fn send(mut to: impl Write) -> io::Result<usize> {
    let mut sent = 0;
    for turn in 0..30_usize {
        let len = [1, 100, 8_192, 65_536, 70_001, 30_000][turn % 6];
        let data: Vec<u8> = (sent..sent + len).map(byte).collect();
        to.write_all(&data)?;
        sent += len;
    }
    Ok(sent)
}

/// Reads all of it, as much at a time as `sizes` say in turn; gives how much that was.
async fn read_all(reader: &mut StreamReader, sizes: &[usize]) -> io::Result<usize> {
    let mut place = 0;
    for most in sizes.iter().cycle() {
        let data = reader.read(*most).await?;
        assert!(data.len() <= *most, "{} of {most}", data.len());
        assert!(data.iter().enumerate().all(|(at, b)| *b == byte(place + at)), "at {place}");
        // Whoever keeps it keeps little more than the bytes.
        assert!(data.capacity() <= 16 * 1024 || data.capacity() <= 2 * data.len());
        place += data.len();
        if data.is_empty() {
            break;
        }
        if place % 7 == 0 {
            // What the buffer takes for a line comes before what is read directly.
            let exact = reader.read_exact(1_000).await;
            let exact = exact.unwrap_or_else(|error| {
                corio_net::IncompleteRead::of(&error).expect("the end").partial().to_vec()
            });
            assert!(exact.iter().enumerate().all(|(at, b)| *b == byte(place + at)));
            place += exact.len();
        }
    }
    assert!(reader.at_eof());
    Ok(place)
}

const SIZES: [&[usize]; 5] =
    [&[usize::MAX], &[65_536], &[10_000], &[1, 65_536, 100, 20_000], &[8_192, 8_193, 1 << 20]];

#[test]
fn reads_from_tcp_give_what_was_sent() {
    for sizes in SIZES {
        on_both(|| async move {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let (mut reader, _writer) = open_connection(listener.local_addr()?).await?;
            let peer = listener.accept()?.0;
            let sender = thread::spawn(move || send(peer));
            let read = read_all(&mut reader, sizes).await?;
            assert_eq!(read, sender.join().unwrap()?);
            Ok(())
        });
    }
}

#[test]
fn reads_from_a_unix_socket_give_what_was_sent() {
    let path = std::env::temp_dir().join(format!("corio-streams-reads-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    for sizes in SIZES {
        on_both(|| async {
            let (mut reader, _writer) = open_unix_connection(&path).await?;
            let peer = listener.accept()?.0;
            let sender = thread::spawn(move || send(peer));
            let read = read_all(&mut reader, sizes).await?;
            assert_eq!(read, sender.join().unwrap()?);
            Ok(())
        });
    }
    std::fs::remove_file(path).unwrap();
}

/// A stream whose last reads were long ones, so that the next is direct; and its peer.
async fn warm() -> io::Result<(StreamReader, StreamWriter, std::net::TcpStream)> {
    const LONG: usize = 200_000;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (mut reader, writer) = open_connection(listener.local_addr()?).await?;
    let mut peer = listener.accept()?.0;
    let sender = thread::spawn(move || peer.write_all(&[b'x'; LONG]).map(|()| peer));
    let mut read = 0;
    while read < LONG {
        read += reader.read(usize::MAX).await?.len();
    }
    Ok((reader, writer, sender.join().unwrap()?))
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_direct_read_that_is_dropped_takes_nothing() {
    on_both(|| async {
        let (mut reader, _writer, mut peer) = warm().await?;
        for _ in 0..3 {
            assert!(poll_once(reader.read(usize::MAX)).is_pending());
        }
        peer.write_all(b"short")?;
        let mut got = Vec::new();
        while got.len() < 5 {
            got.extend(reader.read(usize::MAX).await?);
        }
        assert_eq!(got, b"short");
        Ok(())
    });
}

#[test]
fn a_direct_read_meets_the_end_and_a_close() {
    on_both(|| async {
        let (mut reader, writer, peer) = warm().await?;
        drop(peer);
        for _ in 0..3 {
            let end = reader.read(usize::MAX).await?;
            assert_eq!((end.len(), end.capacity()), (0, 0));
        }
        assert!(reader.at_eof());
        drop(writer);

        let (mut reader, writer, _peer) = warm().await?;
        assert!(poll_once(reader.read(usize::MAX)).is_pending());
        writer.close();
        assert_eq!(reader.read(usize::MAX).await?, b"");
        Ok(())
    });
}
