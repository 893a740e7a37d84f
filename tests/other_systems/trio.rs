//! trio: nurseries, cancel scopes.

use std::future::pending;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio::structured::{FailureKind, ScopeHandle, current_deadline};
use corio::sync::{Barrier, Event, Mutex, RwLock, Semaphore, mpsc, oneshot};
use corio::time::{Instant, sleep};
use corio::{
    CancelScope, Handle, Queue, TaskGroup, catch_cancel, finally, move_on_after, spawn, task,
    task_group, timeout, yield_now,
};

use crate::common::{LONG, Log, OnDrop};

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A child that fails while it is being cancelled.
async fn fails_when_cancelled(error: &'static str) -> Result<(), &'static str> {
    let _ = catch_cancel(pending::<()>()).await;
    yield_now().await;
    Err(error)
}

async fn never_runs() {
    unreachable!("it is cancelled before its first poll");
}

async fn panics_with(payload: i32) {
    std::panic::panic_any(payload);
}

/// The first failure cancels all others, the group waits for them, and every failure is told.
#[corio::test(start_paused = true)]
async fn trio_01_every_failure_is_told_when_all_have_ended() {
    let log = Log::default();
    let ours = log.clone();
    let error = task_group(|group: TaskGroup<&str>| async move {
        drop(group.spawn(ours.endless("a sibling was cleaned up")));
        drop(group.spawn(fails_when_cancelled("a child")));
        drop(group.spawn(fails_when_cancelled("another child")));
        sleep(secs(1)).await;
        Err::<(), _>("the body")
    })
    .await
    .unwrap_err();
    let mut errors: Vec<_> = error.failures().iter().filter_map(|f| f.error().copied()).collect();
    assert_eq!(errors.remove(0), "the body");
    errors.sort_unstable();
    assert_eq!(errors, ["a child", "another child"]);
    assert_eq!(log.get(), ["a sibling was cleaned up"]);
}

/// A group waits for the children of its children, also when its body has ended; when it has ended
/// itself, a child is cancelled before it runs.
#[corio::test(start_paused = true)]
async fn trio_02_a_group_waits_for_late_children_and_refuses_later_ones() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let closed = task_group(|group: TaskGroup| async move {
        let siblings = group.clone();
        drop(group.spawn(async move {
            sleep(secs(1)).await;
            drop(siblings.spawn(async move {
                sleep(secs(1)).await;
                ours.add("the late child");
            }));
        }));
        Ok(group)
    })
    .await
    .unwrap();
    assert_eq!((log.get(), start.elapsed()), (vec!["the late child".to_owned()], secs(2)));
    assert!(closed.spawn(never_runs()).await.unwrap_err().is_cancelled());
}

/// A child that is spawned into a cancelled group never runs.
#[corio::test(start_paused = true)]
async fn trio_03_a_child_of_a_cancelled_group_never_runs() {
    let log = Log::default();
    let ours = log.clone();
    task_group(|group: TaskGroup| async move {
        group.cancel();
        let guard = OnDrop(ours, "dropped");
        let child = group.spawn(async move {
            let _guard = guard;
            never_runs().await;
        });
        assert!(child.await.unwrap_err().is_cancelled());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(log.get(), ["dropped"]);
}

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

/// A child that fails, or panics, while it cleans up is told of, and the others clean up undisturbed.
#[corio::test(start_paused = true)]
async fn trio_12_failures_while_ending_are_told_and_disturb_nobody() {
    let log = Log::default();
    let ours = log.clone();
    let error = task_group(|group: TaskGroup<&str>| async move {
        drop(group.spawn(ours.endless("a sibling was cleaned up")));
        drop(group.spawn(fails_when_cancelled("while ending")));
        drop(group.spawn(async {
            let _ = catch_cancel(pending::<()>()).await;
            panics_with(7).await;
        }));
        ours.entered(1).await;
        Err::<(), _>("the body")
    })
    .await
    .unwrap_err();
    let text = error.to_string();
    assert_eq!(error.failures().len(), 3, "{text}");
    assert!(text.contains("while ending") && text.contains("panicked"), "{text}");
    assert_eq!(log.get(), ["a sibling was cleaned up"]);
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

/// Whatever is ready at once gives way in time: a second task runs long before a million of them.
#[corio::test]
async fn trio_15_what_is_always_ready_gives_way() {
    /// Repeats `operation` until another task has run a few times; fails if it never does.
    macro_rules! gives_way {
        ($($operation:expr),+ $(,)?) => {$({
            let turns = Arc::new(AtomicU32::new(0));
            let theirs = turns.clone();
            let other = spawn(async move {
                for _ in 0..3 {
                    theirs.fetch_add(1, SeqCst);
                    yield_now().await;
                }
            });
            let mut count = 0_u32;
            while turns.load(SeqCst) < 3 {
                count += 1;
                assert!(count < 10_000, "{} does not give way", stringify!($operation));
                let _ = $operation;
            }
            other.await.unwrap();
        })+};
    }
    let queue = Queue::unbounded();
    let (sender, mut receiver) = mpsc::unbounded();
    let (lock, shared, semaphore) = (Mutex::new(()), RwLock::new(()), Semaphore::new(1));
    let (event, barrier) = (Event::new(), Barrier::new(1));
    event.set();
    for _ in 0..20_000 {
        sender.send(()).unwrap();
    }
    gives_way! {
        (queue.put(()).await, queue.get().await),
        receiver.recv().await,
        lock.lock().await,
        shared.read().await,
        shared.write().await,
        semaphore.acquire().await.unwrap(),
        event.wait().await,
        barrier.wait().await,
        sleep(Duration::ZERO).await,
        corio::time::sleep_until(Instant::now()).await,
        yield_now().await,
    }
    let (mut a, mut b) = corio::io::duplex(64);
    let mut buffer = [0; 1];
    gives_way!((a.write_all(b"x").await, b.read_exact(&mut buffer).await));
}

/// An operation that is dropped where it waits has not happened.
#[corio::test]
async fn trio_16_what_is_dropped_while_it_waits_has_not_happened() {
    /// Polls once, which must wait, and drops it.
    fn given_up(future: impl Future) {
        let mut future = Box::pin(future);
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    let queue = Queue::bounded(1);
    given_up(queue.get());
    queue.put(1).await.unwrap();
    given_up(queue.put(2));
    assert_eq!((queue.get().await, queue.len()), (Ok(1), 0));

    let (sender, mut receiver) = mpsc::channel(1);
    given_up(receiver.recv());
    sender.send(1).await.unwrap();
    given_up(sender.send(2));
    assert_eq!((receiver.recv().await, receiver.try_recv().is_err()), (Some(1), true));

    let (lock, semaphore, barrier) = (Mutex::new(()), Semaphore::new(1), Barrier::new(2));
    let guards = (lock.lock().await, semaphore.acquire().await.unwrap());
    given_up(lock.lock());
    given_up(semaphore.acquire());
    drop(guards);
    assert_eq!((lock.is_locked(), semaphore.available_permits()), (false, 1));
    given_up(barrier.wait());
    assert_eq!(barrier.waiting(), 0);

    let event = Event::new();
    given_up(event.wait());
    assert_eq!(event.waiters(), 0);
    given_up(sleep(LONG));
    assert_eq!(Handle::current().metrics().timers, 0);
    let mut task = spawn(async { 7 });
    given_up(&mut task);
    assert_eq!(task.await.unwrap(), 7);
    let (send, mut receive) = oneshot::channel();
    given_up(&mut receive);
    send.send(7).unwrap();
    assert_eq!(receive.await.unwrap(), 7);
}

/// Why a task was cancelled, and by whom, is known: in its error, while it ends, and to what takes the
/// request. The first reason counts.
#[corio::test(start_paused = true)]
async fn trio_17_why_and_by_whom_is_known() {
    let log = Log::default();
    let cleanup = || sleep(secs(5));
    let task = task::Builder::new().name("victim").spawn(finally(log.endless("body"), cleanup));
    log.entered(1).await;
    assert!(task.cancel_because("the first reason"));
    assert!(!task.cancel_because("too late"));
    sleep(secs(1)).await;
    let all = task::all();
    let info = all.iter().find(|t| t.name.as_deref() == Some("victim")).unwrap();
    assert_eq!(info.cancel_reason.as_ref().unwrap().text(), "the first reason");
    assert!(corio::introspect::tree().contains("the first reason"));
    let error = task.await.unwrap_err();
    let reason = error.cancel_reason().unwrap();
    assert_eq!(reason.by(), Some(task::current().id()));
    assert!(reason.at().file().ends_with("trio.rs"));
    assert!(error.to_string().contains("the first reason"), "{error}");

    let task = spawn(async {
        let taken = catch_cancel(pending::<()>()).await.unwrap_err();
        let next = catch_cancel(pending::<()>()).await.unwrap_err();
        (taken.reason().map(|r| r.text().to_owned()), next.reason().is_none())
    });
    yield_now().await;
    task.cancel_because("taken");
    sleep(secs(1)).await;
    task.cancel();
    assert_eq!(task.await.unwrap(), (Some("taken".to_owned()), true));
    // Without a reason there is none.
    let task = spawn(pending::<()>());
    task.cancel();
    assert!(task.await.unwrap_err().cancel_reason().is_none());
}

/// The tree of tasks is right at each step, and empty at the end.
#[corio::test(start_paused = true)]
async fn trio_18_the_tree_of_tasks_is_right() {
    fn parent_of(name: &str) -> Option<String> {
        let all = task::all();
        let task = all.iter().find(|t| t.name.as_deref() == Some(name))?;
        let parent = all.iter().find(|t| Some(t.id) == task.parent)?;
        Some(parent.name.clone().unwrap_or_default())
    }
    let named = |name: &str| task::Builder::new().name(name);
    let outer = named("outer").spawn(task_group(|group: TaskGroup| async move {
        drop(group.builder().name("child").spawn(async {
            let grandchild = task::Builder::new().name("grandchild").spawn(sleep(secs(2)));
            sleep(secs(1)).await;
            drop(grandchild);
        }));
        Ok(())
    }));
    yield_now().await;
    yield_now().await;
    assert_eq!(parent_of("outer"), Some(String::new()), "main has no name");
    assert_eq!(parent_of("child").as_deref(), Some("outer"));
    assert_eq!(parent_of("grandchild").as_deref(), Some("child"));
    outer.await.unwrap().unwrap();
    // Its parent has ended, and it has not.
    assert!(task::all().iter().any(|t| t.name.as_deref() == Some("grandchild")));
    assert_eq!(parent_of("grandchild"), None);
    sleep(secs(5)).await;
    assert_eq!(task::all().len(), 1);
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

/// Ten thousand children that all fail: every failure is told, and nothing is left.
#[corio::test]
async fn trio_20_ten_thousand_failures_are_told() {
    let error = task_group(|group: TaskGroup<usize>| async move {
        for i in 0..10_000 {
            drop(group.spawn(async move {
                let _ = catch_cancel(pending::<()>()).await;
                Err::<(), _>(i)
            }));
        }
        yield_now().await;
        Err::<(), _>(10_000)
    })
    .await
    .unwrap_err();
    let mut errors: Vec<_> = error.failures().iter().filter_map(|f| f.error().copied()).collect();
    errors.sort_unstable();
    assert_eq!(errors, (0..=10_000).collect::<Vec<_>>());
    assert_eq!(Handle::current().metrics().tasks, 0);
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

/// A panic in a child is a failure with its payload, which can be raised again.
#[corio::test(start_paused = true)]
async fn trio_23_a_panic_is_a_failure_with_its_payload() {
    let log = Log::default();
    let ours = log.clone();
    let error = task_group(|group: TaskGroup<()>| async move {
        drop(group.spawn(ours.endless("a sibling was cleaned up")));
        ours.entered(1).await;
        drop(group.spawn(panics_with(7)));
        pending::<Result<(), ()>>().await
    })
    .await
    .unwrap_err();
    assert_eq!(log.get(), ["a sibling was cleaned up"]);
    let failure: corio::Failure<()> = error.into_failures().remove(0);
    let FailureKind::Panic(payload) = failure.into_kind() else { panic!("it is a panic") };
    let again = spawn(async { resume_unwind(payload.into_inner()) }).await.map(|(): ()| ());
    assert_eq!(*again.unwrap_err().into_panic().downcast::<i32>().unwrap(), 7);
}

/// A group may be ended without an error, as often as one likes, also when it has ended; what its children
/// raise meanwhile is told.
#[corio::test(start_paused = true)]
async fn trio_24_a_group_may_be_ended_without_an_error() {
    let log = Log::default();
    let ours = log.clone();
    let group = task_group(|group: TaskGroup| async move {
        drop(group.spawn(ours.endless("cleaned up")));
        ours.entered(1).await;
        group.cancel();
        group.cancel();
        Ok(group)
    });
    group.await.unwrap().cancel();
    assert_eq!(log.get(), ["cleaned up"]);
    let error = task_group(|group: TaskGroup<&str>| async move {
        drop(group.spawn(fails_when_cancelled("while ending")));
        yield_now().await;
        group.cancel();
        Ok(())
    });
    assert!(error.await.unwrap_err().to_string().contains("while ending"));
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
