//! Ten thousand runtimes in one process leave nothing behind. Alone in its file: it counts what the
//! whole process has.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::{Duration, Instant};

use corio::net::{TcpListener, TcpStream};
use corio::runtime::{Builder, Runtime};

fn entries(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// Resident memory, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A bit of everything: tasks, a timer, a cancelled task with a cleanup, blocking calls, a socket.
async fn some_work(with_sockets: bool, with_blocking: bool) {
    let sum = corio::spawn(async { corio::spawn(async { 20 }).await.unwrap() + 22 });
    let endless = corio::spawn(corio::finally(std::future::pending::<()>(), || corio::yield_now()));
    // Left alone: the end of the runtime ends it.
    drop(corio::spawn(corio::sleep(Duration::from_secs(3600))));
    assert_eq!(sum.await.unwrap(), 42);
    corio::sleep(Duration::from_micros(1)).await;
    endless.cancel();
    assert!(endless.await.unwrap_err().is_cancelled());
    if with_sockets {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
        // A task that waits for a socket when the runtime ends.
        drop(corio::spawn(async move { server.read(&mut [0; 8]).await }));
        corio::yield_now().await;
    }
    if with_blocking {
        assert_eq!(corio::spawn_blocking(|| 7).await.unwrap(), 7);
    }
}

fn one(i: usize) {
    let runtime: Runtime = match i % 4 {
        0 => Builder::new_multi_thread().worker_threads(2).build().unwrap(),
        _ => Builder::new_current_thread().build().unwrap(),
    };
    runtime.block_on(some_work(i % 5 == 0, i % 7 == 0));
    match i % 3 {
        0 => runtime.shutdown_timeout(Duration::from_secs(60)),
        _ => drop(runtime),
    }
}

/// Waits until the count of `folder` is down to `most`: a thread that has ended is still listed for
/// a moment after it was joined.
fn settles_at(folder: &str, most: usize) -> usize {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let count = entries(folder);
        if count <= most || Instant::now() > deadline {
            return count;
        }
        std::thread::yield_now();
    }
}

#[test]
fn ten_thousand_runtimes_leave_nothing_behind() {
    // The first ones fill the allocator's pools and the process-wide tables.
    (0..1_000).for_each(one);
    let (fds, threads, memory) = (entries("/proc/self/fd"), entries("/proc/self/task"), resident());
    (0..9_000).for_each(one);
    let threads_now = settles_at("/proc/self/task", threads);
    let fds_now = settles_at("/proc/self/fd", fds);
    let memory_now = resident();
    assert!(threads_now <= threads, "threads: {threads} before, {threads_now} after");
    assert!(fds_now <= fds, "descriptors: {fds} before, {fds_now} after");
    // A sanitizer keeps freed memory on purpose, to see who still uses it.
    if std::env::var_os("ASAN_OPTIONS").or(std::env::var_os("TSAN_OPTIONS")).is_some() {
        return;
    }
    // A hundred bytes for each runtime would be 900 KiB; what the allocator does is less regular.
    assert!(memory_now < memory + 4096, "KiB: {memory} before, {memory_now} after");
}
