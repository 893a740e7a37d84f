//! timeout.

use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;

use corio::time::{Instant, sleep};
use corio::{CancelScope, TaskGroup, catch_cancel, finally, shield, timeout, timeout_scope};

use crate::common::{Log, OnDrop, poll_once};
use crate::kit::{scoped, secs, timers};

/// A body that is faster than the deadline gives its result, and the scope has not expired.
#[corio::test(start_paused = true)]
async fn to_01_a_body_in_time_gives_its_result() {
    let (result, scope) = scoped(secs(5), |_| async {
        sleep(secs(1)).await;
        7
    })
    .await;
    assert_eq!((result, scope.is_cancelled(), timers()), (Ok(7), false, 0));
}

/// A body that is slower is cut off when the time is up, not before and not after.
#[corio::test(start_paused = true)]
async fn to_02_a_body_that_is_late_is_cut_off_at_the_deadline() {
    let start = Instant::now();
    let (result, scope) = scoped(secs(5), |_| sleep(secs(10))).await;
    assert_eq!(result.unwrap_err().limit(), Some(secs(5)));
    assert!(scope.is_cancelled());
    assert_eq!(start.elapsed(), secs(5));
}

/// A deadline is as good as a limit, and is what the handle tells.
#[corio::test(start_paused = true)]
async fn to_03_a_deadline_is_as_good_as_a_limit() {
    let start = Instant::now();
    let deadline = start + secs(5);
    let scope = CancelScope::new().deadline(deadline);
    assert_eq!(scope.handle().deadline(), Some(deadline));
    assert_eq!(scope.run(sleep(secs(10))).await, None);
    assert!(corio::timeout_at(deadline + secs(1), pending::<()>()).await.is_err());
    assert_eq!(start.elapsed(), secs(6));
}

/// After a timeout the task is not cancelled: what it awaits later works.
#[corio::test(start_paused = true)]
async fn to_04_after_a_timeout_the_task_goes_on() {
    let task = corio::spawn(async {
        let late = timeout(secs(1), pending::<()>()).await.is_err();
        sleep(secs(1)).await;
        corio::yield_now().await;
        late
    });
    assert!(task.await.unwrap());
}

/// A scope without a deadline never ends what runs in it, until it is given one.
#[corio::test(start_paused = true)]
async fn to_05_a_scope_without_a_deadline_may_be_given_one() {
    let start = Instant::now();
    let scope = CancelScope::new();
    let handle = scope.handle();
    assert_eq!(handle.deadline(), None);
    let cut = scope.run(async {
        sleep(secs(1000)).await;
        handle.reschedule(Instant::now() + secs(1));
        pending::<()>().await;
    });
    assert_eq!((cut.await, start.elapsed()), (None, secs(1001)));
}

/// A deadline may be taken away while the body runs.
#[corio::test(start_paused = true)]
async fn to_06_a_deadline_may_be_taken_away() {
    let (result, scope) = scoped(secs(1), |scope| async move {
        scope.reschedule(None);
        sleep(secs(100)).await;
    })
    .await;
    assert_eq!((result, scope.deadline(), scope.is_cancelled()), (Ok(()), None, false));
}

/// A deadline may be put off, brought forward, and put into the past.
#[corio::test(start_paused = true)]
async fn to_07_a_deadline_may_be_moved_both_ways() {
    async fn ends_after(moved_to: Duration) -> Duration {
        let start = Instant::now();
        let (result, _) = scoped(secs(5), |scope| async move {
            sleep(secs(2)).await;
            scope.reschedule(start + moved_to);
            pending::<()>().await;
        })
        .await;
        assert!(result.is_err());
        start.elapsed()
    }
    assert_eq!(ends_after(secs(9)).await, secs(9));
    assert_eq!(ends_after(secs(3)).await, secs(3));
    assert_eq!(ends_after(secs(1)).await, secs(2));
}

/// No time at all: a body that waits is cut off without any time passing.
#[corio::test(start_paused = true)]
async fn to_08_without_any_time_a_body_that_waits_is_cut_off() {
    let start = Instant::now();
    let (result, scope) = scoped(Duration::ZERO, |_| sleep(secs(10))).await;
    assert!(result.is_err() && scope.is_cancelled());
    assert!(timeout(Duration::ZERO, sleep(secs(10))).await.is_err());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Even a body that would only give way once is cut off.
#[corio::test(start_paused = true)]
async fn to_09_without_any_time_giving_way_is_too_long() {
    let (result, _) = scoped(Duration::ZERO, |_| sleep(Duration::ZERO)).await;
    assert!(result.is_err());
    assert!(timeout(Duration::ZERO, corio::yield_now()).await.is_err());
}

/// A body that never waits is done before anybody looks at the clock.
#[corio::test(start_paused = true)]
async fn to_10_without_any_time_a_body_that_never_waits_ends_by_itself() {
    let (result, scope) = scoped(Duration::ZERO, |_| async { ready(7).await }).await;
    assert_eq!((result, scope.is_cancelled()), (Ok(7), false));
}

/// The deadline passes while the body computes; a body that then returns is not late.
#[corio::test]
async fn to_11_a_body_that_computes_past_its_deadline_and_returns_is_not_late() {
    let (result, scope) = scoped(Duration::from_millis(1), |_| async {
        std::thread::sleep(Duration::from_millis(5));
        7
    })
    .await;
    assert_eq!((result, scope.is_cancelled()), (Ok(7), false));
}

/// The deadline passes while the body computes; it is cut off where it then waits.
#[corio::test]
async fn to_12_a_body_that_computes_past_its_deadline_is_cut_off_where_it_waits() {
    let log = Log::default();
    let ours = log.clone();
    let (result, _) = scoped(Duration::from_millis(1), |_| async move {
        std::thread::sleep(Duration::from_millis(5));
        ours.add("computed");
        pending::<()>().await;
    })
    .await;
    assert!(result.is_err());
    assert_eq!(log.get(), ["computed"]);
}

/// The body's own error passes through unchanged.
#[corio::test(start_paused = true)]
async fn to_13_the_bodys_own_error_passes_through() {
    let (result, scope) = scoped(secs(5), |_| async { Err::<(), _>("its own") }).await;
    assert_eq!((result, scope.is_cancelled()), (Ok(Err("its own")), false));
}

/// A body cannot swallow a timeout: not even what takes cancel requests sees it.
#[corio::test(start_paused = true)]
async fn to_16_no_body_swallows_a_timeout() {
    let (result, scope) = scoped(secs(5), |_| async {
        let _ = catch_cancel(pending::<()>()).await;
        unreachable!("it is dropped, not asked");
    })
    .await;
    let result: Result<(), _> = result;
    assert!(result.is_err() && scope.is_cancelled());
}

/// A cancel request from outside before the deadline passes through the scope.
#[corio::test(start_paused = true)]
async fn to_18_a_request_from_outside_passes_through() {
    let (send, handle) = corio::sync::oneshot::channel();
    let task = corio::spawn(timeout_scope(secs(5), |scope| async move {
        let _ = send.send(scope);
        pending::<()>().await;
    }));
    let scope = handle.await.unwrap();
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(!scope.is_cancelled());
}

/// A request in the moment of the deadline: the request wins, whether the deadline is seen or not.
#[corio::test(start_paused = true)]
async fn to_19_a_request_in_the_moment_of_the_deadline_wins() {
    let (result, scopes) = corio::sync::oneshot::channel();
    // Main's timer is armed first, so main cancels before the scope looks at its deadline.
    let mut moment = pin!(sleep(secs(5)));
    poll_once(moment.as_mut()).await;
    let task = corio::spawn(async move {
        let _ = timeout_scope(secs(5), |scope| {
            let _ = result.send(scope);
            pending::<()>()
        })
        .await;
        pending::<()>().await;
    });
    moment.await;
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(!scopes.await.unwrap().is_cancelled());
}

/// A request after the deadline, while the body's cleanup runs: the task is cancelled, the scope has
/// expired, and the cleanup is not disturbed.
#[corio::test(start_paused = true)]
async fn to_20_a_request_during_the_cleanup_wins_and_leaves_it_alone() {
    let log = Log::default();
    let ours = log.clone();
    let (send, handle) = corio::sync::oneshot::channel();
    let task = corio::spawn(async move {
        let late = timeout_scope(secs(5), |scope| {
            let _ = send.send(scope);
            finally(pending::<()>(), move || async move {
                sleep(secs(10)).await;
                ours.add("cleaned");
            })
        });
        let _ = late.await;
        unreachable!("the task is cancelled before the timeout returns");
    });
    sleep(secs(7)).await;
    task.cancel();
    let result: Result<(), _> = task.await;
    assert!(result.unwrap_err().is_cancelled());
    assert!(handle.await.unwrap().is_cancelled());
    assert_eq!(log.get(), ["cleaned"]);
}

/// A request that was taken before the scope began has nothing to do with the scope.
#[corio::test(start_paused = true)]
async fn to_21_a_request_taken_earlier_does_not_matter() {
    let task = corio::spawn(async {
        assert!(catch_cancel(pending::<()>()).await.is_err());
        let (result, scope) = scoped(secs(5), |_| pending::<()>()).await;
        result.is_err() && scope.is_cancelled()
    });
    corio::yield_now().await;
    task.cancel();
    assert!(task.await.unwrap());
}

/// A request was taken earlier, and a new one comes inside: the new one counts.
#[corio::test(start_paused = true)]
async fn to_22_a_new_request_inside_counts() {
    let task = corio::spawn(async {
        assert!(catch_cancel(pending::<()>()).await.is_err());
        let _ = scoped(secs(5), |_| pending::<()>()).await;
    });
    corio::yield_now().await;
    task.cancel();
    sleep(secs(1)).await;
    assert!(task.cancel());
    assert!(task.await.unwrap_err().is_cancelled());
}

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

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
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

/// A scope may be entered again: its deadline goes for all that runs in it.
#[corio::test(start_paused = true)]
async fn to_28_a_scope_may_be_entered_again() {
    let start = Instant::now();
    let scope = CancelScope::new().deadline(start + secs(5));
    assert_eq!(scope.run(async { 7 }).await, Some(7));
    let both = corio::join!(scope.run(pending::<()>()), scope.run(sleep(secs(9))));
    assert_eq!((both, start.elapsed()), ((None, None), secs(5)));
    // Once it has expired, nothing is polled in it any more.
    assert_eq!(scope.run(async { unreachable!() }).await, None::<()>);
}

/// A deadline may be moved at any time; before the body it is in force, after it nothing happens.
#[corio::test(start_paused = true)]
async fn to_29_a_deadline_may_be_moved_before_and_after() {
    let start = Instant::now();
    let scope = CancelScope::new();
    scope.handle().reschedule(start + secs(1));
    assert_eq!(scope.run(pending::<()>()).await, None);
    // It has expired, and stays so.
    scope.handle().reschedule(start + secs(100));
    assert!(scope.is_cancelled());
    let (result, done) = scoped(secs(5), |_| async {}).await;
    done.reschedule(Instant::now());
    sleep(secs(1)).await;
    assert!(result.is_ok() && !done.is_cancelled());
}

/// Outside a runtime there is no clock to wait by: a clear panic.
#[test]
fn to_30_outside_a_runtime_a_wait_is_a_clear_panic() {
    let poll = || {
        let mut scope = Box::pin(timeout_scope(secs(1), |_| pending::<()>()));
        let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    };
    let panic = std::panic::catch_unwind(poll).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("no corio runtime"));
}

/// In the cleanups of the body the scope is known to have expired.
#[corio::test(start_paused = true)]
async fn to_31_the_bodys_cleanups_see_that_the_scope_has_expired() {
    let log = Log::default();
    let ours = log.clone();
    let (result, _) = scoped(secs(5), |scope| {
        finally(
            pending::<()>(),
            move || async move { ours.add(format!("{}", scope.is_cancelled())) },
        )
    })
    .await;
    assert!(result.is_err());
    assert_eq!(log.get(), ["true"]);
}

/// What a scope prints tells its deadline and whether it has expired.
#[corio::test(start_paused = true)]
async fn to_32_a_scope_shows_what_it_is() {
    let text = format!("{:?}", CancelScope::new());
    assert!(text.contains("cancelled: false") && text.contains("deadline: None"), "{text}");
    let (_, scope) = scoped(secs(1), |scope| async move {
        let text = format!("{scope:?}");
        assert!(text.contains("cancelled: false") && text.contains("deadline: Some("), "{text}");
        pending::<()>().await;
    })
    .await;
    let text = format!("{scope:?}");
    assert!(text.contains("cancelled: true") && text.contains("deadline: Some("), "{text}");
}

/// A deadline is the scope's task's: a task that the body has spawned goes on.
#[corio::test(start_paused = true)]
async fn to_33_a_spawned_task_is_not_in_the_scope() {
    let (send, task) = corio::sync::oneshot::channel();
    let (result, _) = scoped(secs(1), |_| async move {
        let _ = send.send(corio::spawn(async {
            sleep(secs(5)).await;
            "went on"
        }));
        pending::<()>().await;
    })
    .await;
    assert!(result.is_err());
    assert_eq!(task.await.unwrap().await.unwrap(), "went on");
}

/// A task that the body awaits is cancelled with it if the body owns it, and goes on if not.
#[corio::test(start_paused = true)]
async fn to_34_an_awaited_task_is_cancelled_if_it_is_tied_to_the_body() {
    let log = Log::default();
    let (tied, loose) = (log.clone(), log.clone());
    let (result, _) = scoped(secs(1), |_| async move {
        let body = async move {
            let _guard = OnDrop(tied, "the tied one is gone");
            pending::<()>().await;
        };
        corio::spawn(body).cancel_on_drop().await
    })
    .await;
    assert!(result.is_err());
    let shielded = async move {
        sleep(secs(5)).await;
        loose.add("the loose one went on");
    };
    assert!(timeout(secs(1), corio::spawn(shielded)).await.is_err());
    sleep(secs(9)).await;
    assert_eq!(log.get(), ["the tied one is gone", "the loose one went on"]);
}

/// A task group that times out has ended, with its children and their cleanups.
#[corio::test(start_paused = true)]
async fn to_35_a_group_that_times_out_has_ended() {
    let log = Log::default();
    let ours = log.clone();
    let (result, _) = scoped(secs(1), |_| {
        corio::task_group(|group: TaskGroup<()>| async move {
            drop(group.spawn(ours.endless("child")));
            drop(group.spawn(ours.endless("child")));
            pending::<Result<(), ()>>().await
        })
    })
    .await;
    assert!(result.is_err());
    assert_eq!(log.get(), ["child", "child"]);
}

/// However a scope is left, its timer is gone.
#[corio::test(start_paused = true)]
async fn to_36_no_timer_is_left_behind() {
    let (result, _) = scoped(secs(5), |_| sleep(secs(1))).await;
    assert_eq!((result.is_ok(), timers()), (true, 0));
    let (result, _) = scoped(secs(5), |_| async {
        corio::yield_now().await;
        Err::<(), _>("failed")
    })
    .await;
    assert_eq!((result.unwrap().is_err(), timers()), (true, 0));
    let (result, _) = scoped(secs(5), |_| pending::<()>()).await;
    assert_eq!((result.is_err(), timers()), (true, 0));
    let mut dropped = Box::pin(timeout_scope(secs(5), |_| pending::<()>()));
    poll_once(dropped.as_mut()).await;
    assert_eq!(timers(), 1);
    drop(dropped);
    assert_eq!(timers(), 0);
}

/// A timeout of the body's own is told from the scope's.
#[corio::test(start_paused = true)]
async fn to_37_the_bodys_own_timeout_is_told_from_the_scopes() {
    let (result, scope) = scoped(secs(5), |_| timeout(secs(1), pending::<()>())).await;
    assert_eq!(result.unwrap().unwrap_err().limit(), Some(secs(1)));
    assert!(!scope.is_cancelled());
}

/// A scope around shielded work ends on time, and the work goes on.
#[corio::test(start_paused = true)]
async fn to_38_shielded_work_goes_on_when_its_waiter_times_out() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let work = shield(async move {
        sleep(secs(5)).await;
        ours.add("done");
    });
    let (result, _) = scoped(secs(1), |_| work).await;
    assert!(result.is_err());
    assert_eq!((start.elapsed(), log.get().len()), (secs(1), 0));
    sleep(secs(9)).await;
    assert_eq!(log.get(), ["done"]);
}

/// However often a deadline is moved, there is one timer for it.
#[corio::test(start_paused = true)]
async fn to_39_a_deadline_that_moves_has_one_timer() {
    let (result, _) = scoped(secs(5), |scope| async move {
        let start = Instant::now();
        for i in 0..100_u64 {
            scope.reschedule(start + secs(10 + i * 7 % 13));
            corio::yield_now().await;
            assert_eq!(timers(), 1);
        }
    })
    .await;
    assert!(result.is_ok());
}

/// The deadline can be asked for when all is over.
#[corio::test(start_paused = true)]
async fn to_40_the_deadline_is_known_afterwards() {
    let start = Instant::now();
    let (_, done) = scoped(secs(5), |_| async {}).await;
    let (_, expired) = scoped(secs(5), |_| pending::<()>()).await;
    let deadline = Some(start + secs(5));
    assert_eq!((done.deadline(), expired.deadline()), (deadline, deadline));
}

/// The time counts from the call that makes the scope, not from its first poll.
#[corio::test(start_paused = true)]
async fn to_41_the_time_counts_from_the_call() {
    let start = Instant::now();
    let mut scope = Box::pin(timeout_scope(secs(5), |_| pending::<()>()));
    sleep(secs(3)).await;
    let pinned: Pin<&mut _> = scope.as_mut();
    assert!(pinned.await.is_err());
    assert_eq!(start.elapsed(), secs(5));
}
