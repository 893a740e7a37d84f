//! A chat over TCP: what one client writes, all others read.
//!
//! Run it: `cargo run --example chat-server -- 127.0.0.1:7778`, then `nc 127.0.0.1 7778` in several
//! terminals. The first line a client writes is its name. Ctrl-C ends the server.
//!
//! You will see who comes and goes. A client that does not read what it is sent is dropped once its
//! queue is full, so it never stalls the others. However a client ends, its `finally` says goodbye.

#[path = "support/args.rs"]
#[allow(dead_code, reason = "shared by all examples, and this one has no options")]
mod args;

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use corio::TaskGroup;
use corio::io::{AsyncBufReadExt, BufReader};
use corio::net::{TcpListener, TcpStream};
use corio::sync::{Mutex, mpsc};
use corio::task::Canceller;

const HELP: &str = "chat-server [ADDRESS]    passes lines between its clients (127.0.0.1:7778)";

/// How many lines may wait for a client before it counts as too slow.
const QUEUE: usize = 64;
/// The longest line, in bytes.
const LINE: usize = 4096;

/// One client, as the others see it.
struct Member {
    lines: mpsc::Sender<Arc<str>>,
    task: Canceller,
}

/// Everybody, by name.
#[derive(Default)]
struct Room(Mutex<HashMap<String, Member>>);

impl Room {
    /// Adds a client; false if the name is taken.
    async fn enter(&self, name: &str, member: Member) -> bool {
        let mut members = self.0.lock().await;
        let free = !members.contains_key(name);
        if free {
            members.insert(name.to_owned(), member);
        }
        free
    }

    /// Sends a line to all but `from`, and drops those who are too slow for it.
    async fn send(&self, from: &str, line: String) {
        println!("{line}");
        let line: Arc<str> = format!("{line}\n").into();
        for (name, member) in self.0.lock().await.iter() {
            if name != from && member.lines.try_send(line.clone()).is_err() {
                member.task.cancel();
            }
        }
    }
}

/// Talks to one client until it ends its side.
async fn client(stream: TcpStream, room: Arc<Room>) -> io::Result<()> {
    stream.write_all(b"your name?\n").await?;
    let mut lines = BufReader::new(&stream).lines().max_length(LINE);
    let Some(name) = lines.next_line().await? else { return Ok(()) };
    let (sender, mut queue) = mpsc::channel(QUEUE);
    let member = Member { lines: sender, task: corio::task::current().canceller() };
    if name.is_empty() || !room.enter(&name, member).await {
        return stream.write_all(b"this name is taken\n").await;
    }
    room.send(&name, format!("* {name} is here")).await;

    let (left, gone) = (room.clone(), name.clone());
    let read = async {
        while let Some(line) = lines.next_line().await? {
            room.send(&name, format!("{name}: {line}")).await;
        }
        Ok(())
    };
    let write = async {
        while let Some(line) = queue.recv().await {
            stream.write_all(line.as_bytes()).await?;
        }
        Ok(())
    };
    let talk = async {
        corio::select! { ended = read => ended, ended = write => ended }
    };
    corio::finally(talk, move || async move {
        left.0.lock().await.remove(&gone);
        left.send(&gone, format!("* {gone} has left")).await;
    })
    .await
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &[])?;
    let listener = TcpListener::bind(args.word(0).unwrap_or("127.0.0.1:7778")).await?;
    // From here on Ctrl-C is ours; whoever reads the next line may press it at once.
    let mut interrupt = pin!(corio::signal::ctrl_c());
    println!("listening on {}", listener.local_addr()?);

    let room = Arc::new(Room::default());
    let clients = TaskGroup::<io::Error>::new();
    loop {
        let (stream, peer) = corio::select! {
            biased;
            interrupted = &mut interrupt => break interrupted?,
            accepted = listener.accept() => accepted?,
        };
        let room = room.clone();
        drop(clients.spawn(async move {
            if let Err(error) = client(stream, room).await {
                println!("* {peer}: {error}");
            }
        }));
    }
    println!("closing, with {} clients", clients.len());
    clients.cancel();
    clients.join().await?;
    Ok(())
}
