//! Context variables: ids of the area CTX.

mod kit;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{finally, gather};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{context_var, spawn, spawn_blocking, spawn_local, yield_now};
use kit::on_all;

context_var! {
    /// Documented.
    pub static NUMBER: u64 = 1;
    static NAME: String = format!("no {}", "name");
}

#[test]
fn ctx_01_children_inherit_and_nobody_sees_what_the_other_sets_later() {
    on_all(|| async {
        assert_eq!((NUMBER.get(), NAME.get().as_str()), (1, "no name"));
        NUMBER.set(2);
        NAME.set("main".to_owned());
        let child = spawn(async {
            assert_eq!((NUMBER.get(), NAME.get().as_str()), (2, "main"));
            NUMBER.set(3);
            let grandchild = spawn_local(async { NUMBER.get() });
            NUMBER.set(4);
            assert_eq!(grandchild.await.unwrap(), 3);
            yield_now().await;
            NUMBER.get()
        });
        NUMBER.set(5);
        assert_eq!(child.await.unwrap(), 4);
        assert_eq!(NUMBER.get(), 5);
    });
}

#[test]
fn ctx_02_ctx_11_values_persist_across_waits_in_many_tasks() {
    on_all(|| async {
        let tasks: Vec<_> = (0..100)
            .map(|i| {
                spawn(async move {
                    NUMBER.set(i);
                    for _ in 0..20 {
                        yield_now().await;
                        assert_eq!(NUMBER.get(), i);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn ctx_03_awaiting_a_future_shares_the_context() {
    on_all(|| async {
        async fn sets() {
            yield_now().await;
            NUMBER.set(9);
        }
        sets().await;
        assert_eq!(NUMBER.get(), 9);
        gather([sets()]).await;
    });
}

#[test]
fn ctx_07_blocking_calls_inherit_too() {
    on_all(|| async {
        NUMBER.set(6);
        let call = spawn_blocking(|| {
            assert_eq!(NUMBER.get(), 6);
            let token = NUMBER.set(7);
            let seen = NUMBER.with(|n| *n);
            token.reset();
            (seen, NUMBER.get())
        });
        assert_eq!(call.await.unwrap(), (7, 6));
        assert_eq!(NUMBER.get(), 6);
    });
}

#[test]
fn outside_a_task_there_is_the_default() {
    assert_eq!(NUMBER.get(), 1);
    let runtime = Builder::new_current_thread().build().unwrap();
    let _guard = runtime.enter();
    assert_eq!(NAME.with(String::len), 7);
    assert!(std::panic::catch_unwind(|| NUMBER.set(2)).is_err());
}

#[test]
fn tokens_restore_in_the_task_in_which_they_were_made() {
    on_all(|| async {
        let first = NUMBER.set(2);
        let second = NUMBER.set(3);
        second.reset();
        assert_eq!(NUMBER.get(), 2);
        first.reset();
        assert_eq!(NUMBER.get(), 1);
        let token = NUMBER.set(4);
        assert!(spawn(async move { token.reset() }).await.unwrap_err().is_panic());
        assert_eq!(NUMBER.get(), 4);
    });
}

#[test]
fn a_value_for_a_future() {
    on_all(|| async {
        NUMBER.set(2);
        let inner = NUMBER.scope(3, async {
            assert_eq!(NUMBER.get(), 3);
            NUMBER.set(4);
            yield_now().await;
            assert_eq!(NUMBER.get(), 4, "what is set inside stays inside, across waits");
            spawn(async { NUMBER.get() }).await.unwrap()
        });
        assert_eq!(inner.await, 4);
        assert_eq!(NUMBER.get(), 2);
        // Side by side, and nested.
        let all = gather((10..20).map(|i| {
            NUMBER.scope(i, async move {
                yield_now().await;
                NUMBER.scope(i * 2, yield_now()).await;
                NUMBER.get()
            })
        }));
        assert_eq!(all.await, (10..20).collect::<Vec<_>>());
        assert_eq!(NUMBER.get(), 2);
    });
}

#[test]
fn a_future_is_dropped_with_its_value_and_a_panic_restores_the_outer_one() {
    on_all(|| async {
        struct Look(Arc<AtomicU64>);
        impl Drop for Look {
            fn drop(&mut self) {
                self.0.store(NUMBER.get(), Ordering::SeqCst);
            }
        }
        let seen = Arc::new(AtomicU64::new(0));
        let look = Look(seen.clone());
        let scoped = NUMBER.scope(5, async move {
            let _look = look;
            pending::<()>().await;
        });
        assert!(timeout(Duration::from_millis(1), scoped).await.is_err());
        assert_eq!((seen.load(Ordering::SeqCst), NUMBER.get()), (5, 1));

        let task = spawn(async {
            let cleanup = || async { assert_eq!(NUMBER.get(), 1) };
            finally(NUMBER.scope(6, async { panic!("as planned") }), cleanup).await
        });
        assert!(task.await.unwrap_err().is_panic());
    });
}

#[test]
fn values_are_dropped_with_the_last_task_that_has_them() {
    context_var! { static SHARED: Option<Arc<()>> = None; }
    on_all(|| async {
        let value = Arc::new(());
        let mine = value.clone();
        let parent = spawn(async move {
            SHARED.set(Some(mine));
            let children: Vec<_> =
                (0..10).map(|_| spawn(async { assert!(SHARED.with(|s| s.is_some())) })).collect();
            for child in children {
                child.await.unwrap();
            }
        });
        parent.await.unwrap();
        while Arc::strong_count(&value) > 1 {
            sleep(Duration::from_millis(1)).await;
        }
    });
}
