//! Load for an echo server: many connections, each with one request under way.
//!
//! Run it: `cargo run --release --example echo-client -- 127.0.0.1:7777 --connections 100`, while
//! the example `echo-server` runs in another terminal.
//!
//! You will see requests per second, the distribution of the latencies, and how many connections
//! failed, with the first error.

#[path = "support/args.rs"]
mod args;

use std::error::Error;
use std::io;
use std::time::Duration;

use corio::net::TcpStream;
use corio::time::Instant;

const HELP: &str = "\
echo-client [ADDRESS] [OPTIONS]    puts load on an echo server (127.0.0.1:7777)

--connections N    how many at once (50)
--size BYTES       the size of a request (64)
--seconds S        for how long (5)";

/// How long a connection, or the last answer, may take.
const GRACE: Duration = Duration::from_secs(2);

/// What one connection did.
#[derive(Default)]
struct Outcome {
    latencies: Vec<Duration>,
    error: Option<io::Error>,
}

/// Sends `request`, and checks that it comes back.
async fn exchange(stream: &TcpStream, request: &[u8], answer: &mut [u8]) -> io::Result<()> {
    stream.write_all(request).await?;
    stream.read_exact(answer).await?;
    if answer != request {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not the request"));
    }
    Ok(())
}

/// Sends requests until `end`; the last may take `GRACE` longer.
async fn load(
    address: &str,
    size: usize,
    end: Instant,
    latencies: &mut Vec<Duration>,
) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(address, GRACE).await?;
    stream.set_nodelay(true)?;
    let request: Vec<u8> = (0..size).map(|i| i as u8).collect();
    let mut answer = vec![0; size];
    while Instant::now() < end {
        let start = Instant::now();
        corio::timeout_at(end + GRACE, exchange(&stream, &request, &mut answer)).await??;
        latencies.push(start.elapsed());
    }
    Ok(())
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &["--connections", "--size", "--seconds"])?;
    let address = args.word(0).unwrap_or("127.0.0.1:7777").to_owned();
    let connections: usize = args.option("--connections", 50)?;
    let size: usize = args.option("--size", 64)?;
    let seconds: f64 = args.option("--seconds", 5.0)?;
    let seconds = Duration::try_from_secs_f64(seconds)?;
    if connections == 0 || size == 0 {
        return Err("--connections and --size must be at least 1".into());
    }

    let start = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let address = address.clone();
            corio::spawn(async move {
                let mut outcome = Outcome::default();
                let done = load(&address, size, start + seconds, &mut outcome.latencies).await;
                outcome.error = done.err();
                outcome
            })
        })
        .collect();
    let (mut latencies, mut errors) = (Vec::new(), Vec::new());
    for task in tasks {
        let outcome = task.await?;
        latencies.extend(outcome.latencies);
        errors.extend(outcome.error);
    }

    let rate = latencies.len() as f64 / start.elapsed().as_secs_f64();
    println!("{} requests of {size} bytes, {rate:.0} requests/s", latencies.len());
    latencies.sort_unstable();
    if let Some(max) = latencies.last() {
        let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize];
        let (p50, p90, p99, p999) = (at(0.5), at(0.9), at(0.99), at(0.999));
        println!("latency p50 {p50:?}, p90 {p90:?}, p99 {p99:?}, p99.9 {p999:?}, max {max:?}");
    }
    match errors.first() {
        None => println!("0 errors"),
        Some(first) => {
            return Err(format!("{} connections failed, first: {first}", errors.len()).into());
        }
    }
    Ok(())
}
