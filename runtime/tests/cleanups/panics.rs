//! Panics of bodies and of cleanups.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use corio_runtime::structured::finally;
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};

use crate::kit::{Log, ms, on_all, pending};

/// A panic of the body comes out of `finally` when the cleanup has run, also for who catches it there.
#[test]
fn a_panic_of_the_body_comes_out_after_the_cleanup() {
    on_all(|| async {
        let log = Log::default();
        let (inner, outer) = (log.clone(), log.clone());
        let body = async move {
            let guarded = finally(async { panic!("the body's") }, move || async move {
                yield_now().await;
                inner.add("inner");
                panic!("the cleanup's, which is the second");
            });
            guarded.await
        };
        let mut work = pin!(finally(body, move || async move { outer.add("outer") }));
        let caught =
            poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                Ok(polled) => polled.map(|()| None),
                Err(payload) => Poll::Ready(Some(payload)),
            })
            .await;
        log.add("caught");
        assert_eq!(caught.unwrap().downcast_ref(), Some(&"the body's"));
        assert_eq!(log.get(), ["inner", "outer", "caught"]);
    });
}

/// A body that panics when it is dropped at its end has panicked.
#[test]
fn a_panic_of_the_bodys_drop_comes_out_after_the_cleanup() {
    struct Bomb(Log);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.add("dropped");
            panic!("as planned");
        }
    }
    struct Body(#[expect(dead_code, reason = "it is dropped")] Bomb);
    impl Future for Body {
        type Output = u32;
        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<u32> {
            Poll::Ready(1)
        }
    }
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let work = finally(Body(Bomb(log.clone())), move || async move { theirs.add("cleanup") });
        assert!(spawn(work).await.unwrap_err().is_panic());
        assert_eq!(log.get(), ["dropped", "cleanup"]);
    });
}

/// A panic that waits for its cleanup goes with the `finally` that is dropped then; the cleanup runs.
#[test]
fn a_panic_that_is_held_is_dropped_with_its_finally() {
    struct Loud(Log);
    impl Drop for Loud {
        fn drop(&mut self) {
            self.0.add("payload");
            panic!("as planned");
        }
    }
    on_all(|| async {
        let log = Log::default();
        let (loud, theirs) = (Loud(log.clone()), log.clone());
        let work = finally(async move { std::panic::panic_any(loud) }, move || async move {
            sleep(ms(5)).await;
            theirs.add("cleanup");
        });
        let result: Result<(), _> = timeout(Duration::ZERO, work).await;
        assert!(result.is_err());
        assert_eq!(log.get(), ["payload", "cleanup"]);
    });
}

#[test]
fn a_panicking_cleanup_does_not_stop_its_siblings() {
    on_all(|| async {
        let log = Log::default();
        let (a, b) = (log.cleanup("a"), log.cleanup("b"));
        let task = spawn(async move {
            let mut first = Box::pin(finally(pending::<()>(), || async { panic!("as planned") }));
            let mut second = Box::pin(finally(pending::<()>(), a));
            let mut third = Box::pin(finally(pending::<()>(), b));
            std::future::poll_fn(|cx| {
                let _ = first.as_mut().poll(cx);
                let _ = second.as_mut().poll(cx);
                third.as_mut().poll(cx)
            })
            .await;
        });
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        let mut got = log.get();
        got.sort();
        assert_eq!(got, ["a", "b"]);
    });
}

#[test]
fn a_cleanup_that_panics_while_it_is_awaited_is_not_polled_again() {
    on_all(|| async {
        let polls = Arc::new(AtomicUsize::new(0));
        let theirs = polls.clone();
        let task = spawn(finally(async { 5 }, move || async move {
            theirs.fetch_add(1, Ordering::SeqCst);
            panic!("as planned");
        }));
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(polls.load(Ordering::SeqCst), 1);
    });
}
