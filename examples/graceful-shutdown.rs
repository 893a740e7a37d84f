//! A server that ends well: work under way may end, what does not end in time is cleaned up.
//!
//! Run it: `cargo run --example graceful-shutdown -- 127.0.0.1:7780 --grace 5`, then `nc 127.0.0.1 7780` in
//! other terminals. Each line that you write there is a job that takes so many seconds: `0.5`, or `60`.
//!
//! You will see what Ctrl-C (or SIGTERM) does, step by step:
//!
//! 1. The server stops accepting, and a token *tells* the clients' tasks. Those that wait for a job end at
//!    once, those that have one end after it.
//! 2. What has not ended within the grace is *cancelled*.
//! 3. However a client's task ends, its cleanup says goodbye to the client, and the server waits for that.
//!
//! The exit status is 0 if every job was done, and 1 if one was cut off. A second Ctrl-C ends the program at
//! once, with status 130, whatever step it is in.

#[path = "support/args.rs"]
mod args;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use corio::io::{AsyncBufReadExt, BufReader};
use corio::net::{TcpListener, TcpStream};
use corio::signal::{SignalKind, signal};
use corio::{CancelToken, TaskGroup, catch_cancel, finally};

const HELP: &str = "\
graceful-shutdown [ADDRESS] [OPTIONS]    does jobs, of as many seconds as a line says (127.0.0.1:7780)

--grace SECONDS    how long jobs may go on after Ctrl-C (5)";

/// How long a goodbye may take: a client that takes nothing must not hold up the end.
const GOODBYE: Duration = Duration::from_secs(1);
/// The longest line, in bytes.
const LINE: usize = 100;

/// What the clients share.
#[derive(Default)]
struct Shared {
    stop: CancelToken,
    started: AtomicUsize,
    done: AtomicUsize,
}

/// Does the client's jobs, until it ends its side or the server stops.
async fn work(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines().max_length(LINE);
    loop {
        // The token is looked at between two jobs, so it disturbs none.
        let line = corio::select! {
            biased;
            () = shared.stop.cancelled() => return Ok(()),
            line = lines.next_line() => line?,
        };
        let Some(line) = line else { return Ok(()) };
        let time = match line.trim().parse().map(Duration::try_from_secs_f64) {
            Ok(Ok(time)) => time,
            _ => {
                stream.write_all(b"write how many seconds it shall take\n").await?;
                continue;
            }
        };
        shared.started.fetch_add(1, Relaxed);
        stream.write_all(format!("working for {time:?}\n").as_bytes()).await?;
        corio::sleep(time).await;
        shared.done.fetch_add(1, Relaxed);
        stream.write_all(format!("done after {time:?}\n").as_bytes()).await?;
    }
}

/// Serves one client. The cleanup runs when the client leaves, when the server stops, and when this is
/// cancelled in the middle of a job.
async fn serve(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let stream = Arc::new(stream);
    let leaving = stream.clone();
    finally(work(&stream, &shared), move || async move {
        let goodbye = async {
            leaving.write_all(b"goodbye\n").await?;
            leaving.close().await
        };
        // A client that is gone already hears no goodbye, and that is no error.
        drop(corio::timeout(GOODBYE, goodbye).await);
    })
    .await
}

/// Accepts until SIGTERM comes.
async fn accept(
    listener: TcpListener,
    clients: &TaskGroup<io::Error>,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        let (stream, peer) = corio::select! {
            biased;
            _ = terminate.recv() => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        let shared = shared.clone();
        drop(clients.spawn(async move {
            if let Err(error) = serve(stream, shared).await {
                println!("{peer}: {error}");
            }
        }));
    }
}

#[corio::main(cancel_on_ctrl_c = true)]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &["--grace"])?;
    let grace = Duration::try_from_secs_f64(args.option("--grace", 5.0)?)?;
    let listener = TcpListener::bind(args.word(0).unwrap_or("127.0.0.1:7780")).await?;
    println!("listening on {}", listener.local_addr()?);

    let shared = Arc::new(Shared::default());
    let clients = TaskGroup::<io::Error>::new();
    // Ctrl-C cancels main. `catch_cancel` takes that: the accepting is dropped, with its listener, and main
    // goes on. (The second Ctrl-C asks nobody.)
    if let Ok(ended) = catch_cancel(accept(listener, &clients, &shared)).await {
        ended?;
    }

    let jobs = || shared.started.load(Relaxed) - shared.done.load(Relaxed);
    println!("stopping: {} clients, {} jobs under way", clients.len(), jobs());
    shared.stop.cancel();
    // A timeout that drops the group cancels it, and returns when the last cleanup has run.
    match corio::timeout(grace, clients.join()).await {
        Ok(joined) => joined?,
        Err(_) => println!("cut off after {grace:?}"),
    }
    println!("{} jobs done, {} cut off", shared.done.load(Relaxed), jobs());
    Ok(if jobs() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
