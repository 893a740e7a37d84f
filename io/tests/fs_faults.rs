//! Faults of files: what is in flight when a handle goes, what is cancelled, what fails half-way, and who
//! swaps a directory for a link.
#![cfg(target_os = "linux")]

use std::fs as sync;
use std::io::{ErrorKind, SeekFrom};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use corio_io::fs::{self, File, OpenOptions};
use corio_runtime::runtime::Builder;
use corio_runtime::time::timeout;
use corio_runtime::{run, spawn, spawn_blocking};

#[path = "common/child.rs"]
mod child;
use child::command;

#[test]
fn roles() {
    match child::role().as_deref() {
        None => return,
        // Its stderr is read.
        Some("dropped") => run(async {
            let mut full = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
            full.write_all(b"lost").await.unwrap();
        }),
        // It may write no more than 4096 bytes to a file.
        Some("limited") => run(async {
            let mut file = fs::temp::file().await.unwrap();
            file.write_all(&[7; 10_000]).await.unwrap();
            let error = file.flush().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::FileTooLarge);
            assert!(error.to_string().starts_with("4096 of 10000 bytes"), "{error}");
            assert_eq!(file.seek(SeekFrom::Current(0)).await.unwrap(), 4096);
            // It is not sticky: what fits is written.
            file.seek(SeekFrom::Start(0)).await.unwrap();
            file.write_all(b"again").await.unwrap();
            file.flush().await.unwrap();
            assert_eq!(file.metadata().await.unwrap().len(), 4096);
            println!("<limited>");
        }),
        Some(other) => panic!("unknown role {other}"),
    }
    std::process::exit(0);
}

#[test]
fn b08_a_file_dropped_with_a_write_in_flight_is_written() {
    let dir = sync::canonicalize(std::env::temp_dir()).unwrap();
    let path = dir.join(format!("corio-b08-{}", std::process::id()));
    let data = vec![5; 3_000_000];
    let (sent, to) = (data.clone(), path.clone());
    // One thread for blocking calls, which is busy: the write waits for it when the file is dropped, and
    // when the runtime ends.
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async move {
        let mut file = File::create(&to).await.unwrap();
        let begun = Arc::new(AtomicBool::new(false));
        let begins = begun.clone();
        let _busy = spawn_blocking(move || {
            begins.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
        });
        while !begun.load(Ordering::SeqCst) {
            corio_runtime::yield_now().await;
        }
        // Up to 2 MiB are taken at once; the rest would have to wait.
        let taken = file.write(&sent).await.unwrap();
        assert_eq!(taken, 2 << 20);
        drop(file);
    });
    drop(runtime);
    assert!(sync::read(&path).unwrap() == data[..2 << 20]);
    sync::remove_file(path).unwrap();
}

#[test]
fn b08_close_and_flush_report_what_dropping_tells_on_stderr() {
    run(async {
        let full = || OpenOptions::new().write(true).open("/dev/full");
        let mut file = full().await.unwrap();
        file.write_all(b"no room").await.unwrap();
        let error = file.flush().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(error.to_string().contains("0 of 7 bytes were written to /dev/full"), "{error}");
        // Once told it is over.
        file.flush().await.unwrap();
        file.write_all(b"no room").await.unwrap();
        assert_eq!(file.sync_all().await.unwrap_err().kind(), ErrorKind::StorageFull);
        file.write_all(b"no room").await.unwrap();
        assert_eq!(file.close().await.unwrap_err().kind(), ErrorKind::StorageFull);
        file.close().await.unwrap();
    });
    let output = command("roles", "dropped").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("corio: 0 of 4 bytes were written to /dev/full"), "{said}");
}

#[test]
fn b08_a_write_dropped_with_its_runtime_is_written() {
    let path = std::env::temp_dir().join(format!("corio-b08-end-{}", std::process::id()));
    let to = path.clone();
    run(async move {
        let file = OpenOptions::new().append(true).create(true).open(&to).await.unwrap();
        let writer = spawn(async move {
            let mut file = file;
            for _ in 0..100 {
                file.write_all(&[b'x'; 1000]).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        // It has taken all of it when it waits; the runtime's end cancels it.
        for _ in 0..100 {
            corio_runtime::yield_now().await;
        }
        drop(writer);
        while sync::metadata(&to).unwrap().len() < 100 {
            corio_runtime::yield_now().await;
        }
    });
    assert_eq!(sync::metadata(&path).unwrap().len(), 100_000);
    sync::remove_file(path).unwrap();
}

#[test]
fn b09_cancelled_reads_lose_no_byte_and_seeks_and_writes_come_out_right() {
    run(async {
        let mut file = fs::temp::file().await.unwrap();
        let data: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        file.write_all(&data).await.unwrap();
        file.seek(SeekFrom::Start(0)).await.unwrap();
        let (mut place, mut cancelled) = (0, 0);
        while place + 2000 < data.len() {
            // An outstanding write makes the read a call, which takes time and is given up.
            file.write_all(&data[place..place + 10]).await.unwrap();
            place += 10;
            let mut buf = [0; 1000];
            {
                let mut read = Box::pin(file.read(&mut buf));
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                if read.as_mut().poll(&mut cx).is_pending() {
                    cancelled += 1;
                } else {
                    place += 1000;
                }
            }
            // What comes next finds the position where the user takes it to be.
            match place % 3 {
                0 => {
                    let here = file.seek(SeekFrom::Current(0)).await.unwrap();
                    assert_eq!(here as usize, place);
                }
                1 => {
                    file.write_all(&data[place..place + 5]).await.unwrap();
                    place += 5;
                }
                _ => {
                    let mut few = [0; 7];
                    file.read_exact(&mut few).await.unwrap();
                    assert_eq!(few, data[place..place + 7]);
                    place += 7;
                }
            }
        }
        assert!(cancelled > 0, "no read was given up");
        file.flush().await.unwrap();
        assert!(sync::read(file.path()).unwrap() == data);
        file.close_and_remove().await.unwrap();
    });
}

/// A file whose reads are calls, so that they can be given up: a FIFO never answers from the cache.
#[test]
fn b09_a_read_that_was_given_up_keeps_its_bytes_for_the_next() {
    let path = std::env::temp_dir().join(format!("corio-b09-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    run(async {
        let mut options = OpenOptions::new();
        let mut reader = options.read(true).write(true).open(&path).await.unwrap();
        let mut buf = [0; 3];
        assert!(timeout(Duration::from_millis(5), reader.read(&mut buf)).await.is_err());
        let mut writer = OpenOptions::new().write(true).open(&path).await.unwrap();
        writer.write_all(b"abcdef").await.unwrap();
        writer.flush().await.unwrap();
        reader.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"abc");
        reader.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"def");
        // One that is given up for good does not keep the runtime.
        assert!(timeout(Duration::from_millis(5), reader.read(&mut buf)).await.is_err());
        writer.write_all(b"g").await.unwrap();
    });
    sync::remove_file(path).unwrap();
}

#[test]
fn b11_a_recursive_delete_does_not_follow_a_link_that_is_swapped_in() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let precious = dir.path().join("precious");
        sync::create_dir(&precious).unwrap();
        sync::write(precious.join("file"), "keep me").unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let victim = dir.path().join("victim");
        let (stop, inside, target) = (over.clone(), victim.join("a"), precious.clone());
        // It swaps the directory for a link and back, as fast as it can.
        let swapper = std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let _ = sync::create_dir(&inside);
                let _ = sync::write(inside.join("file"), "");
                let _ = sync::remove_dir_all(&inside);
                let _ = symlink(&target, &inside);
                let _ = sync::remove_file(&inside);
            }
        });
        for _ in 0..100 {
            let _ = fs::create_dir(&victim).await;
            // It may fail, since somebody else works there; it must not go where the link points.
            let _ = fs::remove_dir_all(&victim).await;
            assert!(precious.join("file").exists());
        }
        over.store(true, Ordering::SeqCst);
        swapper.join().unwrap();
        let _ = sync::create_dir(&victim);
        let _ = symlink(&precious, victim.join("link"));
        fs::remove_dir_all(&victim).await.unwrap();
        assert_eq!(sync::read(precious.join("file")).unwrap(), b"keep me");
        dir.close().await.unwrap();
    });
}

#[test]
fn b12_a_write_that_is_cut_short_tells_how_much_went() {
    let program = std::env::current_exe().unwrap();
    let roles = command("roles", "limited");
    let envs = roles.get_envs().filter_map(|(name, value)| value.map(|value| (name, value)));
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(program)
        .args(roles.get_args())
        .envs(envs)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("<limited>"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn b12_no_space_is_an_error_of_every_way_to_write() {
    run(async {
        let write = fs::write("/dev/full", "x").await.unwrap_err();
        assert_eq!(write.kind(), ErrorKind::StorageFull);
        assert!(write.to_string().contains("/dev/full"), "{write}");
        let mut file = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
        assert_eq!(file.write_all_at(b"x", 0).await.unwrap_err().kind(), ErrorKind::StorageFull);
        let source = fs::temp::file().await.unwrap();
        sync::write(source.path(), "x").unwrap();
        let mut from = File::open(source.path()).await.unwrap();
        let copied = corio_io::copy(&mut from, &mut file).await.map(drop);
        let flushed = file.flush().await;
        assert!(copied.and(flushed).is_err(), "the copy claims to have arrived");
        // Errors keep the system's number.
        let source = std::error::Error::source(&write);
        let source = source.and_then(|source| source.downcast_ref::<std::io::Error>());
        assert_eq!(source.and_then(std::io::Error::raw_os_error), Some(28));
        let _ = file.close().await;
    });
}
