//! Oneshot and many-to-one channels.

use super::{bodies, rt};
use crate::work_body::Body;
use std::hint::black_box;

/// A sender that never has to wait still gives way after this many messages, or on one thread the
/// whole run would pile up in memory before the receiver saw any of it.
const BURST: u64 = 1000;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "oneshot" => oneshot,
        "oneshot_task" => oneshot_task,
        "mpsc_1_64" => mpsc::<1, 64>,
        "mpsc_1_1024" => mpsc::<1, 1024>,
        "mpsc_1_unbounded" => mpsc_unbounded::<1>,
        "mpsc_4_64" => mpsc::<4, 64>,
        "mpsc_4_1024" => mpsc::<4, 1024>,
        "mpsc_4_unbounded" => mpsc_unbounded::<4>,
        "mpsc_100_64" => mpsc::<100, 64>,
        "mpsc_100_1024" => mpsc::<100, 1024>,
        "mpsc_100_unbounded" => mpsc_unbounded::<100>,
    })
}

/// Makes a channel, sends and receives, all in one task.
async fn oneshot(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        let (sender, receiver) = rt::oneshot::channel();
        let _ = black_box(sender).send(black_box(1));
        count += rt::oneshot_receive(receiver).await.unwrap_or(0);
    }
    count
}

/// Waits for the value of a task spawned for it.
async fn oneshot_task(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        let (sender, receiver) = rt::oneshot::channel();
        rt::detach(rt::spawn(async move {
            let _ = sender.send(black_box(1));
        }));
        count += rt::oneshot_receive(receiver).await.unwrap_or(0);
    }
    count
}

async fn mpsc<const SENDERS: u64, const CAPACITY: usize>(n: u64) -> u64 {
    let (sender, mut receiver) = rt::channel::<u64>(CAPACITY);
    let total = rt::spawn(async move {
        let mut count = 0;
        while let Some(value) = receiver.recv().await {
            count += value;
        }
        count
    });
    for _ in 0..SENDERS {
        let sender = sender.clone();
        rt::detach(rt::spawn(async move {
            for _ in 0..n / SENDERS {
                if sender.send(black_box(1)).await.is_err() {
                    break;
                }
            }
        }));
    }
    drop(sender);
    rt::join(total).await
}

async fn mpsc_unbounded<const SENDERS: u64>(n: u64) -> u64 {
    let (sender, mut receiver) = rt::unbounded::<u64>();
    let total = rt::spawn(async move {
        let mut count = 0;
        while let Some(value) = receiver.recv().await {
            count += value;
        }
        count
    });
    for _ in 0..SENDERS {
        let sender = sender.clone();
        rt::detach(rt::spawn(async move {
            for sent in 0..n / SENDERS {
                if sent % BURST == BURST - 1 {
                    rt::yield_now().await;
                }
                if sender.send(black_box(1)).is_err() {
                    break;
                }
            }
        }));
    }
    drop(sender);
    rt::join(total).await
}
