//! AIOF: what aiofiles' users rely on. Standard streams (AIOF-10) are in `stdio.rs`, sendfile (AIOF-13) is
//! with the sockets.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::fs as sync;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use corio_io::fs::{self, File, OpenOptions};
use corio_io::{AsyncBufReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, IoSlice};
use corio_runtime::runtime::Builder;
use corio_runtime::time::sleep;
use corio_runtime::{run, spawn, spawn_blocking};

#[path = "common/child.rs"]
mod child;
use child::command;

#[test]
fn roles() {
    let Some(path) = child::role() else { return };
    // Replaces the file for ever, until it is killed.
    run(async {
        println!("<begun>");
        for i in 0_u64.. {
            let contents = vec![b'a' + (i % 26) as u8; 100_000];
            fs::write_atomic(&path, contents).await.unwrap();
        }
    });
}

/// What an operation gave, to be compared: a number or the kind of the error.
fn outcome(result: io::Result<impl TryInto<u64>>) -> Result<u64, ErrorKind> {
    result.map(|n| n.try_into().unwrap_or(u64::MAX)).map_err(|error| error.kind())
}

/// Every method gives what std's gives: results and kinds of errors, on files opened in five ways.
#[test]
fn aiof_01_every_method_does_what_std_does() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        for modes in ["r", "w", "a", "rw", "ra"] {
            for path in [&ours, &theirs] {
                sync::write(path, "0123456789\nabc\n").unwrap();
            }
            let mut options = sync::OpenOptions::new();
            options.read(modes.contains('r')).write(modes.contains('w'));
            options.append(modes.contains('a'));
            let mut a = options.open(&theirs).unwrap();
            let mut b = OpenOptions::from(options).open(&ours).await.unwrap();
            let (mut x, mut y) = (vec![0; 4], vec![0; 4]);
            assert_eq!(outcome(a.read(&mut x)), outcome(b.read(&mut y).await), "{modes}: read");
            assert_eq!(x, y);
            for to in [
                SeekFrom::Start(3),
                SeekFrom::Current(-2),
                SeekFrom::End(-4),
                SeekFrom::Current(-100),
                SeekFrom::End(-100),
                SeekFrom::Start(100),
                SeekFrom::End(0),
            ] {
                assert_eq!(outcome(a.seek(to)), outcome(b.seek(to).await), "{modes}: {to:?}");
            }
            let parts = [IoSlice::new(b"vec"), IoSlice::new(b"tored")];
            let wrote = b.write_vectored(&parts).await;
            // An error of a write is told by the flush.
            let wrote = match b.flush().await {
                Ok(()) => wrote,
                Err(error) => Err(error),
            };
            let theirs_wrote = a.write_vectored(&parts);
            if modes.contains(['w', 'a']) {
                // std says how much a single write took, here it is taken before it is written.
                a.write_all(&b"vectored"[theirs_wrote.unwrap()..]).unwrap();
                b.write_all(&b"vectored"[wrote.unwrap()..]).await.unwrap();
            } else {
                assert_eq!(outcome(theirs_wrote), outcome(wrote), "{modes}: write");
            }
            assert_eq!(
                outcome(a.set_len(12).map(|()| 0)),
                outcome(b.set_len(12).await.map(|()| 0)),
                "{modes}: set_len"
            );
            a.sync_all().unwrap();
            b.sync_all().await.unwrap();
            a.sync_data().unwrap();
            b.sync_data().await.unwrap();
            let (m, n) = (a.metadata().unwrap(), b.metadata().await.unwrap());
            assert_eq!((m.len(), m.file_type()), (n.len(), n.file_type()), "{modes}: metadata");
            let (x_at, y_at) = (a.read_at(&mut x, 2), b.read_at(&mut y, 2).await);
            assert_eq!((outcome(x_at), &x), (outcome(y_at), &y), "{modes}: read_at");
            assert_eq!(
                outcome(a.write_all_at(b"at", 5).map(|()| 0)),
                outcome(b.write_all_at(b"at", 5).await.map(|()| 0)),
                "{modes}: write_at"
            );
            let (mut a2, mut b2) = (a.try_clone().unwrap(), b.try_clone().await.unwrap());
            assert_eq!(outcome(a2.rewind().map(|()| 0)), outcome(b2.rewind().await));
            let (mut p, mut q) = (Vec::new(), Vec::new());
            let ended = (outcome(a.read_to_end(&mut p)), outcome(b.read_to_end(&mut q).await));
            assert_eq!((&ended.0, &p), (&ended.1, &q), "{modes}: read_to_end");
            b.close().await.unwrap();
            drop(a);
            assert_eq!(sync::read(&ours).unwrap(), sync::read(&theirs).unwrap(), "{modes}");
        }
        dir.close().await.unwrap();
    });
}

/// Reading many large files holds up nobody on the one thread that runs tasks, and neither does an open
/// that does not return.
#[test]
fn aiof_02_large_files_and_blocked_opens_hold_up_nobody() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let gaps = runtime.block_on(async {
        let dir = fs::temp::dir().await.unwrap();
        let path = dir.path().join("large");
        fs::write(&path, vec![1; 10_000_000]).await.unwrap();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        // Nobody writes to it: this open waits.
        let other = fifo.clone();
        let blocked = spawn(async move { File::open(other).await });
        let readers: Vec<_> = (0..50)
            .map(|_| {
                let path = path.clone();
                spawn(async move {
                    let mut file = File::open(path).await.unwrap();
                    let (mut buf, mut all) = (vec![0; 1 << 16], 0);
                    loop {
                        match file.read(&mut buf).await.unwrap() {
                            0 => return all,
                            n => all += n,
                        }
                    }
                })
            })
            .collect();
        let ticker = spawn(async {
            let mut gaps = Vec::new();
            while gaps.len() < 100 {
                let begin = Instant::now();
                sleep(Duration::from_millis(1)).await;
                gaps.push(begin.elapsed());
            }
            gaps
        });
        for reader in readers {
            assert_eq!(reader.await.unwrap(), 10_000_000);
        }
        let gaps = ticker.await.unwrap();
        assert!(!blocked.is_finished());
        let writer = spawn_blocking(move || sync::OpenOptions::new().write(true).open(fifo));
        drop(blocked.await.unwrap().unwrap());
        drop(writer.await.unwrap().unwrap());
        dir.close().await.unwrap();
        gaps
    });
    // A tenth of a second would be a file read in one go; a busy machine is forgiven.
    let late = gaps.iter().filter(|gap| **gap > Duration::from_millis(100)).count();
    assert!(late <= gaps.len() / 10, "{gaps:?}");
}

/// Thousands of small files, sixty-four at a time, and in a batch: all of them, the right ones.
#[test]
fn aiof_03_many_small_files() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let paths: Vec<_> = (0..2000).map(|i| dir.path().join(i.to_string())).collect();
        let wrote = fs::batch(paths.clone(), |path| {
            sync::write(&path, path.file_name().unwrap().as_encoded_bytes())
        });
        assert!(wrote.collect().await.unwrap().into_iter().all(|result| result.is_ok()));
        let shared = std::sync::Arc::new(paths.clone());
        let readers: Vec<_> = (0..64)
            .map(|first| {
                let paths = shared.clone();
                spawn(async move {
                    for i in (first..paths.len()).step_by(64) {
                        assert_eq!(fs::read(&paths[i]).await.unwrap(), i.to_string().as_bytes());
                    }
                })
            })
            .collect();
        for reader in readers {
            reader.await.unwrap();
        }
        let texts = fs::batch(paths, sync::read_to_string).collect().await.unwrap();
        assert!(texts.iter().enumerate().all(|(i, text)| *text.as_ref().unwrap() == i.to_string()));
        dir.close().await.unwrap();
    });
}

/// Lines with either ending, with none at the end, and no lines at all.
#[test]
fn aiof_04_lines_are_lines() {
    run(async {
        for (text, expected) in [
            ("", vec![]),
            ("\n", vec![""]),
            ("one\ntwo\r\n\nlast", vec!["one", "two", "", "last"]),
            ("grün\nblå\n", vec!["grün", "blå"]),
        ] {
            let mut file = fs::temp::file().await.unwrap();
            file.write_all(text.as_bytes()).await.unwrap();
            file.rewind().await.unwrap();
            // A buffer that ends within a letter.
            let mut lines = BufReader::with_capacity(3, &mut *file).lines();
            let mut got = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                got.push(line);
            }
            assert_eq!(got, expected);
        }
    });
}

/// A file that is dropped is written all the same; `close` tells whether it was.
#[test]
fn aiof_05_close_says_what_happened_and_drop_still_writes() {
    let path = std::env::temp_dir().join(format!("corio-aiof-05-{}", std::process::id()));
    run(async {
        let mut file = File::create(&path).await.unwrap();
        file.write_all(b"in flight").await.unwrap();
        drop(file);
        let mut full = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
        full.write_all(b"x").await.unwrap();
        assert_eq!(full.close().await.unwrap_err().kind(), ErrorKind::StorageFull);
        let mut file = OpenOptions::new().append(true).open(&path).await.unwrap();
        file.close().await.unwrap();
    });
    assert_eq!(sync::read(&path).unwrap(), b"in flight");
    sync::remove_file(path).unwrap();
}

/// A read that is given up takes no byte away.
#[test]
fn aiof_06_a_cancelled_read_loses_nothing() {
    run(async {
        let mut file = fs::temp::file().await.unwrap();
        file.write_all(b"0123456789").await.unwrap();
        file.rewind().await.unwrap();
        for _ in 0..3 {
            // A write before it makes the read a call.
            file.write_all(b"0").await.unwrap();
            file.rewind().await.unwrap();
            let mut buf = [0; 4];
            let mut read = Box::pin(file.read(&mut buf));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let polled = read.as_mut().poll(&mut cx);
            drop(read);
            if polled.is_pending() {
                file.read_exact(&mut buf).await.unwrap();
            }
            assert_eq!(&buf, b"0123");
            assert_eq!(file.stream_position().await.unwrap(), 4);
            file.rewind().await.unwrap();
        }
    });
}

/// Opens that are given up leave no descriptor behind.
#[test]
fn aiof_07_a_cancelled_open_leaks_nothing() {
    let path = std::env::temp_dir().join(format!("corio-aiof-07-{}", std::process::id()));
    sync::write(&path, "").unwrap();
    run(async {
        for _ in 0..1000 {
            let mut open = Box::pin(File::open(&path));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = open.as_mut().poll(&mut cx);
        }
    });
    // The runtime has ended, and with it every call.
    let open = sync::read_dir("/proc/self/fd").unwrap().filter(|entry| {
        let link = entry.as_ref().ok().and_then(|entry| sync::read_link(entry.path()).ok());
        link.is_some_and(|link| link == path)
    });
    assert_eq!(open.count(), 0);
    sync::remove_file(path).unwrap();
}

/// Errors have std's kind, and say where.
#[test]
fn aiof_08_errors_have_std_s_kind_and_the_path() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let missing = dir.path().join("missing");
        let file = dir.path().join("file");
        sync::write(&file, "").unwrap();
        let through = file.join("through");
        let same = |path: &Path, theirs: io::Error, ours: io::Error| {
            assert_eq!(theirs.kind(), ours.kind(), "{ours}");
            assert!(ours.to_string().contains(path.to_str().unwrap()), "{ours}");
        };
        for path in [missing.as_path(), &through, dir.path()] {
            same(path, sync::read(path).unwrap_err(), fs::read(path).await.unwrap_err());
            let theirs = sync::OpenOptions::new().write(true).open(path).unwrap_err();
            let ours = OpenOptions::new().write(true).open(path).await.unwrap_err();
            same(path, theirs, ours);
            let theirs = sync::remove_file(path).unwrap_err();
            same(path, theirs, fs::remove_file(path).await.unwrap_err());
        }
        let nothing = sync::OpenOptions::new().open(&file).unwrap_err();
        same(&file, nothing, OpenOptions::new().open(&file).await.unwrap_err());
        let mut only_write = OpenOptions::new().write(true).open(&file).await.unwrap();
        let mut std_write = sync::OpenOptions::new().write(true).open(&file).unwrap();
        let (a, b) = (std_write.read(&mut [0]), only_write.read(&mut [0]).await);
        assert_eq!(a.unwrap_err().kind(), b.unwrap_err().kind());
        dir.close().await.unwrap();
    });
}

/// What is appended is at the end, wherever the position was.
#[test]
fn aiof_09_append_writes_at_the_end() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let path = dir.path().join("log");
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&path).await.unwrap();
        file.write_all(b"first ").await.unwrap();
        file.rewind().await.unwrap();
        file.read_exact(&mut [0; 2]).await.unwrap();
        fs::batch([path.clone()], |path| {
            sync::OpenOptions::new().append(true).open(path)?.write_all(b"other ")
        })
        .collect()
        .await
        .unwrap()
        .remove(0)
        .unwrap();
        file.write_all(b"second").await.unwrap();
        file.close().await.unwrap();
        assert_eq!(fs::read(&path).await.unwrap(), b"first other second");
        dir.close().await.unwrap();
    });
}

/// Temporary files and directories go when their owner does: dropped, panicking or cancelled.
#[test]
fn aiof_11_temporary_things_go_with_their_owner() {
    let outside = std::env::temp_dir().join(format!("corio-aiof-11-{}", std::process::id()));
    sync::write(&outside, "stays").unwrap();
    let gone = run(async {
        let mut gone = Vec::new();
        let dir = fs::temp::dir().await.unwrap();
        std::os::unix::fs::symlink(&outside, dir.path().join("link")).unwrap();
        gone.push(dir.path().to_path_buf());
        drop(dir);
        let file = fs::temp::file().await.unwrap();
        gone.push(file.path().to_path_buf());
        let panics = spawn(async move {
            let _file = file;
            panic!("while it has a file");
        });
        assert!(panics.await.unwrap_err().is_panic());
        let dir = fs::temp::dir().await.unwrap();
        gone.push(dir.path().to_path_buf());
        let waits = spawn(async move {
            let _dir = dir;
            std::future::pending::<()>().await;
        });
        corio_runtime::yield_now().await;
        waits.cancel();
        assert!(waits.await.unwrap_err().is_cancelled());
        let kept = fs::temp::dir().await.unwrap().keep();
        sync::remove_dir(kept).unwrap();
        gone
    });
    assert!(gone.iter().all(|path| !path.exists()), "{gone:?}");
    assert_eq!(sync::read(&outside).unwrap(), b"stays");
    sync::remove_file(outside).unwrap();
}

/// Ten thousand entries, each once, while some are removed; a stream that is dropped closes the directory.
#[test]
fn aiof_12_a_directory_of_ten_thousand() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let names = 0..10_000;
        let paths: Vec<_> = names.clone().map(|i| dir.path().join(i.to_string())).collect();
        fs::batch(paths, |path| sync::write(path, "")).collect().await.unwrap();
        let mut seen = HashSet::new();
        let mut entries = fs::read_dir(dir.path()).await.unwrap();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            if seen.len() % 100 == 0 {
                // Also one that has been fetched already, and has not come yet.
                fs::remove_file(entry.path()).await.unwrap();
            }
            assert!(seen.insert(entry.file_name()), "it came twice");
        }
        assert_eq!(seen.len(), 10_000);
        let mut entries = fs::read_dir(dir.path()).await.unwrap();
        entries.next_entry().await.unwrap().unwrap();
        drop(entries);
        let open = sync::read_dir("/proc/self/fd").unwrap().filter(|entry| {
            let link = entry.as_ref().ok().and_then(|entry| sync::read_link(entry.path()).ok());
            link.is_some_and(|link| link == dir.path())
        });
        assert_eq!(open.count(), 0);
        dir.close().await.unwrap();
    });
}

/// Killed at any moment, a replacement has either happened or not.
#[test]
fn aiof_14_a_replacement_is_all_or_nothing_under_kill() {
    let dir = std::env::temp_dir().join(format!("corio-aiof-14-{}", std::process::id()));
    sync::create_dir(&dir).unwrap();
    let path = dir.join("file");
    sync::write(&path, vec![b'a'; 100_000]).unwrap();
    for round in 0..20_u64 {
        let mut writer = command("roles", path.to_str().unwrap())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 1];
        let mut stdout = writer.stdout.take().unwrap();
        while said != *b">" {
            stdout.read_exact(&mut said).unwrap();
        }
        std::thread::sleep(Duration::from_micros(round * 311));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let contents = sync::read(&path).unwrap();
        assert_eq!(contents.len(), 100_000);
        assert!(contents.iter().all(|byte| *byte == contents[0]), "half of it is new");
    }
    // Over an existing file, `rename` does the same.
    sync::write(dir.join("other"), "moved").unwrap();
    run(async { fs::rename(dir.join("other"), &path).await.unwrap() });
    assert_eq!(sync::read(&path).unwrap(), b"moved");
    sync::remove_dir_all(dir).unwrap();
}

/// A copy has the contents and the permissions of the original.
#[test]
fn aiof_15_a_copy_keeps_the_permissions() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let data: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 241) as u8).collect();
        fs::write(&from, data.clone()).await.unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o751)).await.unwrap();
        fs::write(&to, vec![9; 2_000_000]).await.unwrap();
        assert_eq!(fs::copy(&from, &to).await.unwrap(), 1_000_000);
        assert!(fs::read(&to).await.unwrap() == data);
        // An existing target has its own permissions replaced by those of the source.
        let mode = |path: &Path| sync::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&to), mode(&from));
        dir.close().await.unwrap();
    });
}

/// Blocking calls of others delay files, but not for ever: who asks first is served first.
#[test]
fn aiof_16_sleeping_calls_do_not_starve_files() {
    let runtime = Builder::new_current_thread().max_blocking_threads(4).build().unwrap();
    runtime.block_on(async {
        let sleepers: Vec<_> = (0..500)
            .map(|_| spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))))
            .collect();
        let text = fs::read("/proc/self/comm").await.unwrap();
        assert!(!text.is_empty());
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
}
