//! Scopes that are cancelled by hand, one in another and with their tasks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use corio_runtime::structured::{
    CancelScope, CancelToken, TaskGroup, catch_cancel, gather, task_group, timeout_scope,
};
use corio_runtime::time::sleep;
use corio_runtime::{spawn, yield_now};

use crate::kit::{Count, cleans_up_in, ms, on_all, pending, settle};
use crate::support::{LONG, after, poll_once};

#[test]
fn trio_10_a_scope_is_cancelled_from_elsewhere() {
    on_all(|| async {
        let cleaned = Count::default();
        let scope = CancelScope::new();
        let handle = scope.handle();
        let (starts, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            started.recv().unwrap();
            std::thread::sleep(ms(3));
            handle.cancel();
        });
        let inner = cleaned.clone();
        let body = async move {
            // It is polled for the first time before the other thread is told.
            let mut work = Box::pin(cleans_up_in(inner));
            poll_once(work.as_mut()).await;
            starts.send(()).unwrap();
            work.await
        };
        assert!(scope.run(body).await.is_none());
        assert_eq!(cleaned.get(), 1);
        assert!(scope.is_cancelled());
        thread.join().unwrap();
        // The task goes on undisturbed.
        sleep(ms(1)).await;
    });
}

#[test]
fn trio_10_cancelled_before_entry_the_body_is_never_polled() {
    on_all(|| async {
        let scope = CancelScope::new();
        scope.handle().cancel();
        assert!(scope.run(async { panic!("polled") }).await.is_none());
    });
}

#[test]
fn trio_05_trio_11_a_body_that_ends_by_itself_is_not_cut() {
    on_all(|| async {
        let scope = CancelScope::new();
        let handle = scope.handle();
        let body = async {
            handle.cancel();
            7
        };
        assert_eq!(scope.run(body).await, Some(7));
        // The request is not left over for later waits.
        sleep(ms(1)).await;
        let later = CancelScope::new();
        assert_eq!(later.run(async { 8 }).await, Some(8));
        later.handle().cancel();
        yield_now().await;
    });
}

#[test]
fn to_18_cancelling_the_task_passes_through_scopes() {
    on_all(|| async {
        let task = spawn(timeout_scope(LONG, |_| CancelScope::new().run(pending::<()>())));
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn to_35_tg_50_a_group_in_a_scope() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let group = timeout_scope(ms(3), |_| {
            task_group(|group: TaskGroup<()>| async move {
                for _ in 0..10 {
                    drop(group.spawn(cleans_up_in(theirs.clone())));
                }
                pending::<Result<(), ()>>().await
            })
        });
        assert!(group.await.is_err());
        assert_eq!(cleaned.get(), 10);
    });
}

#[test]
fn a_child_scope_is_cancelled_with_its_parent_wherever_it_runs() {
    on_all(|| async {
        let scope = CancelScope::new();
        let (child, grandchild) = (scope.child(), scope.child().child());
        let in_task = spawn(async move { child.run(pending::<()>()).await });
        let below = scope.child();
        let own = below.handle();
        own.cancel();
        assert!(below.is_cancelled() && !scope.is_cancelled());
        settle().await;
        scope.handle().cancel();
        assert!(in_task.await.unwrap().is_none());
        assert!(scope.child().is_cancelled(), "born cancelled");
        // Although nobody else has its own parent any more.
        assert!(grandchild.is_cancelled());
    });
}

#[test]
fn c06_trio_22_scopes_nested_deep() {
    on_all(|| async {
        let mut deep: Pin<Box<dyn Future<Output = u32> + Send>> = Box::pin(async {
            yield_now().await;
            0
        });
        for _ in 0..500 {
            let inner = deep;
            deep = Box::pin(async move { CancelScope::new().run(inner).await.unwrap() + 1 });
        }
        assert_eq!(deep.await, 500);
        // A tree that is deep without being nested.
        let mut scopes = vec![CancelScope::new()];
        for i in 0..50_000 {
            let child = scopes[i].child();
            scopes.push(child);
        }
        scopes[0].handle().cancel();
        assert!(scopes[50_000].is_cancelled());
    });
}

#[test]
fn one_scope_may_run_several_things_at_once() {
    on_all(|| async {
        let scope = Arc::new(CancelScope::new().deadline(after(3)));
        let tasks: Vec<_> = (0..5)
            .map(|_| {
                let scope = scope.clone();
                spawn(async move { scope.run(pending::<()>()).await })
            })
            .collect();
        let all = gather((0..5).map(|_| scope.run(pending::<()>())));
        assert!(all.await.iter().all(Option::is_none));
        for task in tasks {
            assert!(task.await.unwrap().is_none());
        }
    });
}

#[test]
fn the_futures_and_handles_are_send_if_their_parts_are() {
    fn send<T: Send>(value: T) {
        drop(value);
    }
    fn sync<T: Sync>() {}
    send(catch_cancel(async {}));
    send(timeout_scope(LONG, |_| async {}));
    send(CancelScope::new().run(async {}));
    send((CancelScope::new(), CancelScope::new().handle(), CancelToken::new()));
    let token = CancelToken::new();
    send((token.cancelled(), token.run_until_cancelled(async {})));
    sync::<(CancelScope, CancelToken, corio_runtime::structured::ScopeHandle)>();
}
