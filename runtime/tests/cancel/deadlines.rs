//! Scopes that are cut at a moment.

use std::time::Duration;

use corio_runtime::spawn;
use corio_runtime::structured::{CancelScope, timeout_scope};
use corio_runtime::time::{Instant, sleep};
use corio_sync::Event;

use crate::kit::{ms, on_all, pending};
use crate::support::{LONG, after, in_virtual_time};

#[test]
fn to_08_to_10_c08_a_deadline_in_the_past() {
    on_all(|| async {
        let past = Instant::now();
        sleep(ms(1)).await;
        assert!(CancelScope::new().deadline(past).run(sleep(LONG)).await.is_none());
        assert_eq!(CancelScope::new().deadline(past).run(async { 7 }).await, Some(7));
        assert!(timeout_scope(Duration::ZERO, |_| sleep(LONG)).await.is_err());
        assert_eq!(timeout_scope(Duration::ZERO, |_| async { 7 }).await, Ok(7));
    });
}

/// A deadline in the past lets what is ready count, also when the task has had its share in this poll.
#[test]
fn c08_a_deadline_in_the_past_asks_what_is_inside_with_a_budget() {
    on_all(|| async {
        let past = Instant::now();
        let event = Event::new();
        event.set();
        // In a task of its own: what it has left of its budget is known then.
        let scopes = spawn(async move {
            for i in 0..1000 {
                let ready = CancelScope::new().deadline(past).run(event.wait()).await;
                assert!(ready.is_some(), "number {i} was not asked");
                let ready = timeout_scope(Duration::ZERO, |_| event.wait()).await;
                assert!(ready.is_ok(), "number {i} was not asked");
                let late = CancelScope::new().deadline(past).run(sleep(LONG)).await;
                assert!(late.is_none());
            }
        });
        scopes.await.unwrap();
    });
}

#[test]
fn to_01_to_02_to_07_timeout_scopes() {
    in_virtual_time(async {
        let start = Instant::now();
        assert_eq!(timeout_scope(ms(100), |_| async { 7 }).await, Ok(7));
        let error = timeout_scope(ms(100), |_| sleep(LONG)).await.unwrap_err();
        assert_eq!(error.to_string(), "timed out after 100ms");
        assert_eq!(start.elapsed(), ms(100));
        // Later.
        let start = Instant::now();
        let extended = timeout_scope(ms(100), |scope| async move {
            sleep(ms(50)).await;
            scope.reschedule(Instant::now() + ms(100));
            sleep(ms(90)).await;
            sleep(ms(90)).await;
        });
        assert!(extended.await.is_err());
        assert_eq!(start.elapsed(), ms(150));
        // Earlier, also into the past.
        let start = Instant::now();
        let shortened = timeout_scope(LONG, |scope| async move {
            scope.reschedule(start);
            sleep(LONG).await;
        });
        assert!(shortened.await.is_err());
        assert_eq!(start.elapsed(), Duration::ZERO);
        // Away, and back from another task.
        let disarmed = timeout_scope(ms(10), |scope| async move {
            scope.reschedule(None);
            assert_eq!(scope.deadline(), None);
            drop(spawn(async move {
                sleep(ms(200)).await;
                scope.reschedule(Instant::now() + ms(5));
            }));
            sleep(LONG).await;
        });
        assert!(disarmed.await.is_err());
        assert_eq!(start.elapsed(), ms(205));
    });
}

#[test]
fn to_23_to_24_to_25_trio_07_of_nested_deadlines_the_outermost_counts() {
    in_virtual_time(async {
        for (outer, inner) in [(50, 80), (50, 50), (80, 50)] {
            let result = timeout_scope(ms(outer), |_| async move {
                timeout_scope(ms(inner), |_| sleep(LONG)).await
            })
            .await;
            let (from_outer, from_inner) = (result.is_err(), matches!(result, Ok(Err(_))));
            assert_eq!(
                (from_outer, from_inner),
                (outer <= inner, outer > inner),
                "{outer} {inner}"
            );
        }
        // Both past when somebody looks.
        let past = Instant::now();
        sleep(ms(1)).await;
        let inner = CancelScope::new().deadline(past);
        let outer = CancelScope::new().deadline(past);
        assert!(outer.run(inner.run(sleep(LONG))).await.is_none());
        assert!(outer.is_cancelled() && !inner.is_cancelled());
    });
}

#[test]
fn to_39_trio_21_moving_a_deadline_many_times() {
    on_all(|| async {
        let moved = timeout_scope(LONG, |scope| async move {
            for i in 0..100_000 {
                scope.reschedule(Instant::now() + LONG + ms(i % 7));
            }
            scope.reschedule(after(3));
            sleep(LONG).await;
        });
        assert!(moved.await.is_err());
    });
}

#[test]
fn a_scopes_deadline_cancels_its_children() {
    on_all(|| async {
        let scope = CancelScope::new().deadline(after(2));
        let child = scope.child();
        let in_task = spawn(async move { child.run(pending::<()>()).await });
        assert!(scope.run(pending::<()>()).await.is_none());
        assert!(in_task.await.unwrap().is_none());
    });
}
