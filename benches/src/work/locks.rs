//! Locks and semaphores, with nobody in the way and with eight tasks.

use super::{bodies, rt};
use crate::work_body::Body;
use std::hint::black_box;
use std::sync::Arc;

/// Tasks that want the same lock.
const TASKS: u64 = 8;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "mutex" => mutex,
        "mutex_8" => mutex_8,
        "mutex_8_held" => mutex_8_held,
        "rwlock" => rwlock,
        "rwlock_8" => rwlock_8,
        "semaphore" => semaphore,
        "semaphore_8" => semaphore_8,
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

async fn mutex_8_held(n: u64) -> u64 {
    let (_, mutex) = tasks_on!(rt::Mutex::new(0_u64), |mutex: Arc<rt::Mutex<u64>>| async move {
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
        let permit = rt::acquire(&semaphore).await;
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
            let permit = rt::acquire(&semaphore).await;
            rt::yield_now().await;
            count += black_box(1);
            drop(permit);
        }
        count
    });
    count
}
