//! Bounded channels from many senders to one receiver, and tasks that answer each other over them.

use super::rt;
use crate::heap::Hold;
use crate::runtime::Flavor;
use crate::sys;
use crate::work_body::{Body, Received, bodies, holds, receive_all, send_all};

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "mpsc_1_64" => mpsc(1, 64),
        "mpsc_1_1024" => mpsc(1, 1024),
        "mpsc_4_64" => mpsc(4, 64),
        "mpsc_4_1024" => mpsc(4, 1024),
        "mpsc_100_64" => mpsc(100, 64),
        "mpsc_100_1024" => mpsc(100, 1024),
        "mpsc_threads_1" => mpsc_threads(1),
        "mpsc_threads_64" => mpsc_threads(64),
        "mpsc_threads_1024" => mpsc_threads(1024),
        "ping_pong_tasks" => ping_pong_tasks,
        "ping_pong_main" => ping_pong_main,
    })
}

pub(crate) fn holds(name: &str) -> Option<Hold> {
    holds!(name, {
        "bytes_mpsc_64" => rt::channel::<u64>(64),
        "bytes_mpsc_1024" => rt::channel::<u64>(1024),
    })
}

async fn mpsc(n: u64, senders: u64, capacity: usize) -> u64 {
    let (sender, mut receiver) = rt::channel::<u64>(capacity);
    let total = rt::spawn(async move { receive_all!(receiver) });
    for _ in 0..senders {
        let sender = sender.clone();
        rt::detach(rt::spawn(async move {
            send_all!(sender, n / senders);
        }));
    }
    drop(sender);
    rt::join(total).await
}

/// The receiver is here, the sender on another thread with a runtime of its own.
async fn mpsc_threads(n: u64, capacity: usize) -> u64 {
    let (sender, mut receiver) = rt::channel::<u64>(capacity);
    let sending = sys::beside(move || {
        rt::run(Flavor::Current, async move {
            send_all!(sender, n);
        });
    });
    let count = receive_all!(receiver);
    // It has nothing left to do.
    let _ = sending.join();
    count
}

/// Spawns a task that echoes; it ends when the sender is dropped.
pub(crate) fn echo() -> (rt::Sender<u64>, rt::Receiver<u64>) {
    let (ask, mut asked) = rt::channel::<u64>(1);
    let (answer, answered) = rt::channel::<u64>(1);
    rt::detach(rt::spawn(async move {
        while let Some(value) = asked.recv().await.received() {
            if answer.send(value).await.is_err() {
                break;
            }
        }
    }));
    (ask, answered)
}

/// Round trips between the caller, wherever it runs, and a spawned task.
async fn ping_pong_main(n: u64) -> u64 {
    let (ask, mut answered) = echo();
    let mut count = 0;
    for _ in 0..n {
        if ask.send(1).await.is_err() {
            break;
        }
        count += answered.recv().await.received().unwrap_or(0);
    }
    count
}

async fn ping_pong_tasks(n: u64) -> u64 {
    rt::join(rt::spawn(ping_pong_main(n))).await
}
