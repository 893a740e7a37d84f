//! A tiny HTTP/1.1 server on streams: it says hello, and keeps connections open.
//!
//! Run it: `cargo run --release --example http-hello -- 127.0.0.1:8080`, then `curl
//! http://127.0.0.1:8080/Ada`, or put load on it with `wrk`. Ctrl-C ends it.
//!
//! You will see `listening on 127.0.0.1:8080`, and after Ctrl-C how many requests were answered. On Ctrl-C
//! it stops accepting, and gives the answers that are under way two seconds.

#[path = "support/args.rs"]
#[allow(dead_code, reason = "shared by all examples, and this one has no options")]
mod args;

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use corio::net::{Server, StreamReader, StreamWriter};

const HELP: &str = "http-hello [ADDRESS]    says hello over HTTP (127.0.0.1:8080)";

/// How long a request may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(2);

/// How long a client may be silent between two requests.
const IDLE: Duration = Duration::from_secs(30);

/// What one request wants.
struct Request {
    path: String,
    keep_alive: bool,
}

/// Reads a request's head; `None` when the client has no more.
async fn read_request(reader: &mut StreamReader) -> io::Result<Option<Request>> {
    let first = reader.read_line().await?;
    if first.is_empty() {
        return Ok(None);
    }
    let first = String::from_utf8_lossy(&first);
    let mut words = first.split_whitespace();
    let (Some("GET"), Some(path), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(io::Error::other("only GET is spoken here"));
    };
    let mut request = Request { path: path.to_owned(), keep_alive: version == "HTTP/1.1" };
    loop {
        let line = reader.read_line_ref().await?.trim_ascii();
        if line.is_empty() {
            return Ok(Some(request));
        }
        if line.eq_ignore_ascii_case(b"connection: close") {
            request.keep_alive = false;
        }
    }
}

async fn serve(
    mut reader: StreamReader,
    writer: StreamWriter,
    count: &AtomicU64,
) -> io::Result<()> {
    loop {
        let request = match corio::timeout(IDLE, read_request(&mut reader)).await {
            Ok(Ok(Some(request))) => request,
            // The client has no more, or has been silent for too long.
            Ok(Ok(None)) | Err(_) => return Ok(()),
            Ok(Err(_)) => {
                return writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            }
        };
        let name = request.path.trim_start_matches('/');
        let text = format!("Hello, {}!\n", if name.is_empty() { "world" } else { name });
        let length = text.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        writer.write([head, text].concat().as_bytes())?;
        writer.drain().await?;
        count.fetch_add(1, Relaxed);
        if !request.keep_alive {
            return Ok(());
        }
    }
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &[])?;
    let count = Arc::new(AtomicU64::new(0));
    let handler = {
        let count = count.clone();
        move |reader, writer| {
            let count = count.clone();
            async move { serve(reader, writer, &count).await }
        }
    };
    let address = args.word(0).unwrap_or("127.0.0.1:8080");
    // A client that goes in the middle of an answer is none of our business.
    let server = Server::builder().limit(8 * 1024).on_error(|_, _| {});
    let server = server.start(address, handler).await?;
    // From here on Ctrl-C is ours; whoever reads the next line may press it at once.
    let interrupt = corio::signal::ctrl_c();
    println!("listening on {}", server.local_addrs()[0]);

    interrupt.await?;
    server.close();
    server.close_clients();
    if corio::timeout(GRACE, server.wait_closed()).await.is_err() {
        println!("some clients did not take their answer within {GRACE:?}");
    }
    println!("{} requests answered", count.load(Relaxed));
    Ok(())
}
