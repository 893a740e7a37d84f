//! Workloads for what smol does not have: broadcast, watch and notify.

use super::rt;
use super::work::bodies;
use crate::work_body::{Body, Countdown};
use std::hint::black_box;
use std::sync::Arc;

/// Messages under way at once, below the capacity so that no receiver is ever overtaken.
const BURST: u64 = 1000;
/// Receivers of the broadcast.
const RECEIVERS: u64 = 4;
/// Receivers of the watch.
const WATCHERS: u64 = 8;
/// Tasks in the ring of notifications.
const RING: u64 = 8;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "broadcast_4" => broadcast_4,
        "watch" => watch,
        "watch_8" => watch_8,
        "notify" => notify,
        "notify_8" => notify_8,
    })
}

async fn broadcast_4(n: u64) -> u64 {
    let (sender, _) = rt::broadcast::channel::<u64>(1024);
    let mut count = 0;
    for _ in 0..n / BURST {
        let done = Arc::new(Countdown::new(RECEIVERS));
        for _ in 0..RECEIVERS {
            let mut receiver = sender.subscribe();
            let done = done.clone();
            rt::detach(rt::spawn(async move {
                let mut received = 0;
                for _ in 0..BURST {
                    received += receiver.recv().await.unwrap_or(0);
                }
                done.arrive(received);
            }));
        }
        for _ in 0..BURST {
            let _ = sender.send(black_box(1));
        }
        count += done.wait().await;
    }
    count
}

/// Round trips over two watches.
async fn watch(n: u64) -> u64 {
    let (ask, mut asked) = rt::watch::channel(0_u64);
    let (answer, mut answered) = rt::watch::channel(0_u64);
    let echo = rt::spawn(async move {
        for _ in 0..n {
            if asked.changed().await.is_err() {
                break;
            }
            let value = *asked.borrow_and_update();
            let _ = answer.send(value);
        }
    });
    for turn in 1..=n {
        let _ = ask.send(turn);
        if answered.changed().await.is_err() {
            break;
        }
    }
    rt::join(echo).await;
    *answered.borrow_and_update()
}

/// One sender, eight tasks that see each value and say so.
async fn watch_8(n: u64) -> u64 {
    let (sender, receiver) = rt::watch::channel(0_u64);
    let (seen, mut all_seen) = rt::channel::<u64>(WATCHERS as usize);
    for _ in 0..WATCHERS {
        let (mut receiver, seen) = (receiver.clone(), seen.clone());
        rt::detach(rt::spawn(async move {
            while receiver.changed().await.is_ok() {
                let value = *receiver.borrow_and_update();
                if seen.send(black_box(value.min(1))).await.is_err() {
                    break;
                }
            }
        }));
    }
    let mut count = 0;
    for turn in 1..=n {
        let _ = sender.send(turn);
        for _ in 0..WATCHERS {
            count += all_seen.recv().await.unwrap_or(0);
        }
    }
    count
}

async fn notify(n: u64) -> u64 {
    let notify = rt::Notify::new();
    let mut count = 0;
    for _ in 0..n {
        notify.notify_one();
        notify.notified().await;
        count += black_box(1);
    }
    count
}

/// A notification that goes round a ring of tasks.
async fn notify_8(n: u64) -> u64 {
    let ring: Arc<Vec<_>> = Arc::new((0..RING).map(|_| rt::Notify::new()).collect());
    let handles: Vec<_> = (0..RING as usize)
        .map(|index| {
            let ring = ring.clone();
            rt::spawn(async move {
                let mut count = 0_u64;
                for _ in 0..n / RING {
                    ring[index].notified().await;
                    count += black_box(1);
                    ring[(index + 1) % ring.len()].notify_one();
                }
                count
            })
        })
        .collect();
    ring[0].notify_one();
    let mut count = 0;
    for handle in handles {
        count += rt::join(handle).await;
    }
    count
}
