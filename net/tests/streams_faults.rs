//! What becomes of a stream's bytes, and of those who wait, when something goes wrong with it.

mod common;

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use common::{LONG, on_both};
use corio_io::raw_os_error;
use corio_net::{
    IncompleteRead, LimitOverrun, Server, StreamReader, StreamWriter, open_connection,
    start_server, start_unix_server,
};
use corio_runtime::runtime::Builder;
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::prim::{AtomicUsize, Ordering, thread};

/// Far more than the system's buffers hold.
const MUCH: usize = 16_000_000;

/// A stream, and its peer, which does only what the test says.
async fn with_peer() -> io::Result<(StreamReader, StreamWriter, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (reader, writer) = open_connection(listener.local_addr()?).await?;
    Ok((reader, writer, listener.accept()?.0))
}

/// Lets the other tasks come as far as they can.
async fn settle() {
    for _ in 0..20 {
        sleep(Duration::from_millis(2)).await;
        yield_now().await;
    }
}

fn file_of(byte: u8, len: usize) -> io::Result<File> {
    let name = format!("corio-streams-faults-{}-{len}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, vec![byte; len])?;
    let file = File::open(&path);
    std::fs::remove_file(path)?;
    file
}

fn reset(peer: TcpStream) {
    socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
}

/// What another task writes while a file is sent comes behind the file, and so does a second file.
#[test]
fn a_write_waits_behind_the_file() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let result: io::Result<()> = runtime.block_on(async {
        let (_reader, writer, mut peer) = with_peer().await?;
        let (writer, file) = (Arc::new(writer), Arc::new(file_of(b'f', MUCH)?));
        let sending = |file: Arc<File>| {
            let writer = writer.clone();
            spawn(async move { writer.send_file(&file, 0, MUCH as u64).await })
        };
        let first = sending(file.clone());
        settle().await;
        assert!(!first.is_finished(), "the system took all of it");
        writer.write(b"between")?;
        assert_eq!(writer.buffered(), 7);
        let second = sending(file);
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            peer.read_to_end(&mut all).map(|_| all)
        });
        for task in [first, second] {
            assert_eq!(timeout(LONG, task).await.unwrap().unwrap()?, MUCH as u64);
        }
        writer.write(b"end")?;
        writer.close();
        timeout(LONG, writer.wait_closed()).await.unwrap()?;
        let all = reading.join().unwrap()?;
        let all = (&all[..MUCH], &all[MUCH..MUCH + 7], &all[MUCH + 7..]);
        assert!(all.0.iter().all(|byte| *byte == b'f') && all.1 == b"between");
        assert!(all.2[..MUCH].iter().all(|byte| *byte == b'f') && &all.2[MUCH..] == b"end");

        // A file under way does not outlast the connection.
        for abort in [false, true] {
            let (_reader, writer, _peer) = with_peer().await?;
            let (writer, file) = (Arc::new(writer), file_of(b'f', MUCH)?);
            let own = writer.clone();
            let task = spawn(async move { own.send_file(&file, 0, MUCH as u64).await });
            settle().await;
            if abort {
                writer.abort()
            } else {
                writer.close()
            }
            timeout(LONG, task).await.unwrap().unwrap().unwrap_err();
            assert_eq!(timeout(LONG, writer.wait_closed()).await.unwrap().is_err(), abort);
        }
        Ok(())
    });
    result.unwrap();
}

/// `close` ends a drain that waits, and the next one, with an error; what is buffered is sent all the same.
#[test]
fn close_wakes_a_drain() {
    on_both(|| async {
        let (_reader, writer, mut peer) = with_peer().await?;
        let writer = Arc::new(writer);
        writer.write(&vec![0; MUCH])?;
        let own = writer.clone();
        let waiting = spawn(async move { own.drain().await });
        settle().await;
        assert!(!waiting.is_finished());
        writer.close();
        for result in [timeout(LONG, waiting).await.unwrap().unwrap(), writer.drain().await] {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
        let reading = thread::spawn(move || peer.read_to_end(&mut Vec::new()));
        timeout(LONG, writer.wait_closed()).await.unwrap()?;
        assert_eq!(reading.join().unwrap()?, MUCH);
        Ok(())
    });
}

/// Handlers that write to a peer that never reads end when the server parts with its clients.
#[test]
fn close_clients_ends_a_handler_that_drains() {
    on_both(|| async {
        let (waits, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (waiting, ended) = (waits.clone(), ends.clone());
        let server = start_server("127.0.0.1:0", move |_reader, writer| {
            let (waits, ends) = (waits.clone(), ends.clone());
            async move {
                writer.write(&vec![0; MUCH])?;
                // Ordering: SeqCst, a test; pairs with the loads of the test's body.
                waits.fetch_add(1, Ordering::SeqCst);
                let result = writer.drain().await;
                ends.fetch_add(1, Ordering::SeqCst);
                result
            }
        });
        let server = server.await?;
        let client = TcpStream::connect(server.local_addrs()[0])?;
        while waiting.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        settle().await;
        assert_eq!(ended.load(Ordering::SeqCst), 0, "the drain does not wait");
        server.close();
        server.close_clients();
        // The peer has taken nothing yet.
        while ended.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        drop(client);
        server.wait_closed().await;
        Ok(())
    });
}

/// A closed connection waits for a peer that takes nothing no longer than one whose writer is dropped.
#[test]
fn a_closed_connection_gives_up_a_peer_that_takes_nothing() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    let result: io::Result<()> = runtime.block_on(async {
        let (_reader, writer, _peer) = with_peer().await?;
        writer.write(&vec![0; MUCH])?;
        writer.close();
        let closed = timeout(LONG, writer.wait_closed()).await.unwrap();
        assert_eq!(closed.unwrap_err().kind(), io::ErrorKind::TimedOut);
        Ok(())
    });
    result.unwrap();
}

/// `wait_closed` tells of an abort that lost bytes, and of no other.
#[test]
fn wait_closed_tells_of_bytes_that_an_abort_lost() {
    on_both(|| async {
        let (_reader, writer, _peer) = with_peer().await?;
        writer.write(&vec![0; MUCH])?;
        assert!(writer.buffered() > 0);
        writer.abort();
        for result in [writer.wait_closed().await, writer.flush().await] {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        }
        let (_reader, writer, _peer) = with_peer().await?;
        writer.write(b"taken")?;
        writer.abort();
        writer.wait_closed().await
    });
}

/// A reset that the writer meets first is an error to the reader, too, behind what came before.
#[test]
fn a_reset_that_the_writer_met_is_no_end_to_the_reader() {
    on_both(|| async {
        for way in 0..3 {
            let (mut reader, writer, mut peer) = with_peer().await?;
            peer.write_all(b"half of")?;
            settle().await;
            reset(peer);
            settle().await;
            let error = match way {
                0 => writer.write_all(&vec![0; MUCH]).await.unwrap_err(),
                1 => writer.send_file(&file_of(b'f', 9)?, 0, 9).await.unwrap_err(),
                _ => writer.write(b"x").unwrap_err(),
            };
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            // It says who has reset it, and keeps the system's number.
            let named = error.to_string();
            assert!(named.starts_with(&format!("the connection with {}: ", writer.peer_addr()?)));
            assert_eq!(raw_os_error(&error), Some(libc::ECONNRESET), "{error:?}");
            match way {
                0 => {
                    let error = reader.read_to_end().await.unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
                    assert_eq!(error.to_string(), named);
                    assert_eq!(raw_os_error(&error), Some(libc::ECONNRESET), "{error:?}");
                }
                1 => {
                    let error = reader.read_exact(8).await.unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
                }
                _ => {
                    let error = reader.lines().next().await.unwrap().unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
                }
            }
        }
        Ok(())
    });
}

/// A reset that a file on its way meets is none either: not even to a reader that is faster to look.
#[test]
fn a_reset_that_a_file_met_is_no_end_to_the_reader() {
    let runtime = Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let result: io::Result<()> = runtime.block_on(async {
        let file = Arc::new(file_of(b'f', MUCH)?);
        for _ in 0..200 {
            let (mut reader, writer, peer) = with_peer().await?;
            let (writer, file) = (Arc::new(writer), file.clone());
            let own = writer.clone();
            let sending = spawn(async move { own.send_file(&file, 0, MUCH as u64).await });
            let reading = spawn(async move { reader.read_to_end().await });
            yield_now().await;
            reset(peer);
            timeout(LONG, sending).await.unwrap().unwrap().unwrap_err();
            let error = timeout(LONG, reading).await.unwrap().unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        Ok(())
    });
    result.unwrap();
}

/// An end is an end, whatever is then written to the peer that has gone.
#[test]
fn an_end_that_came_before_a_broken_pipe_is_an_end() {
    on_both(|| async {
        let (mut reader, writer, mut peer) = with_peer().await?;
        peer.write_all(b"the whole answer")?;
        drop(peer);
        let error = timeout(LONG, async {
            loop {
                if let Err(error) = writer.write(b"more") {
                    return error;
                }
                sleep(Duration::from_millis(1)).await;
            }
        });
        assert_eq!(error.await.unwrap().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(reader.read_to_end().await?, b"the whole answer");
        Ok(())
    });
}

/// After an abort our reader gives what it has, and then an error, whether it waits or comes later. A clean end
/// would say that the peer had nothing more to say.
#[test]
fn an_abort_is_an_error_to_our_reader() {
    on_both(|| async {
        let (mut reader, writer, mut peer) = with_peer().await?;
        let name = writer.peer_addr()?.to_string();
        peer.write_all(b"a line\nhalf of")?;
        assert_eq!(reader.read_line().await?, b"a line\n");
        let waiting = spawn(async move {
            let error = reader.read_line().await.unwrap_err();
            (reader, error)
        });
        settle().await;
        writer.abort();
        let (mut reader, error) = timeout(LONG, waiting).await.unwrap().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        assert!(error.to_string().contains(&name), "{error}");
        assert_eq!(reader.buffer(), b"half of");
        assert_eq!(reader.read(100).await?, b"half of");
        assert!(!reader.at_eof());
        for _ in 0..2 {
            let error = reader.read(1).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
            assert_eq!(error.to_string().matches(&name).count(), 1, "{error}");
        }

        // An end that was met before stays one; so does that of a close.
        let (mut reader, writer, peer) = with_peer().await?;
        drop(peer);
        assert_eq!(reader.read(1).await?, b"");
        writer.abort();
        assert_eq!(reader.read(1).await?, b"");
        let (mut reader, writer, _peer) = with_peer().await?;
        writer.close();
        writer.wait_closed().await?;
        writer.abort();
        assert_eq!(reader.read(1).await?, b"");
        Ok(())
    });
}

/// So do the readers of handlers, when their server aborts all.
#[test]
fn abort_clients_is_an_error_to_the_handlers_readers() {
    on_both(|| async {
        let (sender, mut errors) = corio_sync::mpsc::channel(1);
        let options = Server::builder()
            .on_error(move |_, error| sender.try_send((error.kind(), error.to_string())).unwrap());
        let server = options
            .start("127.0.0.1:0", |mut reader, writer| async move {
                writer.write(b"x")?;
                reader.read_line().await.map(drop)
            })
            .await?;
        let (mut reader, writer) = open_connection(server.local_addrs()[0]).await?;
        reader.read_exact(1).await?;
        server.close();
        server.abort_clients();
        server.wait_closed().await;
        let (kind, text) = errors.recv().await.unwrap();
        assert_eq!(kind, io::ErrorKind::ConnectionAborted);
        assert!(text.contains(&writer.local_addr()?.to_string()), "{text}");
        Ok(())
    });
}

/// The errors of a stream that we have ended ourselves say whose it was, once.
#[test]
fn our_own_ends_name_the_peer() {
    on_both(|| async {
        let check = |result: io::Result<()>, kind: io::ErrorKind, peer: &str, what: &str| {
            let error = result.unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind(), kind, "{text}");
            assert!(text.contains(what), "{text}");
            assert_eq!(text.matches(peer).count(), 1, "{text}");
        };
        use io::ErrorKind::{BrokenPipe, ConnectionAborted};
        let (_reader, writer, _peer) = with_peer().await?;
        let peer = writer.peer_addr()?.to_string();
        writer.write_eof()?;
        check(writer.write(b"x"), BrokenPipe, &peer, "after `write_eof`");
        writer.close();
        writer.wait_closed().await?;
        check(writer.write(b"x"), BrokenPipe, &peer, "the stream is closed");
        check(writer.drain().await, BrokenPipe, &peer, "the stream is closed");

        let (_reader, writer, _peer) = with_peer().await?;
        let peer = writer.peer_addr()?.to_string();
        writer.write(&vec![0; MUCH])?;
        writer.close();
        check(writer.write(b"x"), BrokenPipe, &peer, "after `close`");
        writer.abort();
        check(writer.write(b"x"), ConnectionAborted, &peer, "aborted by us");
        check(writer.flush().await, ConnectionAborted, &peer, "aborted by us");
        check(writer.wait_closed().await, ConnectionAborted, &peer, "aborted by us");
        Ok(())
    });
}

/// Who asks for the errors of handlers is told of their panics, too.
#[test]
fn a_panic_of_a_handler_is_told_to_on_error() {
    on_both(|| async {
        let (sender, mut errors) = corio_sync::mpsc::channel(4);
        let options = Server::builder().on_error(move |name, error| {
            sender.try_send((name.to_owned(), error.kind(), error.to_string())).unwrap();
        });
        let count = AtomicUsize::new(0);
        let server = options
            .start("127.0.0.1:0", move |_reader, _writer| {
                // Ordering: Relaxed, it publishes nothing.
                let count = count.fetch_add(1, Ordering::Relaxed);
                assert!(count > 0, "before the future");
                async move {
                    yield_now().await;
                    match count {
                        1 => panic!("in poll {}", 2),
                        2 => std::panic::panic_any(7),
                        _ => {}
                    }
                }
            })
            .await?;
        for said in ["before the future", "in poll 2", "no text"] {
            let (mut reader, writer) = open_connection(server.local_addrs()[0]).await?;
            let (name, kind, text) = errors.recv().await.unwrap();
            assert!(name.contains(&writer.local_addr()?.to_string()), "{name}");
            assert_eq!(kind, io::ErrorKind::Other);
            assert!(text.starts_with("the handler panicked") && text.contains(said), "{text}");
            assert_eq!(reader.read(1).await?, b"", "the connection ends all the same");
        }
        Ok(())
    });
}

/// What keeps a server from its address is said once, and what is to be done about it.
#[test]
fn an_address_that_cannot_be_had_is_named_once() {
    on_both(|| async {
        let handler = |_: StreamReader, _: StreamWriter| async {};
        let taken = TcpListener::bind("127.0.0.1:0")?;
        let addr = taken.local_addr()?;
        let error = start_server(addr, handler).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot listen on {addr}: ")), "{text}");
        assert_eq!(text.matches(&addr.to_string()).count(), 1, "{text}");
        // A name stands before its address.
        let named = format!("localhost:{}", addr.port());
        let error = start_server(&named[..], handler).await.map(drop);
        if let Err(error) = error {
            assert!(
                error.to_string().starts_with(&format!("cannot listen on {named}: ")),
                "{error}"
            );
        }

        let name = format!("corio-no-socket-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "precious")?;
        let error = start_unix_server(&path, handler).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(raw_os_error(&error), Some(libc::EADDRINUSE));
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(text.contains("is no socket") && text.contains("choose another path"), "{text}");
        assert_eq!(std::fs::read(&path)?, b"precious");
        std::fs::remove_file(path)
    });
}

/// A line beyond the limit is out of the reader, and its error does not say otherwise.
#[test]
fn a_line_that_is_too_long_is_told_to_be_skipped() {
    on_both(|| async {
        let mut reader = StreamReader::new(&b"much too long\nshort\n"[..]);
        reader.set_limit(5)?;
        let text = reader.read_line().await.unwrap_err().to_string();
        assert!(text.contains("ends only after 13 bytes, and the limit is 5"), "{text}");
        assert!(text.contains("skipped") && !text.contains("in parts"), "{text}");
        assert_eq!(reader.read_line().await?, b"short\n");

        let mut reader = StreamReader::new(&b"much too long\nshort\n"[..]);
        reader.set_limit(5)?;
        let text = reader.read_until(b"\n").await.unwrap_err().to_string();
        assert!(text.contains("in parts"), "{text}");
        assert_eq!(reader.read_exact(13).await?, b"much too long");
        Ok(())
    });
}

/// A stream that is cut short, or a line that is too long, says with whom the stream was.
#[test]
fn a_stream_that_is_cut_short_names_its_peer() {
    on_both(|| async {
        let (mut reader, _writer, mut peer) = with_peer().await?;
        let name = peer.local_addr()?.to_string();
        let addr = reader.peer_addr().ok();
        assert_eq!(addr, peer.local_addr().ok());
        reader.set_limit(8)?;
        peer.write_all(b"a line that is too long\nand another that is\nthe end")?;
        drop(peer);
        let names_it = |error: &io::Error| error.to_string().contains(&name);
        for _ in 0..2 {
            let error = reader.read_until(b"\n").await.unwrap_err();
            assert!(names_it(&error), "{error}");
            assert_eq!(LimitOverrun::of(&error).unwrap().peer_addr(), addr);
            let error = reader.read_line().await.unwrap_err();
            assert!(names_it(&error), "{error}");
        }
        let error = reader.read_exact(100).await.unwrap_err();
        assert!(names_it(&error), "{error}");
        let cut = IncompleteRead::of(&error).unwrap();
        assert_eq!((cut.partial(), cut.peer_addr()), (&b"the end"[..], addr));
        let error = reader.read_until(b"\n").await.unwrap_err();
        assert!(names_it(&error) && IncompleteRead::of(&error).is_some(), "{error}");

        // What is no connection has no peer.
        let mut reader = StreamReader::new(&b"bytes"[..]);
        let error = reader.read_exact(6).await.unwrap_err();
        assert_eq!(IncompleteRead::of(&error).unwrap().peer_addr(), None);
        assert_eq!(error.to_string(), "the stream ended after 5 of 6 bytes");
        Ok(())
    });
}
