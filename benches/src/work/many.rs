//! Bounded channels with many receivers, each message for one of them.

use super::rt;
use crate::runtime::Flavor;
use crate::sys;
use crate::work_body::{Body, Received, bodies};
use std::hint::black_box;

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
            rt::spawn(async move {
                let mut count = 0;
                while let Some(value) = receiver.recv().await.received() {
                    count += value;
                }
                count
            })
        })
        .collect();
    for _ in 0..sides {
        let sender = sender.clone();
        rt::detach(rt::spawn(async move {
            for _ in 0..n / sides {
                if sender.send(black_box(1)).await.is_err() {
                    break;
                }
            }
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
            for _ in 0..n {
                if sender.send(black_box(1)).await.is_err() {
                    break;
                }
            }
        });
    });
    let mut count = 0;
    while let Some(value) = receiver.recv().await.received() {
        count += value;
    }
    // It has nothing left to do.
    let _ = sending.join();
    count
}
