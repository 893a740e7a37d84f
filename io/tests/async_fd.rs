//! Waiting for descriptors of one's own.
#![cfg(unix)]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use corio_io::{AsyncFd, Direction};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{run, spawn};

fn pair() -> (AsyncFd<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (AsyncFd::new(ours), theirs)
}

#[test]
fn readable_waits_for_something_to_read() {
    run(async {
        let (ours, mut theirs) = pair();
        assert!(timeout(Duration::from_millis(5), ours.readable()).await.is_err());
        let writer = spawn(async move {
            sleep(Duration::from_millis(2)).await;
            theirs.write_all(b"x").unwrap();
            theirs
        });
        ours.readable().await.unwrap();
        let mut byte = [0];
        assert_eq!(ours.try_io(Direction::Read, |mut r| r.read(&mut byte)).unwrap(), 1);
        let again = ours.try_io(Direction::Read, |mut r| r.read(&mut byte)).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::WouldBlock);
        drop(writer.await.unwrap());
        ours.writable().await.unwrap();
    });
}

#[test]
fn async_io_tries_until_it_does_not_block() {
    run(async {
        let (ours, mut theirs) = pair();
        let reader = spawn(async move {
            let mut bytes = Vec::new();
            while bytes.len() < 6 {
                let mut some = [0; 4];
                let n = ours.async_io(Direction::Read, |mut r| r.read(&mut some)).await.unwrap();
                bytes.extend_from_slice(&some[..n]);
            }
            (bytes, ours)
        });
        for part in [b"abc", b"def"] {
            sleep(Duration::from_millis(2)).await;
            theirs.write_all(part).unwrap();
        }
        let (bytes, ours) = reader.await.unwrap();
        assert_eq!(bytes, b"abcdef");
        assert!(ours.into_inner().peer_addr().is_ok());
    });
}

#[test]
fn r16_a_regular_file_is_a_clear_error() {
    run(async {
        let file = AsyncFd::new(std::fs::File::open(env!("CARGO_MANIFEST_PATH")).unwrap());
        let error = file.readable().await.unwrap_err();
        assert_ne!(error.to_string(), "");
        assert_ne!(error.kind(), ErrorKind::WouldBlock);
    });
}
