//! A TCP proxy: every connection to one address goes on to another.
//!
//! Run it: `cargo run --release --example proxy -- 127.0.0.1:7779 127.0.0.1:7777`, with the example
//! `echo-server` as the target. Ctrl-C ends it.
//!
//! You will see a line for each connection that ends, with the bytes that went each way. When one side
//! says that it sends no more, the other is told so and may go on sending: the half-close is kept.

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
use corio::io::copy_bidirectional;
use corio::net::{TcpListener, TcpStream};

const HELP: &str = "proxy LISTEN TARGET    passes connections to LISTEN on to TARGET";

/// How long the target may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Connects to `target` and copies both ways until both sides have ended.
async fn pass_on(mut client: TcpStream, target: &str) -> io::Result<(u64, u64)> {
    let mut server = TcpStream::connect_timeout(target, CONNECT).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 2, &[])?;
    let (Some(address), Some(target)) = (args.word(0), args.word(1)) else {
        return Err(format!("two addresses are needed: {HELP}").into());
    };
    let target: Arc<str> = target.into();
    let listener = TcpListener::bind(address).await?;
    // From here on Ctrl-C is ours; whoever reads the next line may press it at once.
    let mut interrupt = pin!(corio::signal::ctrl_c());
    println!("listening on {}", listener.local_addr()?);

    let total = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let connections = TaskGroup::<io::Error>::new();
    loop {
        let (client, peer) = corio::select! {
            biased;
            interrupted = &mut interrupt => break interrupted?,
            accepted = listener.accept() => accepted?,
        };
        let (target, total) = (target.clone(), total.clone());
        drop(connections.spawn(async move {
            match pass_on(client, &target).await {
                Ok((up, down)) => {
                    total[0].fetch_add(up, Relaxed);
                    total[1].fetch_add(down, Relaxed);
                    println!("{peer}: {up} bytes up, {down} bytes down");
                }
                Err(error) => println!("{peer}: {error}"),
            }
        }));
    }
    println!("closing, with {} connections", connections.len());
    connections.cancel();
    connections.join().await?;
    let [up, down] = [0, 1].map(|way: usize| total[way].load(Relaxed));
    println!("in all {up} bytes up, {down} bytes down");
    Ok(())
}
