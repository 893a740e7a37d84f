//! Many futures in one task: gather, race, as_completed, wait, shield.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]

mod kit;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{
    WaitFor, as_completed, gather, race, shield, try_gather, wait, wait_results, wait_timeout,
};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{Task, spawn, yield_now};
use corio_sync::{Event, oneshot};
use futures_core::Stream;
use kit::{Count, cleans_up_as, cleans_up_in, ms, on_all, pending, settle, until};

/// A future of a test's, in a box.
type Work = Pin<Box<dyn Future<Output = Result<u32, String>> + Send>>;

#[test]
fn ga_01_outputs_are_in_the_order_of_the_futures() {
    on_all(|| async {
        let outputs = gather((0..20u64).map(|i| async move {
            sleep(ms((20 - i) % 7)).await;
            i
        }))
        .await;
        assert_eq!(outputs, (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn ga_02_nothing_to_gather_is_ready_at_once() {
    on_all(|| async {
        assert!(gather(Vec::<std::future::Ready<()>>::new()).await.is_empty());
        assert_eq!(try_gather(Vec::<std::future::Ready<Result<(), ()>>>::new()).await, Ok(vec![]));
    });
}

#[test]
fn ga_07_the_first_error_drops_the_rest_and_waits_for_their_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let mut futures: Vec<Work> = Vec::new();
        for _ in 0..10 {
            futures.push(Box::pin(cleans_up_as(cleaned.clone())));
        }
        futures.push(Box::pin(async {
            sleep(ms(2)).await;
            Err("broken".to_owned())
        }));
        assert_eq!(try_gather(futures).await, Err("broken".to_owned()));
        assert_eq!(cleaned.get(), 10);
    });
}

#[test]
fn ga_09_results_can_be_gathered_with_their_errors() {
    on_all(|| async {
        let all =
            gather([1, 2, 3].map(|i| async move { if i == 2 { Err(i) } else { Ok(i) } })).await;
        assert_eq!(all, [Ok(1), Err(2), Ok(3)]);
    });
}

#[test]
fn ga_13_cancelling_the_task_drops_the_members_and_runs_their_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(async move { gather((0..5).map(|_| cleans_up_in(theirs.clone()))).await });
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(cleaned.get(), 5);
    });
}

#[test]
fn ga_20_futures_that_are_ready_are_gathered_in_one_poll() {
    on_all(|| async {
        let mut all = pin!(gather((0..50).map(std::future::ready)));
        poll_fn(|cx| {
            assert!(all.as_mut().poll(cx).is_ready());
            Poll::Ready(())
        })
        .await;
    });
}

#[test]
fn ga_22_nested_gathers() {
    on_all(|| async {
        let nested = gather((0..40).map(|i| {
            gather((0..40).map(move |j| async move {
                yield_now().await;
                i * j
            }))
        }))
        .await;
        assert_eq!(nested[39][39], 39 * 39);
    });
}

#[test]
fn gathers_nested_deeper_than_the_budget_get_to_their_end() {
    on_all(|| async {
        let mut deep: Pin<Box<dyn Future<Output = u32>>> = Box::pin(async {
            yield_now().await;
            0
        });
        for _ in 0..300 {
            let inner = deep;
            deep = Box::pin(async move { gather([inner]).await[0] + 1 });
        }
        assert_eq!(deep.await, 300);
    });
}

/// A future that counts its polls and is ready when it has been told.
struct Told {
    polls: Count,
    told: Arc<(AtomicUsize, std::sync::Mutex<Vec<Waker>>)>,
    me: usize,
}

impl Future for Told {
    type Output = usize;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        self.polls.add();
        if self.told.0.load(Ordering::SeqCst) > self.me {
            return Poll::Ready(self.me);
        }
        let mut wakers = self.told.1.lock().unwrap();
        if wakers.len() <= self.me {
            wakers.resize(self.me + 1, Waker::noop().clone());
        }
        wakers[self.me] = cx.waker().clone();
        Poll::Pending
    }
}

#[test]
fn only_woken_futures_are_polled() {
    on_all(|| async {
        const N: usize = 1000;
        let polls = Count::default();
        let told = Arc::new((AtomicUsize::new(0), std::sync::Mutex::new(Vec::new())));
        let futures = (0..N).map(|me| Told { polls: polls.clone(), told: told.clone(), me });
        let all = spawn(gather(futures.collect::<Vec<_>>()));
        for i in 0..N {
            let waker = loop {
                let waker = told.1.lock().unwrap().get(i).cloned();
                match waker {
                    Some(waker) => break waker,
                    None => sleep(ms(1)).await,
                }
            };
            told.0.store(i + 1, Ordering::SeqCst);
            waker.wake();
            if i % 10 == 0 {
                yield_now().await;
            }
        }
        assert_eq!(all.await.unwrap(), (0..N).collect::<Vec<_>>());
        assert!(polls.get() <= 2 * N, "{} polls for {N} futures", polls.get());
    });
}

#[test]
fn a_gather_of_busy_futures_lets_others_run() {
    on_all(|| async {
        let others = Count::default();
        let theirs = others.clone();
        let other = spawn(async move {
            loop {
                theirs.add();
                yield_now().await;
            }
        });
        gather((0..20_000).map(|_| async {})).await;
        other.cancel();
        let _ = other.await;
        assert!(others.get() > 10, "{} turns", others.get());
    });
}

#[test]
fn ga_24_a_panicking_member_drops_the_others() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(async move {
            let mut members: Vec<Work> = vec![Box::pin(cleans_up_as(theirs))];
            members.push(Box::pin(async {
                yield_now().await;
                panic!("as planned")
            }));
            gather(members).await
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(cleaned.get(), 1);
    });
}

#[test]
fn wakers_outlive_the_gather() {
    on_all(|| async {
        let kept = Arc::new(std::sync::Mutex::new(Vec::new()));
        let theirs = kept.clone();
        let waiting = gather((0..10).map(move |_| {
            let kept = theirs.clone();
            poll_fn(move |cx| {
                kept.lock().unwrap().push(cx.waker().clone());
                Poll::<()>::Pending
            })
        }));
        assert!(timeout(ms(1), waiting).await.is_err());
        for waker in kept.lock().unwrap().drain(..) {
            waker.wake_by_ref();
            waker.wake();
        }
    });
}

#[test]
fn a_race_drops_the_losers_and_waits_for_their_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let mut futures: Vec<Work> = Vec::new();
        for _ in 0..3 {
            futures.push(Box::pin(cleans_up_as(cleaned.clone())));
        }
        futures.push(Box::pin(async {
            sleep(ms(2)).await;
            Ok(7)
        }));
        assert_eq!(race(futures).await, Ok(7));
        assert_eq!(cleaned.get(), 3);
    });
}

#[test]
#[should_panic(expected = "no winner")]
fn a_race_of_nobody_panics_where_it_is_made() {
    drop(race(Vec::<std::future::Ready<()>>::new()));
}

#[test]
fn ac_01_outputs_come_in_the_order_of_completion() {
    on_all(|| async {
        let mut beats = as_completed([60u64, 3, 30].map(|n| async move {
            sleep(ms(n)).await;
            n
        }));
        assert_eq!(beats.size_hint(), (3, Some(3)));
        let mut order = Vec::new();
        while let Some(n) = beats.next().await {
            order.push(n);
        }
        assert_eq!(order, [3, 30, 60]);
    });
}

#[test]
fn ac_07_nothing_ends_at_once() {
    on_all(|| async {
        assert!(as_completed(Vec::<std::future::Ready<()>>::new()).next().await.is_none());
    });
}

#[test]
fn ac_10_ac_13_tasks_outlive_the_stream() {
    on_all(|| async {
        let done = Count::default();
        let gate = Arc::new(Event::new());
        let tasks = [false, true, true].map(|waits| {
            let (done, gate) = (done.clone(), gate.clone());
            spawn(async move {
                if waits {
                    gate.wait().await;
                }
                done.add();
                waits
            })
        });
        let mut results = as_completed(tasks);
        assert!(!results.next().await.unwrap().unwrap());
        assert!(timeout(ms(1), results.next()).await.is_err());
        drop(results);
        gate.set();
        until(|| done.get() == 3).await;
    });
}

#[test]
fn ac_23_futures_woken_together_come_in_the_order_of_their_wakes() {
    on_all(|| async {
        let gates: Vec<_> = (0..4).map(|_| Arc::new(corio_sync::Event::new())).collect();
        let mut opened = as_completed(gates.iter().enumerate().map(|(i, gate)| async move {
            gate.wait().await;
            i
        }));
        assert!(timeout(ms(1), opened.next()).await.is_err());
        for i in [2, 0, 3, 1] {
            gates[i].set();
        }
        let mut order = Vec::new();
        while let Some(i) = opened.next().await {
            order.push(i);
        }
        assert_eq!(order, [2, 0, 3, 1]);
    });
}

#[test]
fn futures_may_be_added_to_a_stream_that_has_ended() {
    on_all(|| async {
        let mut outputs = as_completed([]);
        for round in 0..100u64 {
            assert!(outputs.next().await.is_none());
            for i in 0..round {
                outputs.push(async move {
                    yield_now().await;
                    i
                });
            }
            let mut sum = 0;
            while let Some(i) = outputs.next().await {
                sum += i;
            }
            assert_eq!(sum, round * round.saturating_sub(1) / 2);
        }
    });
}

#[test]
fn wt_01_wt_20_all() {
    on_all(|| async {
        let tasks = [20u64, 1, 5].map(|n| {
            spawn(async move {
                sleep(ms(n)).await;
                n
            })
        });
        let (done, pending) = wait(tasks, WaitFor::All).await;
        assert!(pending.is_empty());
        let mut values = Vec::new();
        for task in done {
            values.push(task.await.unwrap());
        }
        assert_eq!(values, [20, 1, 5]);
    });
}

#[test]
fn wt_02_wt_03_a_wait_with_a_limit_gives_the_handles_back() {
    on_all(|| async {
        for limit in [Duration::ZERO, ms(3)] {
            let done = Count::default();
            let theirs = done.clone();
            let gate = Arc::new(Event::new());
            let opened = gate.clone();
            let late = spawn(async move {
                opened.wait().await;
                theirs.add();
            });
            let (done_now, mut pending) = wait_timeout([late], WaitFor::All, limit).await;
            assert_eq!((done_now.len(), pending.len()), (0, 1));
            gate.set();
            pending.pop().unwrap().await.unwrap();
            assert_eq!(done.get(), 1);
        }
    });
}

#[test]
fn wt_04_wt_15_first_completed_gives_all_that_are_done() {
    on_all(|| async {
        let tasks: Vec<_> = (0..3).map(|_| spawn(async {})).collect();
        while !tasks.iter().all(|t| t.is_finished()) {
            yield_now().await;
        }
        let tasks = tasks.into_iter().chain([spawn(pending())]);
        let (done, pending) = wait(tasks, WaitFor::FirstCompleted).await;
        assert_eq!((done.len(), pending.len()), (3, 1));
        let (done, pending) = wait_timeout(pending, WaitFor::FirstCompleted, ms(1)).await;
        assert_eq!((done.len(), pending.len()), (0, 1));
    });
}

#[test]
fn wt_05_wt_06_wt_07_wt_08_first_error() {
    on_all(|| async {
        // None fails.
        let (done, _) = wait([spawn(async {}), spawn(yield_now())], WaitFor::FirstError).await;
        assert_eq!(done.len(), 2);
        // A panic is an error, a cancelled task is none.
        let cancelled = spawn(pending());
        cancelled.cancel();
        let panics = spawn(async {
            sleep(ms(2)).await;
            panic!("as planned")
        });
        let (mut done, rest) =
            wait([cancelled, panics, spawn(pending())], WaitFor::FirstError).await;
        assert_eq!((done.len(), rest.len()), (2, 1));
        assert!(done.pop().unwrap().await.unwrap_err().is_panic());
        assert!(done.pop().unwrap().await.unwrap_err().is_cancelled());
        // So is an `Err`, to the wait that can look into it, also one from before the call.
        let failed = spawn(async { Err::<(), _>("no") });
        while !failed.is_finished() {
            yield_now().await;
        }
        let (done, pending) = wait_results([failed, spawn(pending())], WaitFor::FirstError).await;
        assert_eq!((done.len(), pending.len()), (1, 1));
    });
}

#[test]
fn wt_09_no_tasks_are_all_done() {
    on_all(|| async {
        let (done, pending) = wait(Vec::<corio_runtime::Task<()>>::new(), WaitFor::All).await;
        assert!(done.is_empty() && pending.is_empty());
    });
}

/// A task that gives `wait` its own handle, with others or alone, would wait for ever.
#[test]
fn a_task_that_waits_for_itself_is_told() {
    for when in [WaitFor::All, WaitFor::FirstCompleted, WaitFor::FirstError] {
        for (count, results) in [(0, false), (0, true), (2, false), (2, true)] {
            on_all(move || async move {
                let (send, receive) = oneshot::channel::<Task<Result<(), ()>>>();
                let (done, end) = oneshot::channel();
                let task = spawn(async move {
                    let own = receive.await.unwrap();
                    let others = (0..count).map(|_| spawn(async { Ok(()) }));
                    let all: Vec<_> = std::iter::once(own).chain(others).collect();
                    let wait = if results { wait_results(all, when) } else { wait(all, when) };
                    let _ = done.send(wait.await.1.len());
                    Ok(())
                });
                send.send(task).unwrap();
                let ended = end.await;
                let others_end_it = when == WaitFor::FirstCompleted && count > 0;
                assert_eq!(ended.is_ok(), others_end_it, "{when:?} of {count}: {ended:?}");
            });
        }
    }
    on_all(|| async {
        let (send, receive) = oneshot::channel::<Task<()>>();
        let (done, end) = oneshot::channel();
        let task = spawn(async move {
            let own = receive.await.unwrap();
            let (_, left) = wait_timeout([own], WaitFor::All, ms(1)).await;
            done.send(left.len()).unwrap();
        });
        send.send(task).unwrap();
        assert_eq!(end.await, Ok(1));
    });
}

#[test]
fn wt_16_cancelling_the_waiter_leaves_the_tasks_running() {
    on_all(|| async {
        let done = Count::default();
        let theirs = done.clone();
        let gate = Arc::new(Event::new());
        let opened = gate.clone();
        let waiter = spawn(async move {
            let task = spawn(async move {
                opened.wait().await;
                theirs.add();
            });
            wait([task], WaitFor::All).await;
        });
        settle().await;
        waiter.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        gate.set();
        until(|| done.get() == 1).await;
    });
}

#[test]
fn sh_01_sh_02_the_result_or_the_panic_comes_through() {
    on_all(|| async {
        assert_eq!(shield(async { 7 }).await.unwrap(), 7);
        assert!(shield(async { panic!("as planned") }).await.unwrap_err().is_panic());
        let shielded = shield(pending::<()>());
        shielded.canceller().cancel();
        assert!(shielded.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn sh_04_sh_06_cancelling_the_waiter_leaves_the_inner_running() {
    on_all(|| async {
        let done = Count::default();
        let theirs = done.clone();
        let gate = Arc::new(Event::new());
        let opened = gate.clone();
        let inner = async move {
            opened.wait().await;
            theirs.add();
        };
        let waiter = spawn(async move { shield(inner).await });
        settle().await;
        waiter.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(done.get(), 0);
        gate.set();
        until(|| done.get() == 1).await;
    });
}

#[test]
fn sh_12_a_shielded_gather_goes_on() {
    on_all(|| async {
        let done = Count::default();
        let gate = Arc::new(Event::new());
        let members = [0; 3].map(|_| {
            let (done, gate) = (done.clone(), gate.clone());
            async move {
                gate.wait().await;
                done.add();
            }
        });
        assert!(timeout(ms(1), shield(gather(members))).await.is_err());
        gate.set();
        until(|| done.get() == 3).await;
    });
}

#[test]
fn sh_14_shutdown_cancels_what_is_behind_a_shield() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let cleaned = Count::default();
    let theirs = cleaned.clone();
    runtime.block_on(async move {
        drop(shield(cleans_up_in(theirs)));
        settle().await;
    });
    drop(runtime);
    assert_eq!(cleaned.get(), 1);
}

#[test]
fn the_futures_are_send_if_their_parts_are() {
    fn send<T: Send>(value: T) {
        drop(value);
    }
    send(gather([async {}]));
    send(try_gather([async { Ok::<_, ()>(()) }]));
    send(race([async {}]));
    send(as_completed([async {}]));
    send(wait(Vec::<corio_runtime::Task<()>>::new(), WaitFor::All));
}
