//! Connections that are closed while their peers still send: the last answer arrives, and nothing is kept for ever.

mod common;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use common::{LONG, on_both};
use corio_net::{StreamReader, StreamWriter, open_connection, start_server, start_unix_server};
use corio_runtime::runtime::Builder;
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{spawn, spawn_blocking};
use corio_sync::prim::{Mutex, thread};
use corio_sync::{Event, oneshot};

/// More than the system's buffers hold.
const MUCH: usize = 12_000_000;

/// Less than they hold, and more than is sent at once.
const ANSWER: usize = 100_000;

/// Sends much without a look at what comes, and reads it all only then.
fn stubborn(mut peer: impl Read + Write) -> io::Result<usize> {
    peer.write_all(&vec![1; MUCH])?;
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer)?;
    assert!(answer.iter().all(|byte| *byte == 2));
    Ok(answer.len())
}

/// Answers what has only begun to come, and returns.
async fn hasty(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    reader.read_exact(10).await?;
    writer.write(&[2; ANSWER])
}

/// A handler that returns has its answer delivered whatever the peer still sends.
#[test]
fn n04_the_answer_of_a_handler_that_returns_early_arrives() {
    on_both(|| async {
        let server = start_server("127.0.0.1:0", hasty).await?;
        let addr = server.local_addrs()[0];
        let clients: Vec<_> =
            (0..4).map(|_| spawn_blocking(move || stubborn(TcpStream::connect(addr)?))).collect();
        for client in clients {
            assert_eq!(client.await.unwrap()?, ANSWER);
        }
        server.close();
        server.wait_closed().await;

        let path = std::env::temp_dir().join(format!("corio-linger-{}", std::process::id()));
        let server = start_unix_server(&path, hasty).await?;
        let place = path.clone();
        let client = spawn_blocking(move || stubborn(UnixStream::connect(place)?));
        assert_eq!(client.await.unwrap()?, ANSWER);
        drop(server);
        Ok(())
    });
}

/// So has one that closes its writer, waits for it, and keeps reader and writer for longer.
#[test]
fn n04_the_answer_before_a_close_arrives() {
    on_both(|| async {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeps = kept.clone();
        let server = start_server("127.0.0.1:0", move |mut reader, writer| {
            let keeps = keeps.clone();
            async move {
                reader.read_exact(10).await?;
                writer.write(&[2; ANSWER])?;
                writer.close();
                writer.wait_closed().await?;
                // It gives what it has, and then the end, whatever still comes.
                assert!(reader.read_to_end().await?.len() < 1 << 20);
                keeps.lock().push((reader, writer));
                io::Result::Ok(())
            }
        })
        .await?;
        let addr = server.local_addrs()[0];
        let client = spawn_blocking(move || stubborn(TcpStream::connect(addr)?));
        assert_eq!(client.await.unwrap()?, ANSWER);
        while kept.lock().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        drop(server);
        Ok(())
    });
}

/// The connections that a server closes end no less gracefully.
#[test]
fn n04_the_answer_before_a_servers_end_arrives() {
    on_both(|| async {
        let answered = Arc::new(Event::new());
        let tells = answered.clone();
        let server = start_server("127.0.0.1:0", move |mut reader, writer| {
            let tells = tells.clone();
            async move {
                reader.read_exact(10).await?;
                writer.write(&[2; ANSWER])?;
                tells.set();
                reader.read_until(b"never").await.unwrap_err();
                io::Result::Ok(())
            }
        })
        .await?;
        let addr = server.local_addrs()[0];
        // It says too little to be let go, and goes on when its server is gone.
        let (go, going) = oneshot::channel::<()>();
        let client = spawn_blocking(move || {
            let mut peer = TcpStream::connect(addr)?;
            peer.write_all(&[1; 10])?;
            going.blocking_recv().unwrap();
            stubborn(peer)
        });
        answered.wait().await;
        server.close();
        server.close_clients();
        server.wait_closed().await;
        go.send(()).unwrap();
        assert_eq!(client.await.unwrap()?, ANSWER);
        Ok(())
    });
}

/// A reader that waits is told of a close, although its socket can still be read.
#[test]
fn a_close_ends_a_read_that_waits() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        for _ in 0..50 {
            let (mut reader, writer) = open_connection(listener.local_addr()?).await?;
            let (_peer, _) = listener.accept()?;
            let reading = spawn(async move { reader.read(1).await });
            corio_runtime::yield_now().await;
            let closing = spawn(async move {
                writer.close();
                writer.wait_closed().await
            });
            assert_eq!(timeout(LONG, reading).await.unwrap().unwrap()?, b"");
            timeout(LONG, closing).await.unwrap().unwrap()?;
        }
        Ok(())
    });
}

/// Without a word from the peer the socket is closed in the end.
#[test]
fn a_silent_peer_is_waited_for_two_seconds() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    let result: io::Result<()> = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (reader, writer) = open_connection(listener.local_addr()?).await?;
        let (mut peer, _) = listener.accept()?;
        let begin = Instant::now();
        drop((reader, writer));
        assert_eq!(peer.read(&mut [0; 1])?, 0);
        peer.write_all(b"still there")?;
        sleep(Duration::from_millis(1900)).await;
        // Each time something comes, the two seconds begin anew.
        peer.write_all(b"and now")?;
        sleep(Duration::from_secs(5)).await;
        assert!(begin.elapsed() < Duration::from_secs(8));
        // The first write is answered by a reset, the second meets it.
        let refused = (0..1000).find_map(|_| {
            thread::sleep(Duration::from_millis(1));
            peer.write_all(b"x").err()
        });
        assert!(refused.is_some(), "the socket is kept");
        Ok(())
    });
    result.unwrap();
}

/// A peer that never stops is cut off after 16 MiB.
#[test]
fn a_peer_that_sends_for_ever_is_cut_off() {
    on_both(|| async {
        let server = start_server("127.0.0.1:0", hasty).await?;
        let addr = server.local_addrs()[0];
        let sent = spawn_blocking(move || {
            let (mut peer, mut sent) = (TcpStream::connect(addr)?, 0);
            let part = vec![1; 1 << 20];
            // Far more than that, and than the system's buffers hold besides.
            while sent < 200 << 20 {
                match peer.write(&part) {
                    Ok(count) => sent += count,
                    Err(_) => return io::Result::Ok(sent),
                }
            }
            Ok(sent)
        });
        let sent = sent.await.unwrap()?;
        assert!((16 << 20..200 << 20).contains(&sent), "{sent}");
        Ok(())
    });
}

/// The end of the runtime leaves a peer that sends a moment to read; one that is silent holds nothing up.
#[test]
fn the_end_of_the_runtime_delivers_the_answer() {
    for several in [false, true] {
        let builder = if several {
            Builder::new_multi_thread().worker_threads(2)
        } else {
            Builder::new_current_thread()
        };
        let runtime = builder.build().unwrap();
        let (peer, silent) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = listener.local_addr().unwrap();
            let silent = open_connection(addr).await.unwrap();
            let silent = (silent, listener.accept().unwrap());
            let (mut reader, writer) = open_connection(addr).await.unwrap();
            let (peer, _) = listener.accept().unwrap();
            let peer = thread::spawn(move || stubborn(peer));
            reader.read_exact(100_000).await.unwrap();
            writer.write(&[2; ANSWER]).unwrap();
            writer.close();
            writer.wait_closed().await.unwrap();
            (peer, silent.1.0)
        });
        drop(runtime);
        assert_eq!(peer.join().unwrap().unwrap(), ANSWER);
        drop(silent);
    }
}

/// An abort while the peer is waited for is a reset all the same.
#[test]
fn an_abort_after_a_close_resets() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (reader, writer) = open_connection(listener.local_addr()?).await?;
        let (mut peer, _) = listener.accept()?;
        writer.close();
        writer.wait_closed().await?;
        writer.abort();
        drop((reader, writer));
        let refused = async {
            while peer.write_all(b"x").is_ok() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        assert!(timeout(Duration::from_secs(60), refused).await.is_ok());
        Ok(())
    });
}

/// How long the end of the runtime takes if the peer of a connection that is closed has sent something unread
/// `silence` before; and how long it is then since the close.
fn end_after(silence: Duration, several: bool) -> (Duration, Duration) {
    let builder = if several {
        Builder::new_multi_thread().worker_threads(2)
    } else {
        Builder::new_current_thread()
    };
    let runtime = builder.build().unwrap();
    let (peer, close) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (reader, writer) = open_connection(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"unread").unwrap();
        writer.write(b"answer").unwrap();
        let close = Instant::now();
        drop((reader, writer));
        peer.write_all(b"and more").unwrap();
        // The runtime runs, so that it sees the silence.
        sleep(silence).await;
        (peer, close)
    });
    let begin = Instant::now();
    drop(runtime);
    let took = begin.elapsed();
    drop(peer);
    (took, close.elapsed())
}

/// The end of the runtime counts a peer's silence from the last thing that it sent, not from the end itself.
#[test]
fn the_end_of_the_runtime_waits_for_no_peer_that_has_been_silent() {
    for several in [false, true] {
        let (took, _) = end_after(Duration::from_millis(1200), several);
        assert!(took < Duration::from_millis(700), "{took:?} for a peer that was silent before");
        // One that has just sent something has what is left of its second, and no more.
        let (took, since_close) = end_after(Duration::ZERO, several);
        assert!(since_close > Duration::from_millis(900), "{since_close:?} after the close");
        assert!(took < Duration::from_secs(10), "{took:?} for a peer that has just sent something");
    }
}
