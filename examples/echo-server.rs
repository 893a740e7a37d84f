//! A TCP server that sends back what it gets, and ends without cutting anybody short.
//!
//! Run it: `cargo run --release --example echo-server -- 127.0.0.1:7777`, then talk to it with
//! `nc 127.0.0.1 7777` or put load on it with the example `echo-client`. Ctrl-C ends it.
//!
//! You will see `listening on 127.0.0.1:7777`, and after Ctrl-C how much it did. On Ctrl-C it stops
//! accepting; every connection still gets its current echo, for at most five seconds.

#[path = "support/args.rs"]
#[allow(dead_code, reason = "shared by all examples, and this one has no options")]
mod args;

use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use corio::TaskGroup;
use corio::net::{TcpListener, TcpStream};
use corio::sync::Event;

const HELP: &str = "echo-server [ADDRESS]    sends back what it gets (127.0.0.1:7777)";

/// How long connections may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// What the connections share.
#[derive(Default)]
struct Shared {
    stop: Event,
    connections: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
}

/// Echoes until the client ends its side, or the server is told to stop.
async fn echo(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    // Small answers at once, rather than when there is enough for a packet.
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    let mut stop = pin!(shared.stop.wait());
    loop {
        let count = corio::select! {
            biased;
            () = &mut stop => break,
            count = stream.read(&mut buffer) => count?,
        };
        if count == 0 {
            break;
        }
        stream.write_all(&buffer[..count]).await?;
        shared.bytes.fetch_add(count as u64, Relaxed);
    }
    stream.close().await
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &[])?;
    let listener = TcpListener::bind(args.word(0).unwrap_or("127.0.0.1:7777")).await?;
    // From here on Ctrl-C is ours; whoever reads the next line may press it at once.
    let mut interrupt = pin!(corio::signal::ctrl_c());
    println!("listening on {}", listener.local_addr()?);

    let shared = Arc::new(Shared::default());
    let connections = TaskGroup::<io::Error>::new();
    loop {
        let stream = corio::select! {
            biased;
            interrupted = &mut interrupt => break interrupted?,
            accepted = listener.accept() => accepted?.0,
        };
        let shared = shared.clone();
        shared.connections.fetch_add(1, Relaxed);
        // A client that resets its connection fails for itself: its task returns no error.
        drop(connections.spawn(async move {
            if echo(&stream, &shared).await.is_err() {
                shared.failed.fetch_add(1, Relaxed);
            }
        }));
    }

    drop(listener);
    let left = connections.len();
    shared.stop.set();
    println!("stopping: {left} connections finish their echo");
    if corio::timeout(GRACE, connections.join()).await.is_err() {
        println!("some did not finish within {GRACE:?}");
    }
    let [connections, failed, bytes] =
        [&shared.connections, &shared.failed, &shared.bytes].map(|count| count.load(Relaxed));
    println!("{connections} connections, {failed} of them failed, {bytes} bytes echoed");
    Ok(())
}
