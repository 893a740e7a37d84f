//! Deadlines that are given, taken away and moved.

use std::future::pending;
use std::time::Duration;

use corio::CancelScope;
use corio::time::{Instant, sleep};

use crate::kit::{scoped, secs, timers};

/// A scope without a deadline never ends what runs in it, until it is given one.
#[corio::test(start_paused = true)]
async fn to_05_a_scope_without_a_deadline_may_be_given_one() {
    let start = Instant::now();
    let scope = CancelScope::new();
    let handle = scope.handle();
    assert_eq!(handle.deadline(), None);
    let cut = scope.run(async {
        sleep(secs(1000)).await;
        handle.reschedule(Instant::now() + secs(1));
        pending::<()>().await;
    });
    assert_eq!((cut.await, start.elapsed()), (None, secs(1001)));
}

/// A deadline may be taken away while the body runs.
#[corio::test(start_paused = true)]
async fn to_06_a_deadline_may_be_taken_away() {
    let (result, scope) = scoped(secs(1), |scope| async move {
        scope.reschedule(None);
        sleep(secs(100)).await;
    })
    .await;
    assert_eq!((result, scope.deadline(), scope.is_cancelled()), (Ok(()), None, false));
}

/// A deadline may be put off, brought forward, and put into the past.
#[corio::test(start_paused = true)]
async fn to_07_a_deadline_may_be_moved_both_ways() {
    async fn ends_after(moved_to: Duration) -> Duration {
        let start = Instant::now();
        let (result, _) = scoped(secs(5), |scope| async move {
            sleep(secs(2)).await;
            scope.reschedule(start + moved_to);
            pending::<()>().await;
        })
        .await;
        assert!(result.is_err());
        start.elapsed()
    }
    assert_eq!(ends_after(secs(9)).await, secs(9));
    assert_eq!(ends_after(secs(3)).await, secs(3));
    assert_eq!(ends_after(secs(1)).await, secs(2));
}

/// A scope may be entered again: its deadline goes for all that runs in it.
#[corio::test(start_paused = true)]
async fn to_28_a_scope_may_be_entered_again() {
    let start = Instant::now();
    let scope = CancelScope::new().deadline(start + secs(5));
    assert_eq!(scope.run(async { 7 }).await, Some(7));
    let both = corio::join!(scope.run(pending::<()>()), scope.run(sleep(secs(9))));
    assert_eq!((both, start.elapsed()), ((None, None), secs(5)));
    // Once it has expired, nothing is polled in it any more.
    assert_eq!(scope.run(async { unreachable!() }).await, None::<()>);
}

/// A deadline may be moved at any time; before the body it is in force, after it nothing happens.
#[corio::test(start_paused = true)]
async fn to_29_a_deadline_may_be_moved_before_and_after() {
    let start = Instant::now();
    let scope = CancelScope::new();
    scope.handle().reschedule(start + secs(1));
    assert_eq!(scope.run(pending::<()>()).await, None);
    // It has expired, and stays so.
    scope.handle().reschedule(start + secs(100));
    assert!(scope.is_cancelled());
    let (result, done) = scoped(secs(5), |_| async {}).await;
    done.reschedule(Instant::now());
    sleep(secs(1)).await;
    assert!(result.is_ok() && !done.is_cancelled());
}

/// However often a deadline is moved, there is one timer for it.
#[corio::test(start_paused = true)]
async fn to_39_a_deadline_that_moves_has_one_timer() {
    let (result, _) = scoped(secs(5), |scope| async move {
        let start = Instant::now();
        for i in 0..100_u64 {
            scope.reschedule(start + secs(10 + i * 7 % 13));
            corio::yield_now().await;
            assert_eq!(timers(), 1);
        }
    })
    .await;
    assert!(result.is_ok());
}
