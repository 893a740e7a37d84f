//! A lesson in structured concurrency: RFC 8305, "happy eyeballs", written out with a group and a scope.
//!
//! Run it: `cargo run --example happy-eyeballs -- localhost:7777`, with the example `echo-server` on
//! 127.0.0.1:7777. Most systems know `localhost` as `::1` too, where nobody listens. Several names are as
//! one that has all their addresses: `cargo run --example happy-eyeballs -- '[::1]:7777' 127.0.0.1:7777`.
//!
//! You will see which address is tried when, and which of them answers. (In a program of your own,
//! `TcpStream::connect_happy_eyeballs` does all of this in one call.)
//!
//! # The task
//!
//! A name may have several addresses, some of which do not work from here. Trying them one after the other
//! waits for each that is dead, often for minutes; trying all at once is rude to the servers. So they are
//! *staggered*: the next attempt begins when the one before has failed, or has not answered for a quarter
//! of a second, while that one goes on. The first connection wins, and the other attempts are given up.
//!
//! Read `connect` first: it is the whole of it, and the comments there are the lesson.

#[path = "support/args.rs"]
mod args;

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use corio::net::{TcpStream, lookup_host};
use corio::sync::mpsc;
use corio::time::Instant;
use corio::{CancelScope, TaskGroup, task_group};

const HELP: &str = "\
happy-eyeballs [OPTIONS] HOST:PORT...    connects to the first of its addresses that answers

--delay SECONDS    how long an attempt has the field to itself (0.25)
--timeout SECONDS  how long all of it may take (10)";

/// Connects to the first of `addrs` that answers.
async fn connect(
    addrs: Vec<SocketAddr>,
    delay: Duration,
    limit: Duration,
) -> Result<TcpStream, Box<dyn Error>> {
    let start = Instant::now();

    // 1. What is to be cut off as one runs in a scope. This one is cut off when the time is up, and by
    //    whoever has the handle: the attempt that wins.
    let race = CancelScope::new().deadline(start + limit);
    let finish = race.handle();

    // 2. What an attempt comes to is sent here, since none of them can return it: a group that is cut off
    //    gives nothing, and a failed attempt is no failure of the whole, only news.
    let (results, mut came) = mpsc::unbounded();

    // 3. Attempts that go on while the next begins are tasks, and tasks that belong together are a group:
    //    none of them outlives it.
    let attempts = task_group(|group: TaskGroup<Infallible>| async move {
        for addr in addrs {
            let (results, finish) = (results.clone(), finish.clone());
            let attempt = group.spawn(async move {
                println!("{:>9.1?}  trying {addr}", start.elapsed());
                let result = TcpStream::connect(addr).await;
                let has_won = result.is_ok();
                if let Err(error) = &result {
                    println!("{:>9.1?}  {error}", start.elapsed());
                }
                // Sent first: the cut is the end of this task as well.
                if results.send(result).is_ok() && has_won {
                    finish.cancel();
                }
            });

            // 4. This is the stagger. The task has ended when the attempt has failed; otherwise we move on
            //    without it. Its handle is dropped then, and the task stays in the group and goes on.
            corio::move_on_after(delay, attempt).await;
        }
        // 5. Here the last attempts may still be running. The group waits for them.
        Ok(())
    });

    // 6. After this line no attempt is running any more, whether one has won, all have failed or the time
    //    was up: the scope and the group waited for the last of them, and their sockets are closed. So is
    //    the channel, and what it holds is all there will be.
    race.run(attempts).await.transpose()?;

    let mut errors = Vec::new();
    while let Some(result) = came.recv().await {
        match result {
            // Should a second one have connected in the same moment, it is closed as `came` is dropped.
            Ok(stream) => return Ok(stream),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if race.is_cancelled() {
        errors.push(format!("nothing else answered within {limit:?}"));
    }
    Err(errors.join("; ").into())
}

/// RFC 8305, section 4: the families take turns, and IPv6 begins.
fn interleave(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (v6, v4): (Vec<_>, Vec<_>) = addrs.into_iter().partition(SocketAddr::is_ipv6);
    let mut ranked: Vec<_> = v6.into_iter().enumerate().chain(v4.into_iter().enumerate()).collect();
    // Stable: of two addresses with the same rank, that of IPv6 stays first.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, addr)| addr).collect()
}

#[corio::main(cancel_on_ctrl_c = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, usize::MAX, &["--delay", "--timeout"])?;
    let delay = Duration::try_from_secs_f64(args.option("--delay", 0.25)?)?;
    let limit = Duration::try_from_secs_f64(args.option("--timeout", 10.0)?)?;

    let mut addrs = Vec::new();
    for host in (0..).map_while(|index| args.word(index)) {
        addrs.extend(lookup_host(host).await?);
    }
    if addrs.is_empty() {
        return Err("at least one HOST:PORT is needed; try --help".into());
    }
    let start = Instant::now();
    let stream = connect(interleave(addrs), delay, limit).await?;
    println!("{:>9.1?}  connected to {}", start.elapsed(), stream.peer_addr()?);
    Ok(())
}
