//! Cancelling: catch_cancel, scopes with deadlines and shields, tokens. Ids of the areas CAN, TO, TRIO.

#![allow(clippy::async_yields_async, reason = "handles are taken out of the runtime on purpose")]

mod kit;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{
    CancelScope, CancelToken, TaskGroup, catch_cancel, finally, gather, task_group, timeout_scope,
};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{spawn, spawn_local, yield_now};
use corio_sync::Event;
use kit::{Count, cleans_up_in, ms, on_all, pending, settle};

/// Runs `f` in virtual time, so that deadlines are exact.
fn in_virtual_time<F: Future<Output = ()>>(f: F) {
    Builder::new_current_thread().start_paused(true).build().unwrap().block_on(f);
}

fn after(n: u64) -> Instant {
    Instant::now() + ms(n)
}

const LONG: Duration = Duration::from_secs(600);

// ---- catch_cancel ----

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

// ---- scopes ----

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
fn a_scopes_deadline_cancels_its_children() {
    on_all(|| async {
        let scope = CancelScope::new().deadline(after(2));
        let child = scope.child();
        let in_task = spawn(async move { child.run(pending::<()>()).await });
        assert!(scope.run(pending::<()>()).await.is_none());
        assert!(in_task.await.unwrap().is_none());
    });
}

// ---- shields ----

#[test]
fn trio_09_a_shield_holds_up_a_request_to_the_task_until_it_has_ended() {
    on_all(|| async {
        let (inside, beyond) = (Count::default(), Count::default());
        let (in_task, also) = (inside.clone(), beyond.clone());
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let task = spawn(async move {
            CancelScope::new()
                .shield(true)
                .run(async {
                    theirs.wait().await;
                    in_task.add();
                })
                .await;
            yield_now().await;
            also.add();
        });
        settle().await;
        task.cancel();
        settle().await;
        gate.set();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!((inside.get(), beyond.get()), (1, 0));
    });
}

#[test]
fn trio_09_a_shield_holds_up_the_scope_around_it() {
    in_virtual_time(async {
        let start = Instant::now();
        let outer = CancelScope::new().deadline(after(10)).run(async {
            let shielded = CancelScope::new().shield(true).run(sleep(ms(50))).await;
            assert!(shielded.is_some());
            pending::<()>().await;
        });
        assert!(outer.await.is_none());
        assert_eq!(start.elapsed(), ms(50));
    });
}

#[test]
fn trio_09_the_shielded_scopes_own_deadline_works() {
    in_virtual_time(async {
        let start = Instant::now();
        let outer = CancelScope::new().deadline(after(10)).run(async {
            let own = CancelScope::new().shield(true).deadline(after(30));
            assert!(own.run(pending::<()>()).await.is_none());
            pending::<()>().await;
        });
        assert!(outer.await.is_none());
        assert_eq!(start.elapsed(), ms(30));
    });
}

#[test]
fn trio_09_c07_lifting_a_shield_lets_the_request_through_at_once() {
    on_all(|| async {
        // To the task.
        let shielded = CancelScope::new().shield(true);
        let handle = shielded.handle();
        let task = spawn(async move { shielded.run(pending::<()>()).await });
        settle().await;
        task.cancel();
        settle().await;
        assert!(!task.is_finished());
        handle.set_shield(false);
        assert!(task.await.unwrap_err().is_cancelled());
        // To the scope around it, which is the one that was cancelled.
        let (outer, inner) = (CancelScope::new(), CancelScope::new().shield(true));
        let (cancel, lift) = (outer.handle(), inner.handle());
        let task = spawn(async move {
            let cut = outer.run(async { inner.run(pending::<()>()).await }).await;
            assert!(cut.is_none());
            assert!(!inner.is_cancelled());
            7
        });
        settle().await;
        cancel.cancel();
        settle().await;
        lift.set_shield(false);
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn a_shield_against_the_parent_of_a_child_scope() {
    on_all(|| async {
        let parent = CancelScope::new();
        let child = parent.child().shield(true);
        let below = child.child();
        parent.handle().cancel();
        assert!(!child.is_cancelled() && !below.is_cancelled());
        child.handle().set_shield(false);
        assert!(child.is_cancelled() && below.is_cancelled());
    });
}

#[test]
fn catch_and_shield_in_each_other() {
    on_all(|| async {
        // A catch around a shield gets the request when the shield has ended.
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let task = spawn(async move {
            let shielded = async {
                CancelScope::new().shield(true).run(theirs.wait()).await.unwrap();
                pending::<()>().await;
            };
            catch_cancel(shielded).await.is_err()
        });
        settle().await;
        task.cancel();
        settle().await;
        assert!(!task.is_finished());
        gate.set();
        assert!(task.await.unwrap());
        // A catch inside a shield gets nothing.
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let task = spawn(async move {
            let inside = CancelScope::new().shield(true).run(catch_cancel(theirs.wait())).await;
            assert_eq!(inside, Some(Ok(())));
            yield_now().await;
        });
        settle().await;
        task.cancel();
        settle().await;
        gate.set();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_shield_does_not_outlast_the_deadline_of_shutdown() {
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ] {
        let task = runtime.block_on(async {
            let task = spawn(async {
                CancelScope::new().shield(true).run(pending::<()>()).await;
            });
            settle().await;
            task
        });
        runtime.shutdown_timeout(ms(30));
        let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    }
}

// ---- cleanups ----

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

// ---- tokens ----

#[test]
fn a_token_wakes_everybody_below_it_and_nobody_above() {
    on_all(|| async {
        let token = CancelToken::new();
        let child = token.child_token();
        let tasks: Vec<_> = (0..10)
            .map(|i| {
                let token = if i % 2 == 0 { child.clone() } else { child.child_token() };
                spawn(async move { token.cancelled().await })
            })
            .collect();
        settle().await;
        child.cancel();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(child.is_cancelled() && !token.is_cancelled());
        token.cancel();
        token.cancel();
        assert!(token.child_token().is_cancelled());
    });
}

#[test]
fn run_until_cancelled_waits_for_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let token = CancelToken::new();
        let guard = token.clone().drop_guard();
        assert_eq!(token.run_until_cancelled(async { 7 }).await, Some(7));
        drop(spawn(async move {
            settle().await;
            drop(guard);
        }));
        assert!(token.run_until_cancelled(cleans_up_in(cleaned.clone())).await.is_none());
        assert_eq!(cleaned.get(), 1);
        assert!(token.clone().drop_guard().disarm().is_cancelled());
    });
}

#[test]
fn tokens_come_and_go() {
    on_all(|| async {
        let token = CancelToken::new();
        for _ in 0..1000 {
            let children: Vec<_> = (0..10).map(|_| token.child_token()).collect();
            drop(children);
        }
        let orphan = CancelToken::new().child_token();
        assert!(!orphan.is_cancelled());
        orphan.cancel();
        orphan.cancelled().await;
    });
}

#[test]
fn a_request_that_a_shield_held_up_ends_a_task_that_waits_for_nothing_else() {
    on_all(|| async {
        // The shielded scope is cut, not done: the request takes effect at the wait that follows.
        let scope = CancelScope::new().shield(true);
        let handle = scope.handle();
        let task = spawn(async move {
            assert!(scope.run(pending::<()>()).await.is_none());
            std::future::pending::<()>().await;
        });
        settle().await;
        task.cancel();
        settle().await;
        handle.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        // Or it is dropped by what knows of no shields.
        let task = spawn(async move {
            let shielded = CancelScope::new().shield(true);
            let cut = timeout(ms(20), shielded.run(pending::<()>()));
            assert!(cut.await.is_err());
            std::future::pending::<()>().await;
        });
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
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

/// Polls a future once, whatever comes of it.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) {
    std::future::poll_fn(|cx| {
        let _ = future.as_mut().poll(cx);
        std::task::Poll::Ready(())
    })
    .await;
}

/// A token hears of everything above it, also of what nobody has a handle to any more.
#[test]
fn a_token_keeps_those_above_it() {
    let root = CancelToken::new();
    let below = {
        let between = root.child_token();
        between.child_token().child_token()
    };
    root.cancel();
    assert!(below.is_cancelled());

    let scope = CancelScope::new();
    let below = {
        let between = scope.child();
        between.child()
    };
    scope.handle().cancel();
    assert!(below.is_cancelled());
}

/// A long line of tokens, of which only the last is kept, goes without recursion.
#[test]
fn a_long_line_of_tokens_is_dropped_without_recursion() {
    let root = CancelToken::new();
    let mut last = root.child_token();
    for _ in 0..200_000 {
        last = last.child_token();
    }
    let other = last.clone();
    root.cancel();
    assert!(other.is_cancelled());
    drop(last);
    drop(other);
    drop(root);
}

/// A loop whose every step is ready at once ends with the token all the same.
#[test]
fn a_token_that_is_cancelled_runs_nothing_more() {
    on_all(|| async {
        let token = CancelToken::new();
        let mut steps = 0;
        while let Some(()) = token.run_until_cancelled(std::future::ready(())).await {
            steps += 1;
            if steps == 3 {
                token.cancel();
            }
        }
        assert_eq!(steps, 3);
    });
}
