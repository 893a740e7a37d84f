//! Groups of tasks, and all of several futures: what corio and tokio have and smol does not.

use super::rt;
use super::work::structure::sleeping;
use crate::work_body::{Body, Countdown, PendOnce, bodies};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Children of a group.
const CHILDREN: u64 = 1000;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "group_1000" => group_1000,
        "group_1000_values" => group_1000_values,
        "group_cancel_1000" => group_cancel_1000,
        "join_10_ready" => join_10_ready,
        "join_10" => join_10,
    })
}

async fn group_1000(n: u64) -> u64 {
    let done = Arc::new(AtomicU64::new(0));
    for _ in 0..n / CHILDREN {
        let child = || {
            let done = done.clone();
            // Ordering: Relaxed, since the group is awaited before it is read.
            async move { _ = done.fetch_add(1, Ordering::Relaxed) }
        };
        rt::group(CHILDREN, child).await;
    }
    // Ordering: Relaxed, as above.
    done.load(Ordering::Relaxed)
}

async fn group_1000_values(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n / CHILDREN {
        count += rt::group_values(CHILDREN, || async { black_box(1) }).await;
    }
    count
}

/// Counts the children that were dropped.
async fn group_cancel_1000(n: u64) -> u64 {
    struct Gone(Arc<AtomicU64>);
    impl Drop for Gone {
        fn drop(&mut self) {
            // Ordering: Relaxed, since the group is awaited before it is read.
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let gone = Arc::new(AtomicU64::new(0));
    for _ in 0..n / CHILDREN {
        let asleep = Arc::new(Countdown::new(CHILDREN));
        let child = || {
            let (gone, asleep) = (Gone(gone.clone()), asleep.clone());
            async move {
                sleeping(asleep).await;
                drop(gone);
            }
        };
        rt::group_cancelled(CHILDREN, child, asleep.wait()).await;
    }
    // Ordering: Relaxed, as above.
    gone.load(Ordering::Relaxed)
}

/// The sum of the values of ten futures; an operation counts when all ten are there.
macro_rules! all_of_10 {
    ($n:ident, $future:expr) => {{
        let mut count = 0;
        for _ in 0..$n {
            let (a, b, c, d, e, f, g, h, i, j) = rt::join_10!($future);
            count += (a + b + c + d + e + f + g + h + i + j) / 10;
        }
        count
    }};
}

async fn join_10_ready(n: u64) -> u64 {
    all_of_10!(n, async { black_box(1) })
}

async fn join_10(n: u64) -> u64 {
    all_of_10!(n, PendOnce::default())
}
