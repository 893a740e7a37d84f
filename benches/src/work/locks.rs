//! Locks and semaphores, with nobody in the way, with eight tasks, and between two threads.

use super::rt;
use crate::runtime::Flavor;
use crate::sys::{self, Meeting};
use crate::work_body::{Body, bodies};
use std::hint::black_box;
use std::sync::Arc;

/// Tasks that want the same lock.
const TASKS: u64 = 8;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "mutex" => mutex,
        "mutex_8" => mutex_8,
        "mutex_8_held" => mutex_8_held(rt::Mutex::new(0)),
        "barging_8_held" => mutex_8_held(rt::barging(0)),
        "rwlock" => rwlock,
        "rwlock_8" => rwlock_8,
        "semaphore" => semaphore,
        "semaphore_8" => semaphore_8,
        "barrier_8" => barrier_8,
        "once_cell" => once_cell,
        "mutex_threads" => mutex_threads(rt::Mutex::new(0)),
        "barging_threads" => mutex_threads(rt::barging(0)),
        "rwlock_threads" => rwlock_threads,
        "semaphore_threads" => semaphore_threads,
    })
}

/// Runs [`TASKS`] tasks made by `$task` and adds up what they return.
macro_rules! tasks_on {
    ($shared:expr, $task:expr) => {{
        let shared = Arc::new($shared);
        let task = $task;
        let handles: Vec<_> = (0..TASKS).map(|_| rt::spawn(task(shared.clone()))).collect();
        let mut count = 0;
        for handle in handles {
            count += rt::join(handle).await;
        }
        (count, shared)
    }};
}

async fn mutex(n: u64) -> u64 {
    let mutex = rt::Mutex::new(0);
    for _ in 0..n {
        *mutex.lock().await += black_box(1);
    }
    *mutex.lock().await
}

async fn mutex_8(n: u64) -> u64 {
    let (_, mutex) = tasks_on!(rt::Mutex::new(0_u64), |mutex: Arc<rt::Mutex<u64>>| async move {
        for _ in 0..n / TASKS {
            *mutex.lock().await += black_box(1);
        }
        0
    });
    *mutex.lock().await
}

async fn mutex_8_held(n: u64, mutex: rt::Mutex<u64>) -> u64 {
    let (_, mutex) = tasks_on!(mutex, |mutex: Arc<rt::Mutex<u64>>| async move {
        for _ in 0..n / TASKS {
            let mut guard = mutex.lock().await;
            rt::yield_now().await;
            *guard += black_box(1);
        }
        0
    });
    *mutex.lock().await
}

async fn rwlock(n: u64) -> u64 {
    let lock = rt::RwLock::new(1);
    let mut count = 0;
    for _ in 0..n {
        count += *lock.read().await;
    }
    count
}

/// One write to seven reads, each held across a yield.
async fn rwlock_8(n: u64) -> u64 {
    let (read, lock) = tasks_on!(rt::RwLock::new(0_u64), |lock: Arc<rt::RwLock<u64>>| async move {
        let mut reads = 0;
        for turn in 0..n / TASKS {
            if turn % 8 == 0 {
                let mut guard = lock.write().await;
                rt::yield_now().await;
                *guard += black_box(1);
            } else {
                let guard = lock.read().await;
                rt::yield_now().await;
                black_box(*guard);
                reads += 1;
            }
        }
        reads
    });
    let written = *lock.read().await;
    read + written
}

async fn semaphore(n: u64) -> u64 {
    let semaphore = rt::Semaphore::new(1);
    let mut count = 0;
    for _ in 0..n {
        let permit = rt::granted(semaphore.acquire().await);
        count += black_box(1);
        drop(permit);
    }
    count
}

/// Two permits for eight tasks, each held across a yield.
async fn semaphore_8(n: u64) -> u64 {
    let (count, _) = tasks_on!(rt::Semaphore::new(2), |semaphore: Arc<rt::Semaphore>| async move {
        let mut count = 0_u64;
        for _ in 0..n / TASKS {
            let permit = rt::granted(semaphore.acquire().await);
            rt::yield_now().await;
            count += black_box(1);
            drop(permit);
        }
        count
    });
    count
}

/// Eight tasks meet again and again; each arrival counts once it has passed.
async fn barrier_8(n: u64) -> u64 {
    let barrier = rt::Barrier::new(TASKS as usize);
    let (count, _) = tasks_on!(barrier, |barrier: Arc<rt::Barrier>| async move {
        let mut count = 0_u64;
        for _ in 0..n / TASKS {
            let _ = black_box(barrier.wait().await);
            count += 1;
        }
        count
    });
    count
}

async fn once_cell(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        let cell = rt::OnceCell::new();
        cell.get_or_init(|| async { black_box(1) }).await;
        count += black_box(&cell).get().copied().unwrap_or(0);
    }
    count
}

/// Runs what `$task` makes here and on another thread, both at the same time, and adds up what the two return.
macro_rules! threads_on {
    ($shared:expr, $task:expr) => {{
        let shared = Arc::new($shared);
        let task = $task;
        let theirs = task(shared.clone());
        let meeting = Arc::new(Meeting::default());
        let there = meeting.clone();
        let thread = sys::beside(move || {
            let theirs = async move {
                there.wait();
                theirs.await
            };
            rt::run(Flavor::Current, theirs)
        });
        meeting.wait();
        let ours = task(shared.clone()).await;
        // All that it may still wait for is the lock, and nobody holds that here.
        (ours + thread.join().unwrap_or(0), shared)
    }};
}

async fn mutex_threads(n: u64, mutex: rt::Mutex<u64>) -> u64 {
    let (_, mutex) = threads_on!(mutex, |mutex: Arc<rt::Mutex<u64>>| async move {
        for _ in 0..n / 2 {
            *mutex.lock().await += black_box(1);
        }
        0
    });
    *mutex.lock().await
}

async fn rwlock_threads(n: u64) -> u64 {
    let (read, lock) =
        threads_on!(rt::RwLock::new(0_u64), |lock: Arc<rt::RwLock<u64>>| async move {
            let mut reads = 0;
            for turn in 0..n / 2 {
                if turn % 8 == 0 {
                    *lock.write().await += black_box(1);
                } else {
                    black_box(*lock.read().await);
                    reads += 1;
                }
            }
            reads
        });
    let written = *lock.read().await;
    read + written
}

async fn semaphore_threads(n: u64) -> u64 {
    let (count, _) =
        threads_on!(rt::Semaphore::new(1), |semaphore: Arc<rt::Semaphore>| async move {
            let mut count = 0_u64;
            for _ in 0..n / 2 {
                let permit = rt::granted(semaphore.acquire().await);
                count += black_box(1);
                drop(permit);
            }
            count
        });
    count
}
