//! Waking wakers that may be anybody's.

use std::task::Waker;

use crate::task::header::{catch, drop_payload};

/// Wakes. A panic of the waker's has been reported by the panic hook and ends here: those who wait
/// beside it must not pay for it, nor the thread that wakes.
pub(crate) fn wake(waker: Waker) {
    if let Err(payload) = catch(|| waker.wake()) {
        drop_payload(payload);
    }
}

/// Wakes them all, each as [`wake`] does.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(wake);
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use std::sync::Arc;
    use std::task::{Wake, Waker};

    use corio_sync::prim::{AtomicUsize, Ordering};

    use super::*;

    /// A payload whose drop panics, too.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the payload's drop");
        }
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            std::panic::panic_any(Bomb);
        }
    }

    #[derive(Default)]
    struct Counts(AtomicUsize);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            // Ordering: Relaxed, a count on one thread.
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn t17_a_waker_that_panics_strands_nobody_even_if_its_payload_panics() {
        let counts = Arc::new(Counts::default());
        let count = || Waker::from(counts.clone());
        wake_all([count(), Waker::from(Arc::new(Panics)), count()]);
        // Ordering: Relaxed, see `Counts`.
        assert_eq!(counts.0.load(Ordering::Relaxed), 2);
    }
}
