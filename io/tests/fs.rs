//! Files: the same results as std's, whatever is cancelled, and nothing lost.
#![cfg(unix)]

use std::fs as sync;
use std::io::{ErrorKind, SeekFrom};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use corio_io::fs::{self, File, OpenOptions};
use corio_io::{AsyncSeekExt, raw_os_error};
use corio_runtime::{run, spawn};

/// More than one call and more than the buffer takes.
fn long() -> Vec<u8> {
    (0..5_000_000_u32).map(|i| (i % 253) as u8).collect()
}

#[test]
fn a_file_is_written_and_read_piece_by_piece() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let path = dir.path().join("long");
        let data = long();
        let mut file = File::create_new(&path).await.unwrap();
        for piece in data.chunks(70_001) {
            file.write_all(piece).await.unwrap();
        }
        assert_eq!(file.metadata().await.unwrap().len(), data.len() as u64);
        file.rewind().await.unwrap();
        let mut got = vec![0; data.len()];
        file.read_exact(&mut got).await.unwrap();
        assert!(got == data);
        assert_eq!(file.read(&mut [0; 8]).await.unwrap(), 0);
        file.close().await.unwrap();
        assert_eq!(file.write(b"x").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(file.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        file.close().await.unwrap();
        assert!(fs::read(&path).await.unwrap() == data);
        dir.close().await.unwrap();
    });
}

#[test]
fn the_position_is_std_s_in_any_mix_of_reads_writes_and_seeks() {
    let dir = std::env::temp_dir().join(format!("corio-mix-{}", std::process::id()));
    sync::create_dir(&dir).unwrap();
    let (ours, theirs) = (dir.join("ours"), dir.join("theirs"));
    run(async {
        use std::io::{Read, Seek, Write};
        let mut options = sync::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let mut std_file = options.open(&theirs).unwrap();
        let mut file = OpenOptions::from(options).open(&ours).await.unwrap();
        let mut random = 1_u64;
        for step in 0..3000_u32 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let n = (random >> 33) as usize % 300;
            match (random >> 20) % 7 {
                0 | 1 => {
                    let bytes = vec![step as u8; n];
                    std_file.write_all(&bytes).unwrap();
                    file.write_all(&bytes).await.unwrap();
                }
                2 | 3 => {
                    let (mut a, mut b) = (vec![0; n], vec![0; n]);
                    let read = std_file.read(&mut a).unwrap();
                    assert_eq!(file.read(&mut b).await.unwrap(), read, "step {step}");
                    assert_eq!(a, b);
                }
                4 => {
                    let to = SeekFrom::Start(n as u64 * 20);
                    assert_eq!(file.seek(to).await.unwrap(), std_file.seek(to).unwrap());
                }
                5 => {
                    let to = SeekFrom::Current(150 - n as i64);
                    let (a, b) = (std_file.seek(to), file.seek(to).await);
                    assert_eq!(a.map_err(|e| e.kind()).ok(), b.map_err(|e| e.kind()).ok());
                }
                _ => {
                    let to = SeekFrom::End(-(n as i64) * 3);
                    let (a, b) = (std_file.seek(to), file.seek(to).await);
                    assert_eq!(a.map_err(|e| e.kind()), b.map_err(|e| e.kind()));
                }
            }
        }
        let rest = file.into_std().await.unwrap().stream_position().unwrap();
        assert_eq!(rest, std_file.stream_position().unwrap());
    });
    assert_eq!(sync::read(&ours).unwrap(), sync::read(&theirs).unwrap());
    sync::remove_dir_all(dir).unwrap();
}

#[test]
fn paths_are_worked_on_as_in_std() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("a/b/c")).await.unwrap();
        assert_eq!(fs::create_dir(at("a")).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        fs::write(at("a/one"), "1").await.unwrap();
        fs::symlink("one", at("a/link")).await.unwrap();
        fs::hard_link(at("a/one"), at("a/two")).await.unwrap();
        assert_eq!(fs::read_link(at("a/link")).await.unwrap(), Path::new("one"));
        assert_eq!(
            fs::canonicalize(at("a/link")).await.unwrap(),
            sync::canonicalize(at("a/one")).unwrap()
        );
        assert!(fs::symlink_metadata(at("a/link")).await.unwrap().is_symlink());
        assert!(fs::metadata(at("a/link")).await.unwrap().is_file());
        assert!(fs::is_file(at("a/link")).await.unwrap() && fs::is_dir(at("a")).await.unwrap());
        assert!(!fs::is_file(at("none")).await.unwrap() && !fs::exists(at("none")).await.unwrap());
        fs::set_permissions(at("a/one"), fs::Permissions::from_mode(0o640)).await.unwrap();
        assert_eq!(fs::copy(at("a/one"), at("a/copy")).await.unwrap(), 1);
        let mode = fs::metadata(at("a/copy")).await.unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        fs::rename(at("a/copy"), at("a/b/moved")).await.unwrap();
        assert_eq!(fs::read_to_string(at("a/b/moved")).await.unwrap(), "1");
        fs::remove_file(at("a/two")).await.unwrap();
        assert!(fs::remove_dir(at("a/b")).await.is_err());
        fs::remove_dir(at("a/b/c")).await.unwrap();
        fs::remove_dir_all(at("a")).await.unwrap();
        assert!(!fs::exists(at("a")).await.unwrap());
        let error = fs::rename(at("from"), at("to")).await.unwrap_err();
        assert!(error.to_string().contains("from") && error.to_string().contains("to: No such"));
        dir.close().await.unwrap();
    });
}

#[test]
fn read_at_and_write_at_leave_the_position_alone() {
    run(async {
        let mut file = fs::temp::file().await.unwrap();
        file.write_all(&[7; 100]).await.unwrap();
        file.write_all_at(b"abc", 200_000).await.unwrap();
        let mut some = [1; 5];
        assert_eq!(file.read_at(&mut some, 199_998).await.unwrap(), 5);
        assert_eq!(&some, b"\0\0abc");
        assert_eq!(file.read_at(&mut some, 1 << 40).await.unwrap(), 0);
        for offset in [1 << 63, u64::MAX] {
            let read = file.read_at(&mut some, offset).await.unwrap_err();
            let write = file.write_all_at(b"abc", offset).await.unwrap_err();
            for error in [read, write] {
                assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
                assert!(error.to_string().contains(&offset.to_string()), "{error}");
            }
        }
        assert_eq!(file.stream_position().await.unwrap(), 100);
        let mut all = Vec::new();
        file.rewind().await.unwrap();
        file.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), 200_003);
        file.close_and_remove().await.unwrap();
    });
}

#[test]
fn clones_share_the_position_and_see_the_writes() {
    run(async {
        let mut file = fs::temp::file().await.unwrap();
        file.write_all(b"one two").await.unwrap();
        let mut clone = file.try_clone().await.unwrap();
        clone.seek(SeekFrom::Start(4)).await.unwrap();
        let mut three = [0; 3];
        file.read_exact(&mut three).await.unwrap();
        assert_eq!(&three, b"two");
        file.set_len(3).await.unwrap();
        assert_eq!(clone.metadata().await.unwrap().len(), 3);
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        file.set_modified(time).await.unwrap();
        assert_eq!(clone.metadata().await.unwrap().modified().unwrap(), time);
        file.set_permissions(fs::Permissions::from_mode(0o400)).await.unwrap();
        file.sync_all().await.unwrap();
        file.sync_data().await.unwrap();
    });
}

#[test]
fn write_atomic_keeps_permissions_links_and_what_was_there() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let path = dir.path().join("settings");
        fs::write_atomic(&path, "new").await.unwrap();
        // A new file has the permissions that any new file has.
        let plain = dir.path().join("plain");
        fs::write(&plain, "").await.unwrap();
        let mode = |path: &Path| sync::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), mode(&plain));
        sync::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        let link = dir.path().join("link");
        sync::hard_link(&path, dir.path().join("old")).unwrap();
        std::os::unix::fs::symlink("settings", &link).unwrap();
        fs::write_atomic(&link, vec![b'n'; 3 << 20]).await.unwrap();
        assert_eq!(mode(&path), 0o604);
        assert_eq!(sync::metadata(&path).unwrap().len(), 3 << 20);
        assert_eq!(sync::read(dir.path().join("old")).unwrap(), b"new");
        assert!(sync::symlink_metadata(&link).unwrap().is_symlink());
        // Failing leaves nothing behind.
        let error = fs::write_atomic(dir.path().join("none/x"), "y").await.unwrap_err();
        assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains("none/x"));
        sync::create_dir(dir.path().join("sub")).unwrap();
        fs::write_atomic(dir.path().join("sub"), "y").await.unwrap_err();
        assert_eq!(sync::read_dir(dir.path()).unwrap().count(), 5);
        dir.close().await.unwrap();
    });
}

/// Renaming over a fifo or a socket would take it away from those who use it.
#[test]
fn write_atomic_refuses_what_is_no_regular_file_and_leaves_it() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let (fifo, socket) = (dir.path().join("fifo"), dir.path().join("socket"));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("fifo", &link).unwrap();
        for (path, what, way_out) in [
            (&fifo, "a fifo", "`fs::write`"),
            (&link, "a fifo", "`fs::write`"),
            (&socket, "a socket", "connect"),
        ] {
            let error = fs::write_atomic(path, "gone").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let text = error.to_string();
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            assert!(text.contains(what) && text.contains(way_out), "{text}");
        }
        let kind = |path: &Path| sync::symlink_metadata(path).unwrap().file_type();
        assert!(kind(&fifo).is_fifo() && kind(&socket).is_socket() && kind(&link).is_symlink());
        let error = fs::write_atomic(dir.path(), "gone").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory, "{error}");
        assert_eq!(sync::read_dir(dir.path()).unwrap().count(), 3);
        dir.close().await.unwrap();
    });
}

/// As `std::fs::write` does: the link stays, and what it points at is made.
#[test]
fn write_atomic_makes_what_a_dangling_link_points_at() {
    use std::os::unix::fs::symlink;
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let at = |name: &str| dir.path().join(name);
        sync::create_dir(at("sub")).unwrap();
        // One link after the other, each seen from its own directory, and an absolute one.
        symlink("sub/second", at("first")).unwrap();
        symlink("../made", at("sub/second")).unwrap();
        symlink(at("other"), at("absolute")).unwrap();
        for (link, target) in [("first", "made"), ("absolute", "other")] {
            for contents in ["made", "replaced"] {
                fs::write_atomic(at(link), contents).await.unwrap();
                assert!(sync::symlink_metadata(at(target)).unwrap().is_file());
                assert_eq!(sync::read_to_string(at(target)).unwrap(), contents);
                assert!(sync::symlink_metadata(at(link)).unwrap().is_symlink());
            }
        }
        assert!(sync::symlink_metadata(at("sub/second")).unwrap().is_symlink());
        // Links that lead nowhere fail as they do for std, and stay.
        symlink("loop", at("loop")).unwrap();
        symlink("none/x", at("nowhere")).unwrap();
        for link in ["loop", "nowhere"] {
            let theirs = sync::write(at(link), "x").unwrap_err();
            let error = fs::write_atomic(at(link), "x").await.unwrap_err();
            assert_eq!(error.kind(), theirs.kind(), "{error}");
            assert!(sync::symlink_metadata(at(link)).unwrap().is_symlink());
        }
        assert_eq!(sync::read_dir(dir.path()).unwrap().count(), 7);
        dir.close().await.unwrap();
    });
}

/// The name of the file that is renamed is no longer than the longest one.
#[test]
fn write_atomic_takes_the_longest_names() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        // As long as names can be on the usual file systems.
        let path = dir.path().join("n".repeat(255));
        for contents in ["made", "replaced"] {
            fs::write_atomic(&path, contents).await.unwrap();
            assert_eq!(sync::read_to_string(&path).unwrap(), contents);
        }
        assert_eq!(sync::read_dir(dir.path()).unwrap().count(), 1);
        dir.close().await.unwrap();
    });
}

#[test]
fn a_directory_is_streamed_in_batches_each_entry_once() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let names: Vec<String> = (0..1500).map(|i| format!("{i:04}")).collect();
        for name in &names {
            sync::write(dir.path().join(name), "").unwrap();
        }
        let mut got = Vec::new();
        let mut entries = fs::read_dir(dir.path()).await.unwrap();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            assert!(entry.file_type().unwrap().is_file() && entry.path().starts_with(dir.path()));
            assert!(entry.ino() > 0);
            got.push(entry.file_name().into_string().unwrap());
        }
        assert!(entries.next_entry().await.unwrap().is_none());
        got.sort();
        assert_eq!(got, names);
        let error = fs::read_dir(dir.path().join("none")).await.unwrap_err();
        assert!(error.to_string().contains("none"));
        dir.close().await.unwrap();
    });
}

#[test]
fn a_batch_keeps_the_order_and_uses_few_calls() {
    run(async {
        let items = 0..1000_u32;
        let calls = std::sync::Arc::new(sync_set());
        let seen = calls.clone();
        let doubled = fs::batch(items, move |i| {
            seen.insert();
            i * 2
        });
        let all = doubled.collect().await.unwrap();
        assert_eq!(all, (0..1000).map(|i| i * 2).collect::<Vec<_>>());
        // Four calls run at once; one that has ended may not be idle again when the next is given out.
        let threads = calls.threads();
        assert!(threads <= 16, "{threads} threads");

        let mut empty = fs::batch(Vec::<u8>::new(), |i| i);
        assert!(empty.next_result().await.unwrap().is_none());
        let task = spawn(async {
            fs::batch([1], |_| -> u8 { panic!("in a batch") }).collect().await.map(|_| ())
        });
        assert!(task.await.unwrap_err().is_panic());
    });
}

/// Which threads have called.
struct Seen(corio_sync::prim::Mutex<std::collections::HashSet<std::thread::ThreadId>>);

fn sync_set() -> Seen {
    Seen(corio_sync::prim::Mutex::default())
}

impl Seen {
    fn insert(&self) {
        self.0.lock().insert(std::thread::current().id());
    }

    fn threads(&self) -> usize {
        self.0.lock().len()
    }
}

#[test]
fn slow_items_of_a_batch_are_given_back_one_by_one() {
    run(async {
        let pause = std::time::Duration::from_millis(3);
        let mut batch = fs::batch(0..10, move |i| {
            std::thread::sleep(pause);
            i
        });
        for i in 0..10 {
            assert_eq!(batch.next_result().await.unwrap(), Some(i));
        }
        assert_eq!(batch.next_result().await.unwrap(), None);
    });
}

#[test]
fn temporary_things_go_on_close_and_on_drop_and_stay_when_kept() {
    let (dropped, kept) = run(async {
        let dir = fs::temp::dir().await.unwrap();
        let mode = sync::metadata(&dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let file = fs::temp::file_in(&dir).await.unwrap();
        assert_eq!(file.metadata().await.unwrap().permissions().mode() & 0o777, 0o600);
        let path = file.path().to_path_buf();
        file.close_and_remove().await.unwrap();
        assert!(!path.exists());
        // Gone already is no error.
        let file = fs::temp::file_in(&dir).await.unwrap();
        sync::remove_file(file.path()).unwrap();
        file.close_and_remove().await.unwrap();
        let (_, kept) = fs::temp::file_in(&dir).await.unwrap().keep();
        assert!(kept.exists());
        dir.close().await.unwrap();

        let kept = fs::temp::dir().await.unwrap().keep();
        let dir = fs::temp::dir().await.unwrap();
        sync::write(dir.path().join("inside"), "").unwrap();
        (dir.path().to_path_buf(), kept)
    });
    // The runtime has ended, and with it what was going on in the background.
    assert!(!dropped.exists());
    assert!(kept.exists());
    sync::remove_dir(kept).unwrap();
}

#[test]
fn without_a_runtime_the_error_says_so() {
    let error = corio_io::example(fs::read("/")).unwrap_err();
    assert!(error.to_string().contains("runtime"), "{error}");
}

#[test]
fn what_is_in_memory_is_read_at_once_and_all_else_the_same() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        for size in [0, 1, 1000, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 300_000] {
            let path = dir.path().join(size.to_string());
            let data: Vec<u8> = (0..size).map(|i| (i % 127) as u8).collect();
            fs::write(&path, data.clone()).await.unwrap();
            // The first may teach what file system it is; the next ones know.
            for _ in 0..3 {
                assert!(fs::read(&path).await.unwrap() == data);
                assert!(fs::read_to_string(&path).await.unwrap().as_bytes() == data);
                let mut file = File::open(&path).await.unwrap();
                let flags = rustix::fs::fcntl_getfl(&file).unwrap();
                assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
                let mut got = Vec::new();
                file.read_to_end(&mut got).await.unwrap();
                assert!(got == data);
            }
        }
        // A link is followed, a pipe is not opened on trial, and /proc is no disk.
        let (link, fifo) = (dir.path().join("link"), dir.path().join("fifo"));
        fs::symlink("1000", &link).await.unwrap();
        assert_eq!(fs::read(&link).await.unwrap().len(), 1000);
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let to = fifo.clone();
        let writer = corio_runtime::spawn_blocking(move || sync::write(to, "through the pipe"));
        assert_eq!(fs::read_to_string(&fifo).await.unwrap(), "through the pipe");
        writer.await.unwrap().unwrap();
        assert!(!fs::read("/proc/self/cmdline").await.unwrap().is_empty());
        let text = dir.path().join("text");
        fs::write(&text, [0xff, 0xfe]).await.unwrap();
        let error = fs::read_to_string(&text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        dir.close().await.unwrap();
    });
}

#[test]
fn large_files_are_read_whole_as_bytes_and_as_text() {
    run(async {
        let dir = fs::temp::dir().await.unwrap();
        let path = dir.path().join("large");
        // Around the size from which on memory is taken in another way; and a device, which tells no size.
        for len in [(4 << 20) - 1, 4 << 20, (4 << 20) + 1, 9_000_001] {
            let mut data: Vec<u8> = (0..len).map(|i| (i % 123) as u8).collect();
            sync::write(&path, &data).unwrap();
            assert!(fs::read(&path).await.unwrap() == data);
            assert!(fs::read_to_string(&path).await.unwrap().as_bytes() == data);
            data[len - 1] = 0xFF;
            sync::write(&path, &data).unwrap();
            let error = fs::read_to_string(&path).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            let text = error.to_string();
            assert!(text.contains(&format!("from its byte {}", len - 1)), "{text}");
        }
        let nothing = fs::read_to_string("/dev/null").await.unwrap();
        assert_eq!(nothing, "");
        dir.close().await.unwrap();
    });
}

/// A failure of an open file says which file, and what was being done.
#[test]
fn errors_of_an_open_file_name_it() {
    run(async {
        let check = |error: std::io::Error, start: &str, number: i32| {
            let text = error.to_string();
            assert!(text.starts_with(start), "{text:?} does not begin with {start:?}");
            assert_eq!(raw_os_error(&error), Some(number), "{text}");
            assert_eq!(error.kind(), std::io::Error::from_raw_os_error(number).kind(), "{text}");
        };
        let dir = fs::temp::dir().await.unwrap();
        let path = dir.path().join("kept");
        sync::write(&path, "0123456789").unwrap();
        let shown = path.display();

        let cannot_read = format!("cannot read {shown}: ");
        let mut written = OpenOptions::new().write(true).open(&path).await.unwrap();
        check(written.read(&mut [0; 4]).await.unwrap_err(), &cannot_read, libc::EBADF);
        check(written.read_to_end(&mut Vec::new()).await.unwrap_err(), &cannot_read, libc::EBADF);
        check(written.read_at(&mut [0; 4], 2).await.unwrap_err(), &cannot_read, libc::EBADF);

        let mut read = File::open(&path).await.unwrap();
        let cannot_write = format!("cannot write to {shown}: ");
        check(read.write_all_at(b"x", 0).await.unwrap_err(), &cannot_write, libc::EBADF);
        let cannot_seek = format!("cannot seek in {shown}: ");
        for to in [SeekFrom::Current(-1), SeekFrom::End(-11)] {
            check(read.seek(to).await.unwrap_err(), &cannot_seek, libc::EINVAL);
        }
        let mut directory = File::open(dir.path()).await.unwrap();
        let cannot_read = format!("cannot read {}: ", dir.path().display());
        check(directory.read(&mut [0; 4]).await.unwrap_err(), &cannot_read, libc::EISDIR);

        // Nobody has said what a file of std's is called.
        let unnamed = OpenOptions::new().write(true).open(&path).await.unwrap();
        let mut unnamed = File::from_std(unnamed.into_std().await.unwrap());
        let error = unnamed.read(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        dir.close().await.unwrap();
    });
}
