//! Requests to stop: taken, held up, or passed on by token; and children that borrow.

mod common;

use std::future::pending;
use std::time::Duration;

use common::{LONG, Log, on_all};
use corio::time::Instant;
use corio::{CancelScope, CancelToken, catch_cancel, timeout_scope};

const SHORT: Duration = Duration::from_millis(2);

#[test]
fn a_request_that_is_taken_leaves_the_task_running() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let task = corio::spawn(async move {
            assert!(catch_cancel(theirs.endless("first")).await.is_err());
            theirs.add("went on");
            theirs.endless("second").await;
        });
        log.entered(1).await;
        task.cancel();
        log.entered(2).await;
        assert_eq!(log.get(), ["first", "went on"]);
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["first", "went on", "second"]);
    });
}

#[test]
fn a_scope_is_cut_off_by_its_deadline_or_its_handle_and_cleaned_up() {
    on_all(|| async {
        let log = Log::default();
        let scope = CancelScope::new().deadline(Instant::now() + SHORT);
        assert_eq!(scope.run(log.endless("late")).await, None);
        assert!(scope.is_cancelled());

        let scope = CancelScope::new();
        let handle = scope.handle();
        let (cut, ()) = corio::join!(scope.run(log.endless("cut")), async {
            log.entered(2).await;
            handle.cancel();
        });
        assert_eq!((cut, log.get()), (None, vec!["late".to_owned(), "cut".to_owned()]));
        assert_eq!(CancelScope::new().run(async { 7 }).await, Some(7));
    });
}

#[test]
fn a_shield_holds_a_request_up() {
    on_all(|| async {
        let log = Log::default();
        let (go, wait_for_it) = corio::sync::oneshot::channel::<()>();
        let (enter, entered) = corio::sync::oneshot::channel();
        let theirs = log.clone();
        let task = corio::spawn(async move {
            let shielded = async {
                let _ = enter.send(());
                let _ = wait_for_it.await;
                theirs.add("saved");
            };
            CancelScope::new().shield(true).run(shielded).await;
            pending::<()>().await;
        });
        entered.await.unwrap();
        task.cancel();
        go.send(()).unwrap();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["saved"]);
    });
}

#[test]
fn a_deadline_may_be_moved() {
    on_all(|| async {
        let moved = timeout_scope(LONG * 60, |scope| async move {
            scope.reschedule(Instant::now() + SHORT);
            pending::<()>().await;
        });
        assert!(moved.await.is_err());
        let lifted = timeout_scope(SHORT, |scope| async move {
            scope.reschedule(None);
            corio::sleep(SHORT * 5).await;
            7
        });
        assert_eq!(lifted.await.ok(), Some(7));
    });
}

#[test]
fn a_token_tells_its_children() {
    on_all(|| async {
        let token = CancelToken::new();
        let (child, other) = (token.child_token(), CancelToken::new());
        let waiting = corio::spawn(async move { child.cancelled().await });
        assert_eq!(other.run_until_cancelled(async { 7 }).await, Some(7));
        token.cancel();
        waiting.await.unwrap();
        assert!(token.is_cancelled() && !other.is_cancelled());
        assert_eq!(token.run_until_cancelled(pending::<()>()).await, None);
    });
}

#[test]
fn children_in_a_scope_borrow() {
    on_all(|| async {
        let words = ["one", "three"].map(String::from);
        let total = corio::scope(async |s| {
            let lengths = words.each_ref().map(|word| s.spawn(async move { word.len() }));
            let [one, three] = lengths;
            one.await + three.await
        })
        .await;
        assert_eq!(total, 8);
    });
}

#[test]
fn a_cleanup_that_is_not_send() {
    for runtime in [common::single(), common::multi(2)] {
        runtime.block_on(async {
            let closed = std::rc::Rc::new(std::cell::Cell::new(false));
            let theirs = closed.clone();
            let work = corio::finally_local(pending::<()>(), move || async move {
                corio::yield_now().await;
                theirs.set(true);
            });
            assert!(corio::timeout(SHORT, work).await.is_err());
            assert!(closed.get());
        });
    }
}
