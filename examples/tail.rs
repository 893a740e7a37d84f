//! Follows a file: prints its last lines, and what is appended to it, as `tail -F` does.
//!
//! Run it: `cargo run --example tail -- FILE`, then `echo more >> FILE` elsewhere. Without a file it prints
//! the last lines of its input, once that ends: `cargo run --example tail -- --lines 3 < FILE`.
//!
//! You will see new lines within a fifth of a second. A file that is cut is read from its start, one that
//! is renamed away (a log that is rotated) is read to its end and the new one opened. Ctrl-C ends it.

#[path = "support/args.rs"]
mod args;

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, ErrorKind, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::pin::pin;
use std::time::Duration;

use corio::fs::{self, File};
use corio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, stderr, stdin, stdout};

const HELP: &str = "tail [FILE] [--lines 10]    prints the last lines of FILE and follows it; without \
                    FILE, the last lines of the input";

/// How often the file is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// Reads to the end and returns the last `count` lines, each with its end.
async fn last_lines(mut input: impl AsyncBufRead + Unpin, count: usize) -> io::Result<Vec<u8>> {
    let mut lines = VecDeque::new();
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line).await? == 0 {
            return Ok(lines.into_iter().flatten().collect());
        }
        lines.push_back(line);
        if lines.len() > count {
            lines.pop_front();
        }
    }
}

/// Prints everything from the file's position to its end.
async fn copy_rest(file: &mut File) -> io::Result<()> {
    let mut out = stdout();
    corio::io::copy(file, &mut out).await?;
    out.flush().await
}

/// The file that `path` names now, if it is another one than `file`.
async fn successor(path: &str, file: &File) -> io::Result<Option<File>> {
    let (now, ours) = match fs::metadata(path).await {
        Ok(now) => (now, file.metadata().await?),
        // It has been renamed away, and the next one is not there yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if (now.dev(), now.ino()) == (ours.dev(), ours.ino()) {
        return Ok(None);
    }
    File::open(path).await.map(Some)
}

async fn follow(path: &str, count: usize) -> io::Result<()> {
    let mut file = File::open(path).await?;
    let last = last_lines(BufReader::new(&mut file), count).await?;
    stdout().write_all(&last).await?;
    loop {
        copy_rest(&mut file).await?;
        corio::sleep(PAUSE).await;
        if file.metadata().await?.len() < file.seek(SeekFrom::Current(0)).await? {
            stderr().write_all(format!("tail: {path} has been cut\n").as_bytes()).await?;
            file.seek(SeekFrom::Start(0)).await?;
        }
        if let Some(next) = successor(path, &file).await? {
            copy_rest(&mut file).await?;
            stderr().write_all(format!("tail: {path} is a new file\n").as_bytes()).await?;
            file = next;
        }
    }
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &["--lines"])?;
    let count = args.option("--lines", 10)?;
    let Some(path) = args.word(0) else {
        let last = last_lines(stdin(), count).await?;
        stdout().write_all(&last).await?;
        return Ok(stdout().flush().await?);
    };
    let mut interrupt = pin!(corio::signal::ctrl_c());
    corio::select! {
        interrupted = &mut interrupt => interrupted?,
        ended = follow(path, count) => match ended {
            // Whoever read our output has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            ended => ended?,
        },
    }
    Ok(())
}
