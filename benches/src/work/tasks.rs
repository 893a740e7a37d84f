//! Spawning, awaiting, yielding, and calls of blocking code.

use super::bounded::echo;
use super::rt;
use crate::work_body::{Body, Countdown, bodies};
use std::hint::black_box;
use std::sync::Arc;

/// Tasks alive at once in the batched workloads.
const BATCH: u64 = 1000;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "spawn_await_1000" => spawn_await_1000,
        "spawn_await_1" => spawn_await_1,
        "spawn_detached" => spawn_detached,
        "chained_spawn" => chained_spawn,
        "yield_1" => yield_1,
        "yield_1000" => yield_1000,
        "ping_pong_thread" => ping_pong_thread,
        "spawn_blocking_1" => spawn_blocking_1,
        "spawn_blocking_100" => spawn_blocking_100,
    })
}

async fn one() -> u64 {
    black_box(1)
}

async fn spawn_await_1000(n: u64) -> u64 {
    let mut count = 0;
    let mut handles = Vec::with_capacity(BATCH as usize);
    for _ in 0..n / BATCH {
        handles.extend((0..BATCH).map(|_| rt::spawn(one())));
        for handle in handles.drain(..) {
            count += rt::join(handle).await;
        }
    }
    count
}

async fn spawn_await_1(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        count += rt::join(rt::spawn(one())).await;
    }
    count
}

async fn spawn_detached(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n / BATCH {
        let done = Arc::new(Countdown::new(BATCH));
        for _ in 0..BATCH {
            let done = done.clone();
            rt::detach(rt::spawn(async move { done.arrive(black_box(1)) }));
        }
        count += done.wait().await;
    }
    count
}

/// Each task spawns the next and ends.
async fn chained_spawn(n: u64) -> u64 {
    fn link(depth: u64, n: u64, done: Arc<Countdown>) {
        rt::detach(rt::spawn(async move {
            if depth == n {
                done.arrive(depth);
            } else {
                link(depth + 1, n, done);
            }
        }));
    }
    let done = Arc::new(Countdown::new(1));
    link(1, n, done.clone());
    done.wait().await
}

async fn yields(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        rt::yield_now().await;
        count += black_box(1);
    }
    count
}

async fn yield_1(n: u64) -> u64 {
    rt::join(rt::spawn(yields(n))).await
}

async fn yield_1000(n: u64) -> u64 {
    let handles: Vec<_> = (0..BATCH).map(|_| rt::spawn(yields(n / BATCH))).collect();
    let mut count = 0;
    for handle in handles {
        count += rt::join(handle).await;
    }
    count
}

/// Round trips between a plain thread and a spawned task.
async fn ping_pong_thread(n: u64) -> u64 {
    let (ask, mut answered) = echo();
    let done = Arc::new(Countdown::new(1));
    let at_end = done.clone();
    let thread = std::thread::spawn(move || {
        let mut count = 0;
        for _ in 0..n {
            if ask.blocking_send(1).is_err() {
                break;
            }
            count += answered.blocking_recv().unwrap_or(0);
        }
        at_end.arrive(count);
    });
    let count = done.wait().await;
    // The thread has nothing left to do, so this does not hold the runtime up.
    let _ = thread.join();
    count
}

async fn spawn_blocking_1(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        count += rt::join(rt::spawn_blocking(|| black_box(1))).await;
    }
    count
}

async fn spawn_blocking_100(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n / 100 {
        let handles: Vec<_> = (0..100).map(|_| rt::spawn_blocking(|| black_box(1))).collect();
        for handle in handles {
            count += rt::join(handle).await;
        }
    }
    count
}
