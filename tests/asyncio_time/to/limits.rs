//! A body in time, a body that is late, and what becomes of each.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Waker};

use corio::time::{Instant, sleep};
use corio::{CancelScope, catch_cancel, finally, timeout, timeout_scope};

use crate::common::{Log, poll_once};
use crate::kit::{scoped, secs, timers};

/// A body that is faster than the deadline gives its result, and the scope has not expired.
#[corio::test(start_paused = true)]
async fn to_01_a_body_in_time_gives_its_result() {
    let (result, scope) = scoped(secs(5), |_| async {
        sleep(secs(1)).await;
        7
    })
    .await;
    assert_eq!((result, scope.is_cancelled(), timers()), (Ok(7), false, 0));
}

/// A body that is slower is cut off when the time is up, not before and not after.
#[corio::test(start_paused = true)]
async fn to_02_a_body_that_is_late_is_cut_off_at_the_deadline() {
    let start = Instant::now();
    let (result, scope) = scoped(secs(5), |_| sleep(secs(10))).await;
    assert_eq!(result.unwrap_err().limit(), Some(secs(5)));
    assert!(scope.is_cancelled());
    assert_eq!(start.elapsed(), secs(5));
}

/// A deadline is as good as a limit, and is what the handle tells.
#[corio::test(start_paused = true)]
async fn to_03_a_deadline_is_as_good_as_a_limit() {
    let start = Instant::now();
    let deadline = start + secs(5);
    let scope = CancelScope::new().deadline(deadline);
    assert_eq!(scope.handle().deadline(), Some(deadline));
    assert_eq!(scope.run(sleep(secs(10))).await, None);
    assert!(corio::timeout_at(deadline + secs(1), pending::<()>()).await.is_err());
    assert_eq!(start.elapsed(), secs(6));
}

/// After a timeout the task is not cancelled: what it awaits later works.
#[corio::test(start_paused = true)]
async fn to_04_after_a_timeout_the_task_goes_on() {
    let task = corio::spawn(async {
        let late = timeout(secs(1), pending::<()>()).await.is_err();
        sleep(secs(1)).await;
        corio::yield_now().await;
        late
    });
    assert!(task.await.unwrap());
}

/// The body's own error passes through unchanged.
#[corio::test(start_paused = true)]
async fn to_13_the_bodys_own_error_passes_through() {
    let (result, scope) = scoped(secs(5), |_| async { Err::<(), _>("its own") }).await;
    assert_eq!((result, scope.is_cancelled()), (Ok(Err("its own")), false));
}

/// A body cannot swallow a timeout: not even what takes cancel requests sees it.
#[corio::test(start_paused = true)]
async fn to_16_no_body_swallows_a_timeout() {
    let (result, scope) = scoped(secs(5), |_| async {
        let _ = catch_cancel(pending::<()>()).await;
        unreachable!("it is dropped, not asked");
    })
    .await;
    let result: Result<(), _> = result;
    assert!(result.is_err() && scope.is_cancelled());
}

/// Outside a runtime there is no clock to wait by: a clear panic.
#[test]
fn to_30_outside_a_runtime_a_wait_is_a_clear_panic() {
    let poll = || {
        let mut scope = Box::pin(timeout_scope(secs(1), |_| pending::<()>()));
        let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    };
    let panic = std::panic::catch_unwind(poll).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("no corio runtime"));
}

/// In the cleanups of the body the scope is known to have expired.
#[corio::test(start_paused = true)]
async fn to_31_the_bodys_cleanups_see_that_the_scope_has_expired() {
    let log = Log::default();
    let ours = log.clone();
    let (result, _) = scoped(secs(5), |scope| {
        finally(
            pending::<()>(),
            move || async move { ours.add(format!("{}", scope.is_cancelled())) },
        )
    })
    .await;
    assert!(result.is_err());
    assert_eq!(log.get(), ["true"]);
}

/// What a scope prints tells its deadline and whether it has expired.
#[corio::test(start_paused = true)]
async fn to_32_a_scope_shows_what_it_is() {
    let text = format!("{:?}", CancelScope::new());
    assert!(text.contains("cancelled: false") && text.contains("deadline: None"), "{text}");
    let (_, scope) = scoped(secs(1), |scope| async move {
        let text = format!("{scope:?}");
        assert!(text.contains("cancelled: false") && text.contains("deadline: Some("), "{text}");
        pending::<()>().await;
    })
    .await;
    let text = format!("{scope:?}");
    assert!(text.contains("cancelled: true") && text.contains("deadline: Some("), "{text}");
}

/// However a scope is left, its timer is gone.
#[corio::test(start_paused = true)]
async fn to_36_no_timer_is_left_behind() {
    let (result, _) = scoped(secs(5), |_| sleep(secs(1))).await;
    assert_eq!((result.is_ok(), timers()), (true, 0));
    let (result, _) = scoped(secs(5), |_| async {
        corio::yield_now().await;
        Err::<(), _>("failed")
    })
    .await;
    assert_eq!((result.unwrap().is_err(), timers()), (true, 0));
    let (result, _) = scoped(secs(5), |_| pending::<()>()).await;
    assert_eq!((result.is_err(), timers()), (true, 0));
    let mut dropped = Box::pin(timeout_scope(secs(5), |_| pending::<()>()));
    poll_once(dropped.as_mut()).await;
    assert_eq!(timers(), 1);
    drop(dropped);
    assert_eq!(timers(), 0);
}

/// A timeout of the body's own is told from the scope's.
#[corio::test(start_paused = true)]
async fn to_37_the_bodys_own_timeout_is_told_from_the_scopes() {
    let (result, scope) = scoped(secs(5), |_| timeout(secs(1), pending::<()>())).await;
    assert_eq!(result.unwrap().unwrap_err().limit(), Some(secs(1)));
    assert!(!scope.is_cancelled());
}

/// The deadline can be asked for when all is over.
#[corio::test(start_paused = true)]
async fn to_40_the_deadline_is_known_afterwards() {
    let start = Instant::now();
    let (_, done) = scoped(secs(5), |_| async {}).await;
    let (_, expired) = scoped(secs(5), |_| pending::<()>()).await;
    let deadline = Some(start + secs(5));
    assert_eq!((done.deadline(), expired.deadline()), (deadline, deadline));
}

/// The time counts from the call that makes the scope, not from its first poll.
#[corio::test(start_paused = true)]
async fn to_41_the_time_counts_from_the_call() {
    let start = Instant::now();
    let mut scope = Box::pin(timeout_scope(secs(5), |_| pending::<()>()));
    sleep(secs(3)).await;
    let pinned: Pin<&mut _> = scope.as_mut();
    assert!(pinned.await.is_err());
    assert_eq!(start.elapsed(), secs(5));
}
