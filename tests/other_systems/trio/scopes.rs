//! Cancel scopes: deadlines, shields, and where a request ends.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio::structured::{ScopeHandle, current_deadline};
use corio::time::{Instant, sleep};
use corio::{
    CancelScope, Handle, TaskGroup, finally, move_on_after, spawn, task, task_group, timeout,
    yield_now,
};

use crate::common::secs;
use crate::common::{Log, OnDrop};

/// A scope that was asked to end, and whose body ended by itself, has cut nothing off.
#[corio::test(start_paused = true)]
async fn trio_05_what_ends_by_itself_was_not_cut_off() {
    let scope = CancelScope::new();
    let handle = scope.handle();
    let ended = scope.run(async {
        handle.cancel();
        7
    });
    assert_eq!((ended.await, scope.is_cancelled()), (Some(7), true));
}

/// Without a deadline a scope lasts; one may be set, moved into the past, and not taken back.
#[corio::test(start_paused = true)]
async fn trio_06_deadlines_come_and_go() {
    let start = Instant::now();
    let scope = CancelScope::new();
    assert_eq!(scope.run(sleep(secs(1_000_000))).await, Some(()));
    let handle = scope.handle();
    handle.reschedule(start + secs(1_000_005));
    let body = async {
        sleep(secs(1)).await;
        handle.reschedule(start);
        pending::<()>().await;
    };
    assert_eq!(scope.run(body).await, None);
    assert_eq!(start.elapsed(), secs(1_000_001));
    handle.reschedule(Instant::now() + secs(100));
    assert!(scope.is_cancelled());
    // A relative limit counts from where it is asked for.
    assert!(timeout(secs(3), pending::<()>()).await.is_err());
    assert_eq!(start.elapsed(), secs(1_000_004));
}

/// Of nested scopes that are due the outermost cuts, whatever their deadlines were.
#[corio::test(start_paused = true)]
async fn trio_07_of_nested_deadlines_the_outermost_that_is_due_cuts() {
    async fn cut(deadlines: [u64; 3]) -> usize {
        let start = Instant::now();
        let [a, b, c] = deadlines.map(|at| CancelScope::new().deadline(start + secs(at)));
        let inner = async {
            match c.run(sleep(secs(100))).await {
                Some(()) => 0,
                None => 3,
            }
        };
        let middle = async { b.run(inner).await.unwrap_or(2) };
        a.run(middle).await.unwrap_or(1)
    }
    assert_eq!(cut([5, 5, 5]).await, 1);
    assert_eq!(cut([9, 5, 5]).await, 2);
    assert_eq!(cut([9, 8, 5]).await, 3);
    assert_eq!(cut([5, 8, 9]).await, 1);
}

/// The deadline that counts is known at each moment: the earliest that no shield keeps out.
#[corio::test(start_paused = true)]
async fn trio_08_the_effective_deadline_is_known() {
    let start = Instant::now();
    let at = |s| Some(start + secs(s));
    assert_eq!(current_deadline(), None);
    let outer = CancelScope::new().deadline(start + secs(5));
    let inner = CancelScope::new().deadline(start + secs(10));
    let (outer_handle, handle) = (outer.handle(), inner.handle());
    let cut = outer.run(async {
        let inside = inner.run(async {
            assert_eq!(current_deadline(), at(5));
            handle.reschedule(at(3));
            assert_eq!(current_deadline(), at(3));
            handle.reschedule(at(10));
            assert_eq!(current_deadline(), at(5));
            handle.set_shield(true);
            assert_eq!(current_deadline(), at(10));
            handle.set_shield(false);
            assert_eq!(current_deadline(), at(5));
            outer_handle.cancel();
            assert!(current_deadline().unwrap() <= Instant::now());
            handle.set_shield(true);
            assert_eq!(current_deadline(), at(10));
            "ended by itself"
        });
        assert_eq!(inside.await, Some("ended by itself"));
        assert!(current_deadline().unwrap() <= Instant::now());
    });
    assert_eq!(cut.await, Some(()));
    assert_eq!(current_deadline(), None);
    // A request to the task counts, too, and a cleanup is free of it all.
    let log = Log::default();
    let ours = log.clone();
    let cleanup = move || async move { ours.add(format!("{:?}", current_deadline())) };
    let body = async {
        task::current().cancel();
        assert!(current_deadline().unwrap() <= Instant::now());
        pending::<()>().await;
    };
    assert!(spawn(finally(body, cleanup)).await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["None"]);
}

/// A shield keeps the scope around it out until it is lifted; that takes effect at once.
#[corio::test(start_paused = true)]
async fn trio_09_a_shield_keeps_the_outer_scope_out_until_it_is_lifted() {
    let start = Instant::now();
    let outer = CancelScope::new().deadline(start + secs(1));
    let inner = CancelScope::new().shield(true);
    let lifted: ScopeHandle = inner.handle();
    let _lifts = spawn(async move {
        sleep(secs(5)).await;
        lifted.set_shield(false);
    });
    assert_eq!(outer.run(inner.run(pending::<()>())).await, None);
    assert_eq!(start.elapsed(), secs(5));
    let own = CancelScope::new().shield(true).deadline(start + secs(7));
    assert_eq!(outer.child().run(async { 7 }).await, None);
    assert_eq!(own.run(pending::<()>()).await, None);
    assert_eq!(start.elapsed(), secs(7));
}

/// A request that the body's end has overtaken is gone with the scope.
#[corio::test(start_paused = true)]
async fn trio_11_a_request_ends_with_its_scope() {
    let task = spawn(async {
        let scope = CancelScope::new();
        let handle = scope.handle();
        let ended = scope.run(async {
            handle.cancel();
            7
        });
        let ended = ended.await;
        sleep(secs(1)).await;
        yield_now().await;
        ended
    });
    assert_eq!(task.await.unwrap(), Some(7));
}

/// A cleanup that takes longer than its scope gives it is dropped.
#[corio::test(start_paused = true)]
async fn trio_13_a_cleanup_may_have_a_limit() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let deadline = start + secs(1);
    let scope = CancelScope::new().deadline(deadline).cleanup_limit(secs(2));
    let work = finally(pending::<()>(), move || async move {
        let _guard = OnDrop(ours, "the cleanup was dropped");
        pending::<()>().await;
    });
    assert_eq!(scope.run(work).await, None);
    assert_eq!((log.get().len(), start.elapsed()), (1, secs(3)));
}

/// What is ready in the moment of the deadline counts, wherever the deadline is.
#[corio::test(start_paused = true)]
async fn trio_19_what_is_ready_at_the_deadline_counts() {
    let deadline = Instant::now() + secs(5);
    let scope = CancelScope::new().deadline(deadline);
    let (a, b, c) = corio::join!(
        timeout(secs(5), sleep(secs(5))),
        move_on_after(secs(5), sleep(secs(5))),
        scope.run(sleep(secs(5))),
    );
    assert_eq!((a, b, c), (Ok(()), Some(()), Some(())));
    let late = corio::time::sleep_until(deadline + Duration::from_nanos(1));
    assert_eq!(CancelScope::new().deadline(deadline).run(late).await, None);
}

/// A deadline that is moved a million times is one timer.
#[corio::test(start_paused = true)]
async fn trio_21_a_deadline_that_moves_a_million_times_is_one_timer() {
    let (mut nap, start) = (Box::pin(sleep(secs(1))), Instant::now());
    let mut context = Context::from_waker(Waker::noop());
    assert!(nap.as_mut().poll(&mut context).is_pending());
    for i in 0..1_000_000_u64 {
        nap.as_mut().get_mut().reset(start + Duration::from_millis(1 + i * 7919 % 1_000_003));
    }
    assert_eq!(Handle::current().metrics().timers, 1);
    nap.as_mut().get_mut().reset(start + secs(3));
    nap.await;
    assert_eq!(start.elapsed(), secs(3));
}

/// Depth costs no stack where there are tasks between the levels, and where there are none it ends well on
/// a stack that is large enough.
#[test]
fn trio_22_five_thousand_levels_are_entered_and_left() {
    fn groups(depth: u32, log: Log) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let group = task_group(|group: TaskGroup| async move {
                if depth > 0 {
                    drop(group.spawn(groups(depth - 1, log)));
                } else {
                    drop(group.spawn(log.endless("the innermost")));
                }
                pending::<Result<(), _>>().await
            });
            let _ = group.await;
        })
    }
    fn scopes(depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                pending::<()>().await;
            }
            1 + CancelScope::new().run(scopes(depth - 1)).await.unwrap_or(0)
        })
    }
    const DEPTH: u32 = 5_000;
    let runtime = crate::common::single();
    runtime.block_on(async {
        let log = Log::default();
        let outermost = spawn(groups(DEPTH, log.clone()));
        log.entered(1).await;
        outermost.cancel();
        assert!(outermost.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["the innermost"]);
    });
    drop(runtime);
    let deep = || {
        crate::common::single().block_on(async {
            let outermost = CancelScope::new();
            let handle = outermost.handle();
            let cut = outermost.run(async {
                let mut inner = scopes(DEPTH);
                std::future::poll_fn(|cx| {
                    handle.cancel();
                    inner.as_mut().poll(cx)
                })
                .await
            });
            assert_eq!(cut.await, None);
        });
    };
    std::thread::Builder::new().stack_size(256 << 20).spawn(deep).unwrap().join().unwrap();
}

/// A scope is cancelled from another thread; what is run in it later is not polled.
#[corio::test(start_paused = true)]
async fn trio_10_a_scope_is_cancelled_from_a_thread() {
    let scope = CancelScope::new();
    let handle = scope.handle();
    let other = std::thread::spawn(move || handle.cancel());
    assert_eq!(scope.run(pending::<()>()).await, None);
    other.join().unwrap();
    let mut after = Box::pin(scope.run(async { unreachable!("it is cancelled") }));
    let polled = after.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(None::<()>));
}
