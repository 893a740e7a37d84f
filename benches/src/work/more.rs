//! Workloads for what corio and tokio have and others do not: broadcast, watch, notify, and a
//! bounded channel's reserved places and receives of many messages at once.

use super::rt;
use crate::runtime::Flavor;
use crate::sys;
use crate::work_body::{Body, Countdown, Received, bodies};
use std::hint::black_box;
use std::sync::Arc;

/// Messages under way at once, below the capacity so that no receiver is ever overtaken.
const BURST: u64 = 1000;
/// Receivers of the watch.
const WATCHERS: u64 = 8;
/// Tasks in the ring of notifications.
const RING: u64 = 8;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "mpsc_1_reserve" => mpsc_reserve,
        "mpsc_1_many" => mpsc_many,
        "broadcast_1" => broadcast(1),
        "broadcast_4" => broadcast(4),
        "broadcast_8" => broadcast(8),
        "watch" => watch,
        "watch_8" => watch_8,
        "watch_threads" => watch_threads,
        "notify" => notify,
        "notify_8" => notify_8,
        "notify_ping_pong" => notify_ping_pong,
        "notify_threads" => notify_threads,
    })
}

async fn broadcast(n: u64, receivers: u64) -> u64 {
    let (sender, _) = rt::broadcast::channel::<u64>(1024);
    let mut count = 0;
    for _ in 0..n / BURST {
        let done = Arc::new(Countdown::new(receivers));
        for _ in 0..receivers {
            let mut receiver = sender.subscribe();
            let done = done.clone();
            rt::detach(rt::spawn(async move {
                let mut received = 0;
                for _ in 0..BURST {
                    received += receiver.recv().await.received().unwrap_or(0);
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

/// Answers the values of one watch in another until the first one's sender is gone.
macro_rules! answering {
    ($asked:ident, $answer:ident) => {
        async move {
            while $asked.changed().await.is_ok() {
                let value = *$asked.borrow_and_update();
                let _ = $answer.send(value);
            }
        }
    };
}

/// Round trips over two watches; the last answer is the number of them.
macro_rules! asking {
    ($n:ident, $ask:ident, $answered:ident) => {
        for turn in 1..=$n {
            let _ = $ask.send(turn);
            if $answered.changed().await.is_err() {
                break;
            }
        }
    };
}

async fn watch(n: u64) -> u64 {
    let (ask, mut asked) = rt::watch::channel(0_u64);
    let (answer, mut answered) = rt::watch::channel(0_u64);
    let echo = rt::spawn(answering!(asked, answer));
    asking!(n, ask, answered);
    drop(ask);
    rt::join(echo).await;
    *answered.borrow_and_update()
}

async fn watch_threads(n: u64) -> u64 {
    let (ask, mut asked) = rt::watch::channel(0_u64);
    let (answer, mut answered) = rt::watch::channel(0_u64);
    let echo = sys::beside(move || rt::run(Flavor::Current, answering!(asked, answer)));
    asking!(n, ask, answered);
    drop(ask);
    // It has nothing left to do.
    let _ = echo.join();
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
            count += all_seen.recv().await.received().unwrap_or(0);
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

/// Waits for each of `n` notifications of `here` and notifies `there`.
async fn notified_in_turn(n: u64, here: Arc<rt::Notify>, there: Arc<rt::Notify>) -> u64 {
    let mut count = 0_u64;
    for _ in 0..n {
        here.notified().await;
        count += black_box(1);
        there.notify_one();
    }
    count
}

async fn notify_ping_pong(n: u64) -> u64 {
    let (ping, pong) = (Arc::new(rt::Notify::new()), Arc::new(rt::Notify::new()));
    let other = rt::spawn(notified_in_turn(n, ping.clone(), pong.clone()));
    ping.notify_one();
    let count = notified_in_turn(n, pong, ping).await;
    rt::join(other).await.min(count)
}

async fn notify_threads(n: u64) -> u64 {
    let (ping, pong) = (Arc::new(rt::Notify::new()), Arc::new(rt::Notify::new()));
    let theirs = notified_in_turn(n, ping.clone(), pong.clone());
    let other = sys::beside(move || rt::run(Flavor::Current, theirs));
    ping.notify_one();
    let count = notified_in_turn(n, pong, ping).await;
    other.join().unwrap_or(0).min(count)
}

/// A sender that takes its place in the channel before it has a message.
async fn mpsc_reserve(n: u64) -> u64 {
    let (sender, mut receiver) = rt::channel::<u64>(64);
    rt::detach(rt::spawn(async move {
        for _ in 0..n {
            match sender.reserve().await {
                Ok(permit) => permit.send(black_box(1)),
                Err(_) => break,
            };
        }
    }));
    let mut count = 0;
    while let Some(value) = receiver.recv().await.received() {
        count += value;
    }
    count
}

/// A receiver that takes what is there, up to 32 messages at a time.
async fn mpsc_many(n: u64) -> u64 {
    let (sender, mut receiver) = rt::channel::<u64>(64);
    rt::detach(rt::spawn(async move {
        for _ in 0..n {
            if sender.send(black_box(1)).await.is_err() {
                break;
            }
        }
    }));
    let mut messages = Vec::with_capacity(32);
    let mut count = 0;
    while receiver.recv_many(&mut messages, 32).await > 0 {
        count += messages.drain(..).sum::<u64>();
    }
    count
}
