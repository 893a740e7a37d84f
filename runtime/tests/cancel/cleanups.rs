//! Cleanups of what was cut off: their time, and a second request.

use std::sync::Arc;

use corio_runtime::spawn;
use corio_runtime::structured::{CancelScope, finally};
use corio_runtime::time::sleep;

use crate::kit::{Count, cleans_up_in, ms, on_all, pending, settle};
use crate::support::{LONG, after};

#[test]
fn trio_13_c10_a_cleanup_over_its_limit_is_dropped() {
    on_all(|| async {
        let (outer, dropped) = (Count::default(), Arc::new(()));
        let (theirs, held) = (outer.clone(), dropped.clone());
        let body = finally(
            finally(pending::<()>(), move || async move {
                let _held = held;
                pending::<()>().await;
            }),
            move || async move { theirs.add() },
        );
        let scope = CancelScope::new().deadline(after(2)).cleanup_limit(ms(5));
        assert!(scope.run(body).await.is_none());
        assert_eq!(Arc::strong_count(&dropped), 1, "the inner cleanup is gone");
        assert_eq!(outer.get(), 0, "the outer one waited for it, and is gone as well");
    });
}

#[test]
fn a_cleanup_within_its_limit_runs_to_its_end() {
    on_all(|| async {
        let cleaned = Count::default();
        let scope = CancelScope::new().deadline(after(2)).cleanup_limit(LONG);
        assert!(scope.run(cleans_up_in(cleaned.clone())).await.is_none());
        assert_eq!(cleaned.get(), 1);
    });
}

#[test]
fn acm_06_a_second_cancel_does_not_interrupt_a_cleanup() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(finally(pending::<()>(), move || async move {
            sleep(ms(15)).await;
            theirs.add();
        }));
        settle().await;
        task.cancel();
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(cleaned.get(), 1);
    });
}
