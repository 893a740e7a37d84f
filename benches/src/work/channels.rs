//! Oneshot channels, and unbounded ones from many senders to one receiver.

use super::rt;
use crate::heap::Hold;
use crate::runtime::Flavor;
use crate::sys;
use crate::work_body::{Body, Received, bodies, holds, receive_all};
use std::hint::black_box;

/// A sender that never has to wait still gives way after this many messages, or on one thread the
/// whole run would pile up in memory before the receiver saw any of it.
const BURST: u64 = 1000;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "oneshot" => oneshot,
        "oneshot_task" => oneshot_task,
        "oneshot_threads" => oneshot_threads,
        "mpsc_1_unbounded" => mpsc_unbounded(1),
        "mpsc_4_unbounded" => mpsc_unbounded(4),
        "mpsc_100_unbounded" => mpsc_unbounded(100),
        "mpsc_threads_unbounded" => mpsc_threads_unbounded,
    })
}

pub(crate) fn holds(name: &str) -> Option<Hold> {
    holds!(name, {
        "bytes_mpsc_unbounded" => rt::unbounded::<u64>(),
        "bytes_oneshot" => rt::oneshot::channel::<u64>(),
    })
}

/// Makes a channel, sends and receives, all in one task.
async fn oneshot(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        let (sender, receiver) = rt::oneshot::channel();
        let _ = black_box(sender).send(black_box(1));
        count += rt::oneshot_receive(receiver).await.received().unwrap_or(0);
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
        count += rt::oneshot_receive(receiver).await.received().unwrap_or(0);
    }
    count
}

/// Asks a task on another thread, with each request a oneshot for its answer.
async fn oneshot_threads(n: u64) -> u64 {
    let (requests, mut requested) = rt::unbounded::<rt::oneshot::Sender<u64>>();
    let server = sys::beside(move || {
        rt::run(Flavor::Current, async move {
            while let Some(answer) = requested.recv().await.received() {
                let _ = answer.send(black_box(1));
            }
        });
    });
    let mut count = 0;
    for _ in 0..n {
        let (answer, answered) = rt::oneshot::channel();
        let _ = requests.send(answer);
        count += rt::oneshot_receive(answered).await.received().unwrap_or(0);
    }
    drop(requests);
    // It has nothing left to do.
    let _ = server.join();
    count
}

/// The receiver is here, the sender on another thread. It gives way now and then for the same
/// reason as above, and the receiver confirms each burst before the next begins.
async fn mpsc_threads_unbounded(n: u64) -> u64 {
    let (sender, mut receiver) = rt::unbounded::<u64>();
    let (confirm, mut confirmed) = rt::unbounded::<()>();
    let sending = sys::beside(move || {
        rt::run(Flavor::Current, async move {
            for sent in 0..n {
                if sent % BURST == BURST - 1 {
                    let _ = confirmed.recv().await;
                }
                if sender.send(black_box(1)).is_err() {
                    break;
                }
            }
        });
    });
    let mut count = 0;
    let mut seen = 0_u64;
    while let Some(value) = receiver.recv().await.received() {
        count += value;
        seen += 1;
        if seen % BURST == BURST - 1 {
            let _ = confirm.send(());
        }
    }
    // It has nothing left to do.
    let _ = sending.join();
    count
}

async fn mpsc_unbounded(n: u64, senders: u64) -> u64 {
    let (sender, mut receiver) = rt::unbounded::<u64>();
    let total = rt::spawn(async move { receive_all!(receiver) });
    for _ in 0..senders {
        let sender = sender.clone();
        rt::detach(rt::spawn(async move {
            for sent in 0..n / senders {
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
