//! Pipes of the system: both ends, named ones, children's streams, and descriptors of any kind.
#![cfg(unix)]

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use corio_io::pipe::{Receiver, Sender};
use corio_io::{AsyncReadExt, AsyncWriteExt, IoSlice, pipe};
use corio_runtime::time::timeout;
use corio_runtime::{run, spawn};

#[test]
fn more_than_the_pipe_holds_arrives_in_order() {
    run(async {
        let (mut sender, mut receiver) = pipe().unwrap();
        let data: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        let sent = data.clone();
        let writer = spawn(async move {
            sender.write_all(&sent[..1000]).await.unwrap();
            let mut parts = [IoSlice::new(&sent[1000..90_000]), IoSlice::new(&sent[90_000..])];
            sender.write_all_vectored(&mut parts).await.unwrap();
            sender.close().await.unwrap();
            sender
        });
        let mut got = Vec::new();
        receiver.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, data);
        let mut sender = writer.await.unwrap();
        let late = sender.write(b"x").await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::BrokenPipe);
        sender.close().await.unwrap();
        sender.closed().await.unwrap();
    });
}

#[test]
fn try_forms_say_when_they_would_block() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        let mut byte = [0];
        assert_eq!(receiver.try_read(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(timeout(Duration::from_millis(2), receiver.readable()).await.is_err());
        let mut written = 0;
        let full = loop {
            match sender.try_write(&[7; 4096]) {
                Ok(n) => written += n,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        assert!(timeout(Duration::from_millis(2), sender.writable()).await.is_err());
        receiver.readable().await.unwrap();
        let mut read = 0;
        while let Ok(n) = receiver.try_read(&mut [0; 5000]) {
            read += n;
        }
        assert_eq!(read, written);
        sender.writable().await.unwrap();
    });
}

#[test]
fn a_write_without_readers_is_an_error_and_is_noticed_without_one() {
    run(async {
        let (mut sender, receiver) = pipe().unwrap();
        assert!(timeout(Duration::from_millis(2), sender.closed()).await.is_err());
        // Having asked does not make the pipe look full.
        sender.write_all(b"still open").await.unwrap();
        let waiter = spawn(async move {
            sender.closed().await.unwrap();
            sender
        });
        drop(receiver);
        let mut sender = waiter.await.unwrap();
        assert_eq!(sender.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn children_are_written_to_and_read_from() {
    run(async {
        let mut child =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = Sender::try_from(child.stdin.take().unwrap()).unwrap();
        let mut stdout = Receiver::try_from(child.stdout.take().unwrap()).unwrap();
        stdin.write_all(b"there and back").await.unwrap();
        stdin.close().await.unwrap();
        let mut text = String::new();
        stdout.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "there and back");
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn an_end_becomes_the_stream_of_a_child() {
    run(async {
        let (sender, mut receiver) = pipe().unwrap();
        let mut child = Command::new("echo")
            .arg("out of the child")
            .stdout(Stdio::try_from(sender).unwrap())
            .spawn()
            .unwrap();
        let mut text = String::new();
        receiver.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "out of the child\n");
        child.wait().unwrap();
    });
}

#[test]
fn descriptors_that_are_no_pipes_are_refused() {
    let file = || OwnedFd::from(std::fs::File::open(env!("CARGO_MANIFEST_PATH")).unwrap());
    let error = Receiver::try_from(file()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("fs::File"));
    let (sender, receiver) = pipe().unwrap();
    let swapped = Receiver::try_from(OwnedFd::try_from(sender).unwrap()).unwrap_err();
    assert!(swapped.to_string().contains("make a `Sender`"));
    let swapped = Sender::try_from(OwnedFd::try_from(receiver).unwrap()).unwrap_err();
    assert!(swapped.to_string().contains("make a `Receiver`"));
}

#[test]
fn a_descriptor_comes_back_in_either_mode() {
    let (sender, receiver) = pipe().unwrap();
    let mut blocking = std::fs::File::from(receiver.into_blocking_fd().unwrap());
    let mut other = std::fs::File::from(OwnedFd::try_from(sender).unwrap());
    other.write_all(&[1; 100]).unwrap();
    // This end is in non-blocking mode still: a full pipe is an error.
    let full = other.write_all(&[1; 1 << 20]).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    drop(other);
    let mut all = Vec::new();
    blocking.read_to_end(&mut all).unwrap();
    assert!(all.len() > 100);
}

#[test]
fn a_named_pipe_waits_for_its_first_writer() {
    let path = std::env::temp_dir().join(format!("corio-fifo-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    run(async {
        let nobody = Sender::open(&path).unwrap_err();
        assert!(nobody.to_string().contains("corio-fifo"), "{nobody}");
        let mut receiver = Receiver::open(&path).unwrap();
        let mut buf = [0; 16];
        assert!(timeout(Duration::from_millis(5), receiver.read(&mut buf)).await.is_err());
        let mut sender = Sender::open(&path).unwrap();
        sender.write_all(b"by name").await.unwrap();
        drop(sender);
        let mut text = String::new();
        receiver.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "by name");
    });
    std::fs::remove_file(path).unwrap();
}

#[test]
fn reads_of_nothing_wait_for_nothing() {
    run(async {
        let (mut sender, mut receiver) = pipe().unwrap();
        assert_eq!(receiver.read(&mut []).await.unwrap(), 0);
        assert_eq!(sender.write(&[]).await.unwrap(), 0);
        assert_eq!(receiver.read_vectored(&mut []).await.unwrap(), 0);
        assert!(format!("{sender:?} {receiver:?}").contains("Sender(File"));
    });
}
