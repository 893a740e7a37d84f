//! `catch_cancel` takes a request, and whose request it takes.

use std::future::Future;
use std::pin::Pin;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{TaskGroup, catch_cancel, finally, gather, task_group};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, spawn_local, yield_now};

use crate::kit::{Count, cleans_up_in, ms, on_all, pending, settle};

#[test]
fn can_07_can_08_the_request_is_absorbed_and_the_task_goes_on() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(async move {
            let caught = catch_cancel(cleans_up_in(theirs.clone())).await;
            assert!(caught.is_err());
            // The cleanups have run, and later waits are not disturbed.
            assert_eq!(theirs.get(), 1);
            sleep(ms(1)).await;
            yield_now().await;
            42
        });
        settle().await;
        assert!(task.cancel());
        assert_eq!(task.await.unwrap(), 42);
        assert_eq!(cleaned.get(), 1);
    });
}

#[test]
fn can_09_a_request_after_the_first_was_absorbed_ends_the_task() {
    on_all(|| async {
        let absorbed = Count::default();
        let theirs = absorbed.clone();
        let task = spawn(async move {
            catch_cancel(pending::<()>()).await.unwrap_err();
            theirs.add();
            pending::<()>().await;
        });
        settle().await;
        assert!(task.cancel());
        while absorbed.get() == 0 {
            yield_now().await;
        }
        assert!(task.cancel());
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn can_04_a_request_before_the_first_poll_is_not_caught() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ran = Count::default();
        let theirs = ran.clone();
        let task = spawn(catch_cancel(async move { theirs.add() }));
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn a_request_goes_to_the_innermost_catch() {
    on_all(|| async {
        let task = spawn(async {
            let inner = catch_cancel(async {
                let inner = catch_cancel(pending::<()>()).await;
                assert!(inner.is_err());
                "inner"
            });
            inner.await
        });
        settle().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), Ok("inner"));
    });
}

#[test]
fn catches_side_by_side_all_take_the_request_also_where_only_the_woken_are_polled() {
    on_all(|| async {
        let task = spawn(gather((0..10).map(|_| catch_cancel(pending::<()>()))));
        settle().await;
        task.cancel();
        assert!(task.await.unwrap().iter().all(Result::is_err));
    });
}

#[test]
fn can_12_a_task_that_cancels_itself_and_returns_has_returned() {
    on_all(|| async {
        let task = spawn(async {
            let caught = catch_cancel(async {
                corio_runtime::task::current().cancel();
                7
            });
            assert_eq!(caught.await, Ok(7));
            // The request is still there: the next wait is the last.
            yield_now().await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
        let task = spawn(async {
            catch_cancel(async {
                corio_runtime::task::current().cancel();
                pending::<()>().await;
            })
            .await
        });
        assert!(task.await.unwrap().is_err());
    });
}

#[test]
fn a_catch_that_is_dropped_or_over_catches_nothing() {
    on_all(|| async {
        let task = spawn(async {
            catch_cancel(async {}).await.unwrap();
            assert!(timeout(ms(1), catch_cancel(pending::<()>())).await.is_err());
            pending::<()>().await;
        });
        settle().await;
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_catch_in_a_cleanup_does_not_keep_the_task_from_being_cancelled() {
    on_all(|| async {
        let finished = Count::default();
        let theirs = finished.clone();
        let task = spawn(async move {
            let body = finally(pending::<()>(), move || async move {
                let _ = catch_cancel(sleep(ms(20))).await;
                theirs.add();
            });
            // A foreign drop leaves the cleanup to the task.
            let mut body = Box::pin(body);
            std::future::poll_fn(|cx| {
                let _ = body.as_mut().poll(cx);
                std::task::Poll::Ready(())
            })
            .await;
            drop(body);
            pending::<()>().await;
        });
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(finished.get(), 1);
    });
}

#[test]
fn a_catch_goes_with_its_future_from_task_to_task() {
    on_all(|| async {
        type Moving =
            Pin<Box<dyn Future<Output = Result<(), corio_runtime::structured::Cancelled>> + Send>>;
        let mut catch: Moving = Box::pin(catch_cancel(pending::<()>()));
        let first = spawn(async move {
            std::future::poll_fn(|cx| {
                assert!(catch.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            catch
        });
        let catch = first.await.unwrap();
        let second = spawn(catch);
        settle().await;
        second.cancel();
        assert!(second.await.unwrap().is_err());
    });
}

#[test]
fn shutdown_is_not_absorbed() {
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ] {
        runtime.block_on(async {
            drop(spawn(async {
                loop {
                    let _ = catch_cancel(pending::<()>()).await;
                }
            }));
            // The thread's own tasks end with `block_on`.
            drop(spawn_local(async {
                loop {
                    let _ = catch_cancel(pending::<()>()).await;
                }
            }));
            settle().await;
        });
        drop(runtime);
    }
}

#[test]
fn c01_an_outer_request_survives_the_end_of_an_inner_group() {
    on_all(|| async {
        let task = spawn(async {
            let _ = task_group(|group: TaskGroup<&str>| async move {
                drop(group.spawn(async { Err::<(), _>("inner") }));
                corio_runtime::task::current().cancel();
                pending::<Result<(), &str>>().await
            })
            .await;
            pending::<()>().await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
