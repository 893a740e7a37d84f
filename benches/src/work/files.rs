//! Reading files, one large one and many small ones. All of them are in the system's cache.

use super::rt;
use crate::files::{self, LARGE_MIB, MIB, SMALL_BYTES};
use crate::work_body::{Body, bodies};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes that are asked for at once.
const PIECE: usize = 64 << 10;
/// The tasks that read small files side by side.
const TASKS: u64 = 64;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "file_pieces" => pieces,
        "file_whole" => whole,
        "files_small_1" => small,
        "files_small_64" => small_by_tasks,
        "files_small_batch" => batch,
    })
}

async fn pieces(n: u64) -> u64 {
    let mut bytes = 0;
    for _ in 0..n / LARGE_MIB {
        bytes += read_in_pieces().await.expect("a large file that can be read");
    }
    (bytes / MIB) as u64
}

async fn read_in_pieces() -> io::Result<usize> {
    let mut file = rt::fs::File::open(files::large()).await?;
    let mut buffer = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        match rt::read_file(&mut file, &mut buffer).await? {
            0 => return Ok(bytes),
            n => bytes += n,
        }
    }
}

async fn whole(n: u64) -> u64 {
    let mut bytes = 0;
    for _ in 0..n / LARGE_MIB {
        bytes += rt::fs::read(files::large()).await.expect("a large file that can be read").len();
    }
    (bytes / MIB) as u64
}

/// Whether what was read is a small file.
pub(crate) fn is_small(contents: io::Result<Vec<u8>>) -> u64 {
    u64::from(contents.is_ok_and(|contents| contents.len() == SMALL_BYTES))
}

async fn small(n: u64) -> u64 {
    let mut count = 0;
    for turn in 0..n {
        count += is_small(rt::fs::read(files::small(turn)).await);
    }
    count
}

/// Each task takes the next file when it is done with one.
pub(crate) async fn small_by_tasks(n: u64) -> u64 {
    let next = Arc::new(AtomicU64::new(0));
    let read = |next: Arc<AtomicU64>| async move {
        let mut count = 0;
        loop {
            // Ordering: Relaxed; it hands out numbers and nothing else.
            match next.fetch_add(1, Ordering::Relaxed) {
                turn if turn < n => count += is_small(rt::fs::read(files::small(turn)).await),
                _ => return count,
            }
        }
    };
    let tasks: Vec<_> = (0..TASKS).map(|_| rt::spawn(read(next.clone()))).collect();
    let mut count = 0;
    for task in tasks {
        count += rt::join(task).await;
    }
    count
}

async fn batch(n: u64) -> u64 {
    rt::read_small_files(n).await
}
