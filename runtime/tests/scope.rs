//! Children that borrow.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]

mod kit;

use std::cell::Cell;
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use corio_runtime::structured::{finally, scope, scope_local};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};
use kit::{Count, ms, on_all};

#[test]
fn children_borrow_and_are_waited_for() {
    on_all(|| async {
        let done = AtomicUsize::new(0);
        let words = ["a".to_owned(), "bc".to_owned()];
        let sum = scope(async |s| {
            for _ in 0..10 {
                s.spawn(async {
                    sleep(ms(1)).await;
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
            let a = s.spawn(async { words[0].len() });
            let b = s.spawn(async { words[1].len() });
            a.await + b.await
        })
        .await;
        assert_eq!((sum, done.load(Ordering::SeqCst)), (3, 10));
    });
}

#[test]
fn a_scope_in_a_spawned_task() {
    on_all(|| async {
        let task = spawn(async {
            let local = vec![1, 2, 3];
            let sum = scope(async |s| {
                let parts = [0, 1, 2].map(|i| {
                    let local = &local;
                    s.spawn(async move {
                        yield_now().await;
                        local[i]
                    })
                });
                let mut sum = 0;
                for part in parts {
                    sum += part.await;
                }
                sum
            })
            .await;
            sum + local.len() as i32
        });
        assert_eq!(task.await.unwrap(), 9);
    });
}

#[test]
fn children_spawn_children() {
    on_all(|| async {
        let log = Mutex::new(Vec::new());
        let log = &log;
        scope(async |s| {
            s.spawn(async move {
                yield_now().await;
                log.lock().unwrap().push(1);
                s.spawn(async move {
                    yield_now().await;
                    log.lock().unwrap().push(2);
                    s.spawn(async move { log.lock().unwrap().push(3) });
                });
            });
        })
        .await;
        assert_eq!(*log.lock().unwrap(), [1, 2, 3]);
    });
}

#[test]
fn trio_14_a_dropped_scope_drops_its_children_and_their_cleanups_run() {
    on_all(|| async {
        let cleaned = std::sync::Arc::new(AtomicUsize::new(0));
        let theirs = &cleaned;
        let work = scope(async |s| {
            for _ in 0..5 {
                let count = theirs.clone();
                s.spawn(finally(pending::<()>(), move || async move {
                    yield_now().await;
                    count.fetch_add(1, Ordering::SeqCst);
                }));
            }
            pending::<()>().await;
        });
        assert!(timeout(ms(2), work).await.is_err());
        assert_eq!(cleaned.load(Ordering::SeqCst), 5);
    });
}

#[test]
fn cancel_drops_the_children_and_the_body_goes_on() {
    on_all(|| async {
        let cleaned = std::sync::Arc::new(AtomicUsize::new(0));
        let theirs = &cleaned;
        let value = scope(async |s| {
            let count = theirs.clone();
            let child = s.spawn(finally(pending::<()>(), move || async move {
                yield_now().await;
                count.fetch_add(1, Ordering::SeqCst);
            }));
            yield_now().await;
            yield_now().await;
            assert!(!child.is_finished());
            s.cancel();
            yield_now().await;
            assert!(child.is_finished());
            7
        })
        .await;
        assert_eq!((value, cleaned.load(Ordering::SeqCst)), (7, 1));
    });
}

#[test]
fn a_panicking_child_ends_the_scope() {
    on_all(|| async {
        let task = spawn(async {
            scope(async |s| {
                s.spawn(async {
                    yield_now().await;
                    panic!("as planned");
                });
                pending::<()>().await;
            })
            .await;
        });
        assert!(task.await.unwrap_err().is_panic());
    });
}

#[test]
fn many_children_come_and_go() {
    on_all(|| async {
        let total = AtomicUsize::new(0);
        let total = &total;
        scope(async |s| {
            for _ in 0..100 {
                let batch: Vec<_> = (0..50)
                    .map(|i| {
                        s.spawn(async move {
                            yield_now().await;
                            total.fetch_add(i, Ordering::SeqCst);
                        })
                    })
                    .collect();
                for child in batch {
                    child.await;
                }
            }
        })
        .await;
        assert_eq!(total.load(Ordering::SeqCst), 100 * 49 * 50 / 2);
    });
}

#[test]
fn the_body_may_borrow_mutably_and_need_not_be_send() {
    on_all(|| async {
        let count = Cell::new(0);
        let mut owned = vec![1];
        scope_local(async |s| {
            count.set(1);
            let child = s.spawn(async { 2 });
            owned.push(child.await);
        })
        .await;
        assert_eq!((count.get(), owned), (1, vec![1, 2]));
    });
}

#[test]
fn scopes_nest() {
    on_all(|| async {
        let words = ["x".to_owned(), "y".to_owned()];
        let words = &words;
        let text = scope(async |outer| {
            let child = outer.spawn(async move {
                scope(async |inner| {
                    let one = inner.spawn(async { words[0].as_str() });
                    one.await
                })
                .await
            });
            format!("{}{}", child.await, words[1])
        })
        .await;
        assert_eq!(text, "xy");
    });
}

/// Children that were never taken up are dropped while the body's panic passes through: that panic comes out,
/// and theirs, which would end the process, do not.
#[test]
fn children_that_panic_when_they_are_dropped_leave_the_bodys_panic_alone() {
    struct Bomb(Count);

    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.add();
            panic!("a child's");
        }
    }

    on_all(|| async {
        let dropped = Count::default();
        let theirs = dropped.clone();
        let task = spawn(async move {
            scope(async |s| {
                for _ in 0..3 {
                    let bomb = Bomb(theirs.clone());
                    s.spawn(async move { drop(bomb) });
                }
                panic!("the body's");
            })
            .await
        });
        let error = task.await.unwrap_err();
        assert!(error.to_string().contains("the body's"), "{error}");
        assert_eq!(dropped.get(), 3);
    });
}
