//! Serves the files of a folder over HTTP; the system moves their bytes (`sendfile`).
//!
//! Run it: `cargo run --release --example file-server -- . 127.0.0.1:8081`, then `curl
//! http://127.0.0.1:8081/Cargo.toml`. Ctrl-C ends it, when the files that are on their way have arrived.
//!
//! You will see `listening on 127.0.0.1:8081`, and a line for each file.

#[path = "support/args.rs"]
#[allow(dead_code, reason = "shared by all examples, and this one has no options")]
mod args;

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use corio::net::{Server, StreamReader, StreamWriter};

const HELP: &str = "\
file-server [FOLDER] [ADDRESS]    serves the files of a folder over HTTP (., 127.0.0.1:8081)";

/// How long a file may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// The file that a request's path means; none outside of the folder.
fn file_of(folder: &Path, path: &str) -> Option<PathBuf> {
    let inner = Path::new(path.trim_start_matches('/'));
    let plain = inner.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && inner.components().next().is_some()).then(|| folder.join(inner))
}

/// Opens a file, which must not lead out of the folder by a link; gives it with its length.
fn open(folder: &Path, path: &Path) -> io::Result<(File, u64)> {
    let path = path.canonicalize()?;
    if !path.starts_with(folder.canonicalize()?) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((file, metadata.len()))
}

/// Answers one request; the connection ends with it.
async fn serve(
    mut reader: StreamReader,
    writer: StreamWriter,
    folder: Arc<PathBuf>,
) -> io::Result<()> {
    let head = reader.read_until(b"\r\n\r\n").await?;
    let head = String::from_utf8_lossy(&head);
    let path = head.strip_prefix("GET ").and_then(|rest| rest.split_whitespace().next());
    let Some(file) = path.and_then(|path| file_of(&folder, path)) else {
        return writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    };
    let shown = file.display().to_string();
    // Opening can wait for a disk.
    let opened = corio::spawn_blocking(move || open(&folder, &file)).await;
    let Ok((file, length)) = opened.map_err(io::Error::other)? else {
        println!("{shown}: not there");
        return writer.write(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    writer.write(head.as_bytes())?;
    let sent = writer.send_file(&file, 0, length).await?;
    println!("{shown}: {sent} bytes");
    Ok(())
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 2, &[])?;
    let folder = Arc::new(PathBuf::from(args.word(0).unwrap_or(".")));
    if !folder.is_dir() {
        return Err(format!("`{}` is not a folder", folder.display()).into());
    }
    let handler = move |reader, writer| serve(reader, writer, folder.clone());
    let address = args.word(1).unwrap_or("127.0.0.1:8081");
    // A client that goes half-way through a file fails for itself.
    let server = Server::builder().on_error(|_, _| {}).start(address, handler).await?;
    // From here on Ctrl-C is ours; whoever reads the next line may press it at once.
    let interrupt = corio::signal::ctrl_c();
    println!("listening on {}", server.local_addrs()[0]);

    interrupt.await?;
    server.close();
    println!("stopping: {} clients", server.clients());
    if corio::timeout(GRACE, server.wait_closed()).await.is_err() {
        println!("some did not finish within {GRACE:?}");
    }
    Ok(())
}
