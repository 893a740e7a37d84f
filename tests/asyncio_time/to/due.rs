//! Bodies that have no time, or compute past it.

use std::future::{pending, ready};
use std::time::Duration;

use corio::time::{Instant, sleep};
use corio::timeout;

use crate::common::Log;
use crate::kit::{scoped, secs};

/// No time at all: a body that waits is cut off without any time passing.
#[corio::test(start_paused = true)]
async fn to_08_without_any_time_a_body_that_waits_is_cut_off() {
    let start = Instant::now();
    let (result, scope) = scoped(Duration::ZERO, |_| sleep(secs(10))).await;
    assert!(result.is_err() && scope.is_cancelled());
    assert!(timeout(Duration::ZERO, sleep(secs(10))).await.is_err());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Even a body that would only give way once is cut off.
#[corio::test(start_paused = true)]
async fn to_09_without_any_time_giving_way_is_too_long() {
    let (result, _) = scoped(Duration::ZERO, |_| sleep(Duration::ZERO)).await;
    assert!(result.is_err());
    assert!(timeout(Duration::ZERO, corio::yield_now()).await.is_err());
}

/// A body that never waits is done before anybody looks at the clock.
#[corio::test(start_paused = true)]
async fn to_10_without_any_time_a_body_that_never_waits_ends_by_itself() {
    let (result, scope) = scoped(Duration::ZERO, |_| async { ready(7).await }).await;
    assert_eq!((result, scope.is_cancelled()), (Ok(7), false));
}

/// The deadline passes while the body computes; a body that then returns is not late.
#[corio::test]
async fn to_11_a_body_that_computes_past_its_deadline_and_returns_is_not_late() {
    let (result, scope) = scoped(Duration::from_millis(1), |_| async {
        std::thread::sleep(Duration::from_millis(5));
        7
    })
    .await;
    assert_eq!((result, scope.is_cancelled()), (Ok(7), false));
}

/// The deadline passes while the body computes; it is cut off where it then waits.
#[corio::test]
async fn to_12_a_body_that_computes_past_its_deadline_is_cut_off_where_it_waits() {
    let log = Log::default();
    let ours = log.clone();
    let (result, _) = scoped(Duration::from_millis(1), |_| async move {
        std::thread::sleep(Duration::from_millis(5));
        ours.add("computed");
        pending::<()>().await;
    })
    .await;
    assert!(result.is_err());
    assert_eq!(log.get(), ["computed"]);
}
