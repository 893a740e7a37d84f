//! Time limits, in virtual time.

use std::cell::Cell;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::task::Waker;

use corio_sync::hooks;
use corio_sync::prim::{Arc, AtomicU32, Ordering};

use super::super::testing::{block_on, block_on_paused, fire_due};
use super::super::{sleep, sleep_until};
use super::*;
use crate::executor::context;
use crate::structured::finally;

const MS: Duration = Duration::from_millis(1);

#[test]
fn what_is_ready_at_once_needs_neither_clock_nor_runtime() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut limited = pin!(timeout(MS, ready(5)));
    assert_eq!(limited.as_mut().poll(&mut cx), Poll::Ready(Ok(5)));
    let mut limited = pin!(move_on_after(Duration::ZERO, ready(5)));
    assert_eq!(limited.as_mut().poll(&mut cx), Poll::Ready(Some(5)));
}

#[test]
fn the_time_counts_from_the_first_poll() {
    block_on_paused(async {
        let limited = timeout(10 * MS, sleep_until(Instant::now() + 109 * MS));
        sleep(100 * MS).await;
        assert_eq!(limited.await, Ok(()));
        let start = Instant::now();
        let late = timeout(10 * MS, pending::<()>()).await.unwrap_err();
        assert_eq!(start.elapsed(), 10 * MS);
        assert_eq!(late.limit(), Some(10 * MS));
        assert_eq!(late.to_string(), "timed out after 10ms");
        let error: io::Error = late.into();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("10ms"));
    });
}

#[test]
fn a_deadline_limits_too() {
    block_on_paused(async {
        let deadline = Instant::now() + 3 * MS;
        let late = timeout_at(deadline, pending::<()>()).await.unwrap_err();
        assert_eq!(Instant::now(), deadline);
        assert_eq!((late.limit(), late.to_string().contains("deadline")), (None, true));
        assert_eq!(timeout_at(deadline + MS, sleep(Duration::ZERO)).await, Ok(()));
    });
}

#[test]
fn m14_no_time_at_all_polls_the_future_once() {
    block_on(async {
        for at in [false, true] {
            let polls = Cell::new(0);
            let count = poll_fn(|_| -> Poll<()> {
                polls.set(polls.get() + 1);
                Poll::Pending
            });
            let result = if at {
                timeout_at(Instant::now(), count).await
            } else {
                timeout(Duration::ZERO, count).await
            };
            assert!(result.is_err());
            assert_eq!(polls.get(), 1);
        }
    });
}

#[test]
fn m01_a_limit_too_long_to_express_is_none() {
    block_on_paused(async {
        for limit in [Duration::MAX, Duration::from_secs(u64::MAX / 10)] {
            assert_eq!(timeout(limit, sleep(1_000 * MS)).await, Ok(()));
        }
        assert_eq!(timeout_at(Instant::far_future(), sleep(MS)).await, Ok(()));
    });
}

#[test]
fn w10_the_limit_holds_when_the_future_uses_the_budget_up() {
    // Ready for ever: only the budget makes it pause.
    async fn greedy() {
        loop {
            poll_fn(|cx| {
                std::task::ready!(hooks::poll_budget(cx));
                hooks::spend();
                Poll::Ready(())
            })
            .await;
        }
    }
    let result = block_on_paused(async {
        let clock = context::current_clock().unwrap();
        let mut limited = pin!(timeout(5 * MS, greedy()));
        poll_fn(|cx| {
            let before = hooks::with_tls(|tls| tls.budget.replace(8));
            let polled = limited.as_mut().poll(cx);
            hooks::with_tls(|tls| tls.budget.set(before));
            // Nobody is idle, so time passes by itself here.
            clock.advance_to(clock.now_ns() + 1_000_000);
            fire_due();
            polled
        })
        .await
    });
    assert!(result.is_err());
}

#[test]
fn the_future_is_dropped_when_its_time_is_up() {
    struct Flag<'a>(&'a Cell<bool>);
    impl Drop for Flag<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    block_on_paused(async {
        let dropped = Cell::new(false);
        let flag = Flag(&dropped);
        let mut limited = pin!(timeout(MS, async {
            let _flag = flag;
            pending::<()>().await
        }));
        assert!(limited.as_mut().await.is_err());
        assert!(dropped.get());
        assert!(limited.get_ref().is_none());
    });
}

#[test]
fn the_cleanups_of_what_is_dropped_are_awaited() {
    block_on_paused(async {
        let cleaned = Arc::new(AtomicU32::new(0));
        let body = |cleanup_time: Duration| {
            let cleaned = cleaned.clone();
            finally(pending::<()>(), move || async move {
                sleep(cleanup_time).await;
                // Ordering: Relaxed, one thread.
                cleaned.fetch_add(1, Ordering::Relaxed);
            })
        };
        let start = Instant::now();
        assert!(timeout(MS, body(5 * MS)).await.is_err());
        // Ordering: Relaxed, one thread.
        assert_eq!((cleaned.load(Ordering::Relaxed), start.elapsed()), (1, 6 * MS));

        // A limit around a limit that is cleaning up waits for those cleanups too.
        let start = Instant::now();
        assert!(timeout(3 * MS, timeout(MS, body(5 * MS))).await.is_err());
        // Ordering: Relaxed, one thread.
        assert_eq!((cleaned.load(Ordering::Relaxed), start.elapsed()), (2, 6 * MS));
    });
}

#[test]
fn limits_nest() {
    block_on_paused(async {
        let inner_first = timeout(5 * MS, timeout(2 * MS, pending::<()>())).await;
        assert_eq!(inner_first.unwrap().unwrap_err().limit(), Some(2 * MS));
        let outer_first = timeout(2 * MS, timeout(5 * MS, pending::<()>())).await;
        assert_eq!(outer_first.unwrap_err().limit(), Some(2 * MS));
    });
}
