//! Notifications, which only some libraries have.

use super::rt;
use super::work::bodies;
use crate::work_body::Body;
use std::hint::black_box;
use std::sync::Arc;

/// Tasks in the ring.
const RING: u64 = 8;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "notify" => notify,
        "notify_8" => notify_8,
    })
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
