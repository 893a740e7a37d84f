#!/usr/bin/env bash
# T16 of docs/faults.md: a program that is built to abort on panic. Everything but a panic works as usual; a panic in
# a task ends the process with the panic's own message.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/outside
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir -p "$folder/src"
cp "$root/Cargo.lock" "$folder/"
cat >"$folder/Cargo.toml" <<TOML
[package]
name = "aborting"
edition = "2024"

[dependencies]
corio = { path = "$root" }

[profile.dev]
panic = "abort"
TOML
cat >"$folder/src/main.rs" <<'RUST'
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};

#[corio::main(worker_threads = 2)]
async fn main() {
    let ended = Arc::new(AtomicUsize::new(0));
    let of_group = ended.clone();
    let group = corio::task_group(async move |group: corio::TaskGroup<&str>| {
        for _ in 0..100 {
            let ended = of_group.clone();
            drop(group.spawn(corio::finally(
                async { corio::sleep(Duration::from_secs(60)).await },
                move || async move {
                    corio::yield_now().await;
                    ended.fetch_add(1, Ordering::Relaxed);
                },
            )));
        }
        corio::sleep(Duration::from_millis(5)).await;
        Err::<(), _>("enough")
    });
    assert_eq!(group.await.unwrap_err().failures().len(), 1);
    assert_eq!(ended.load(Ordering::Relaxed), 100);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = corio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut line = [0; 5];
        stream.read_exact(&mut line).await.unwrap();
        stream.write_all(&line).await.unwrap();
    });
    let client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    let mut line = [0; 5];
    client.read_exact(&mut line).await.unwrap();
    server.await.unwrap();
    assert_eq!(&line, b"hello");

    let (sender, mut receiver) = corio::sync::mpsc::channel(1);
    let call = corio::spawn_blocking(move || (0..100).try_for_each(|n| sender.blocking_send(n)));
    let mut sum = 0;
    while let Some(n) = receiver.recv().await {
        sum += n;
    }
    call.await.unwrap().unwrap();
    assert_eq!(sum, 4950);

    if std::env::args().nth(1).is_some() {
        let _ = corio::spawn(async { panic!("the last words of a task") }).await;
        println!("still there");
    }
}
RUST

cd "$folder"
CARGO_TARGET_DIR=$target cargo build --offline --quiet
"$target/debug/aborting"
status=0
said=$("$target/debug/aborting" panic 2>&1) || status=$?
if [[ $status -ne 134 || $said != *"the last words of a task"* || $said == *"still there"* ]]; then
    printf 'ci/abort.sh: a panic in a task gave status %s and said:\n%s\n' "$status" "$said" >&2
    exit 1
fi
echo "a program that aborts on panic is fine"
