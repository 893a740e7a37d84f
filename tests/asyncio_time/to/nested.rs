//! Scopes within scopes.

use std::future::pending;

use corio::time::{Instant, sleep};
use corio::{CancelScope, finally};

use crate::common::Log;
use crate::common::ms;
use crate::kit::{scoped, secs};

/// Nested, the outer one shorter: it ends the inner one, which has not expired.
#[corio::test(start_paused = true)]
async fn to_23_a_shorter_outer_scope_ends_the_inner_one() {
    let start = Instant::now();
    let inner = CancelScope::new().deadline(start + secs(5));
    let (result, outer) = scoped(secs(1), |_| inner.run(pending::<()>())).await;
    assert!(result.is_err() && outer.is_cancelled() && !inner.is_cancelled());
    assert_eq!(start.elapsed(), secs(1));
}

/// Nested, the inner one shorter: it expires in the outer one's body, which goes on.
#[corio::test(start_paused = true)]
async fn to_24_a_shorter_inner_scope_leaves_the_outer_one_alone() {
    let (result, outer) = scoped(secs(5), |_| async {
        let (result, inner) = scoped(secs(1), |_| pending::<()>()).await;
        sleep(secs(1)).await;
        result.is_err() && inner.is_cancelled()
    })
    .await;
    assert_eq!((result, outer.is_cancelled()), (Ok(true), false));
}

/// Nested with the same deadline: the outer one expires, once.
#[corio::test(start_paused = true)]
async fn to_25_of_equal_deadlines_the_outer_one_counts() {
    let (result, _) = scoped(secs(5), |_| async {
        let _ = scoped(secs(5), |_| pending::<()>()).await;
        unreachable!("the outer scope ends this");
    })
    .await;
    let result: Result<(), _> = result;
    assert!(result.is_err());
}

/// Nested, both deadlines past when anybody looks: the outer one counts, whichever was earlier.
#[corio::test]
async fn to_26_of_deadlines_that_are_both_past_the_outer_one_counts() {
    for (outer, inner) in [(1, 2), (2, 1)].map(|(a, b)| (ms(a), ms(b))) {
        let (result, _) = scoped(outer, |_| async move {
            let _ = scoped(inner, |_| async {
                std::thread::sleep(ms(10));
                pending::<()>().await;
            })
            .await;
            unreachable!("the outer scope ends this");
        })
        .await;
        let result: Result<(), _> = result;
        assert!(result.is_err());
    }
}

/// A cleanup of what a scope cut off may have scopes of its own, which expire there.
#[corio::test(start_paused = true)]
async fn to_27_a_cleanup_has_timeouts_of_its_own() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let (result, _) = scoped(secs(5), |_| {
        finally(pending::<()>(), move || async move {
            let (result, _) = scoped(secs(1), |_| pending::<()>()).await;
            ours.add(format!("{}", result.is_err()));
        })
    })
    .await;
    assert!(result.is_err());
    assert_eq!((log.get(), start.elapsed()), (vec!["true".to_owned()], secs(6)));
}
