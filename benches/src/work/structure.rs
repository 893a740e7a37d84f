//! Waiting for the first of two, cancelling, and cleaning up.

use super::rt;
use crate::work_body::{Body, Countdown, PendOnce, Received, bodies};
use std::future::pending;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Tasks alive at once in the batched workloads.
const BATCH: u64 = 1000;
/// A sleep that does not end by itself.
const FAR: Duration = Duration::from_secs(60);

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "select_2_ready" => select_2_ready,
        "select_2" => select_2,
        "select_2_receive" => select_2_receive,
        "cancel_sleeping" => cancel_sleeping(1),
        "cancel_sleeping_1000" => cancel_sleeping(BATCH),
        "plain_task" => plain_task,
        "plain_task_beside" => plain_task_beside,
        "cleanup_task" => cleanup_task,
    })
}

async fn select_2_ready(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        count += rt::select_2!(async { black_box(1) }, pending::<u64>());
    }
    count
}

async fn select_2(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        count += rt::select_2!(PendOnce::default(), pending::<u64>());
    }
    count
}

/// What a service does: it takes messages until it hears that it shall end.
async fn select_2_receive(n: u64) -> u64 {
    let (sender, mut receiver) = rt::channel::<u64>(64);
    let (_stop, mut stopped) = rt::channel::<u64>(1);
    rt::detach(rt::spawn(async move {
        for _ in 0..n {
            if sender.send(black_box(1)).await.is_err() {
                break;
            }
        }
    }));
    let mut count = 0;
    while let Some(value) = rt::select_2!(receiver.recv(), stopped.recv()).received() {
        count += value;
    }
    count
}

/// Sleeps for longer than anybody waits, and tells `asleep` once the timer is set.
pub(crate) async fn sleeping(asleep: Arc<Countdown>) {
    let mut sleep = pin!(rt::sleep(FAR));
    let mut told = false;
    std::future::poll_fn(|cx| {
        let polled = sleep.as_mut().poll(cx);
        if !std::mem::replace(&mut told, true) {
            asleep.arrive(1);
        }
        polled
    })
    .await;
}

/// Counts the tasks that ended because they were cancelled.
async fn cancel_sleeping(n: u64, at_once: u64) -> u64 {
    let mut count = 0;
    let mut handles = Vec::with_capacity(at_once as usize);
    for _ in 0..n / at_once {
        let asleep = Arc::new(Countdown::new(at_once));
        handles.extend((0..at_once).map(|_| rt::spawn(sleeping(asleep.clone()))));
        asleep.wait().await;
        for handle in handles.drain(..) {
            count += u64::from(rt::cancel(handle).await);
        }
    }
    count
}

async fn plain_task(n: u64) -> u64 {
    let mut count = 0;
    let mut handles = Vec::with_capacity(BATCH as usize);
    for _ in 0..n / BATCH {
        handles.extend((0..BATCH).map(|_| rt::spawn(PendOnce::default())));
        for handle in handles.drain(..) {
            count += rt::join(handle).await;
        }
    }
    count
}

/// What one task uses of the machinery of cleanups must cost the others nothing.
async fn plain_task_beside(n: u64) -> u64 {
    rt::join(rt::spawn(rt::cleaned(PendOnce::default(), || async {}))).await;
    let owing = Arc::new(Countdown::new(1));
    let held = rt::spawn(rt::cleaned(sleeping(owing.clone()), || async {}));
    owing.wait().await;
    let count = plain_task(n).await;
    if rt::cancel(held).await { count } else { 0 }
}

/// Each operation counts once its cleanup has run.
async fn cleanup_task(n: u64) -> u64 {
    let cleaned = Arc::new(AtomicU64::new(0));
    let mut handles = Vec::with_capacity(BATCH as usize);
    for _ in 0..n / BATCH {
        handles.extend((0..BATCH).map(|_| {
            let cleaned = cleaned.clone();
            let cleanup = move || async move {
                // Ordering: Relaxed, since the tasks are awaited before it is read.
                cleaned.fetch_add(1, Ordering::Relaxed);
            };
            rt::spawn(rt::cleaned(PendOnce::default(), cleanup))
        }));
        for handle in handles.drain(..) {
            rt::join(handle).await;
        }
    }
    // Ordering: Relaxed, as above.
    cleaned.load(Ordering::Relaxed)
}
