//! Bounded channels with many receivers, each message for one of them.

use super::rt;
use crate::runtime::Flavor;
use crate::sys;
use crate::work_body::{Body, Received, bodies, receive_all, send_all};

const CAPACITY: usize = 64;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "mpmc_1_64" => mpmc(1),
        "mpmc_4_64" => mpmc(4),
        "mpmc_threads_64" => mpmc_threads,
    })
}

/// As many senders as receivers.
async fn mpmc(n: u64, sides: u64) -> u64 {
    let (sender, receiver) = rt::many::bounded::<u64>(CAPACITY);
    let receivers: Vec<_> = (0..sides)
        .map(|_| {
            let receiver = receiver.clone();
            rt::spawn(async move { receive_all!(receiver) })
        })
        .collect();
    for _ in 0..sides {
        let sender = sender.clone();
        rt::detach(rt::spawn(async move {
            send_all!(sender, n / sides);
        }));
    }
    drop((sender, receiver));
    let mut count = 0;
    for receiver in receivers {
        count += rt::join(receiver).await;
    }
    count
}

/// The receiver is here, the sender on another thread with a runtime of its own.
async fn mpmc_threads(n: u64) -> u64 {
    let (sender, receiver) = rt::many::bounded::<u64>(CAPACITY);
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
