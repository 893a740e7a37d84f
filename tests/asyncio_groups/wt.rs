//! wait.

use std::collections::{BTreeMap, HashSet};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use corio::structured::wait_results;
use corio::{Handle, Task, WaitFor, sleep, spawn, wait, wait_timeout, yield_now};

use crate::common::single;
use crate::kit::{counting_panics, forever, ms, poll_now};

/// A task that gives its number after so many milliseconds.
fn number(n: u64) -> Task<u64> {
    spawn(async move {
        sleep(ms(n)).await;
        n
    })
}

fn ids<T>(tasks: &[Task<T>]) -> Vec<corio::task::TaskId> {
    tasks.iter().map(Task::id).collect()
}

async fn values<T>(tasks: Vec<Task<T>>) -> Vec<T> {
    corio::gather(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// A limit of nothing tells how things stand, without a wait.
#[corio::test(start_paused = true)]
async fn wt_03_a_limit_of_nothing_polls() {
    let tasks = [number(1), number(60_000)];
    sleep(ms(2)).await;
    let polled = poll_now(pin!(wait_timeout(tasks, WaitFor::All, Duration::ZERO)));
    let Poll::Ready((done, pending)) = polled else { panic!("it waits") };
    assert_eq!((done.len(), pending.len()), (1, 1));
    assert_eq!(values(done).await, [1]);
}

/// The first failure ends the wait; what has ended by then is done, too.
#[corio::test(start_paused = true)]
async fn wt_06_a_failure_ends_the_wait() {
    let fails = spawn(async {
        sleep(ms(2)).await;
        Err("failed")
    });
    let number = |n| {
        spawn(async move {
            sleep(ms(n)).await;
            Ok(n)
        })
    };
    let (done, pending) = wait_results([number(1), fails, number(3)], WaitFor::FirstError).await;
    assert_eq!(values(done).await, [Ok(1), Err("failed")]);
    assert_eq!(values(pending).await, [Ok(3)]);
}

/// A cancelled task is no failure.
#[corio::test(start_paused = true)]
async fn wt_07_a_cancelled_task_does_not_end_the_wait() {
    let tasks = [number(60_000), number(5)];
    tasks[0].cancel();
    let (done, pending) = wait(tasks, WaitFor::FirstError).await;
    assert_eq!((done.len(), pending.len()), (2, 0));
}

/// A task that had failed before the call ends the wait at once.
#[corio::test]
async fn wt_08_a_task_that_had_failed_before() {
    let failed = spawn(async { Err::<(), _>("failed") });
    while !failed.is_finished() {
        yield_now().await;
    }
    let tasks = [spawn(forever()), failed];
    let polled = poll_now(pin!(wait_results(tasks, WaitFor::FirstError)));
    let Poll::Ready((done, pending)) = polled else { panic!("it waits") };
    assert_eq!(pending.len(), 1);
    assert_eq!(values(done).await, [Err("failed")]);
}

/// Whatever can be iterated over is taken, once.
#[corio::test(start_paused = true)]
async fn wt_14_any_collection_of_tasks() {
    let vec: Vec<_> = (1..3).map(number).collect();
    assert_eq!(wait(vec, WaitFor::All).await.0.len(), 2);
    let lazily = (1..4).map(number).filter(|task| task.name().is_none());
    assert_eq!(wait(lazily, WaitFor::All).await.0.len(), 3);
    let map: BTreeMap<_, _> = (1..5).map(|n| (n, number(n))).collect();
    assert_eq!(wait(map.into_values(), WaitFor::All).await.0.len(), 4);
    assert_eq!(wait(Some(number(1)), WaitFor::All).await.0.len(), 1);
}

/// Tasks that are done are given back in the first poll.
#[corio::test]
async fn wt_15_tasks_that_are_done_are_not_waited_for() {
    let tasks = [1, 2].map(|i| spawn(async move { i }));
    yield_now().await;
    assert!(tasks.iter().all(Task::is_finished));
    for when in [WaitFor::FirstCompleted, WaitFor::FirstError, WaitFor::All] {
        let tasks = [1, 2].map(|i| spawn(async move { i }));
        yield_now().await;
        let Poll::Ready((done, _)) = poll_now(pin!(wait(tasks, when))) else { panic!("it waits") };
        assert_eq!(values(done).await, [1, 2]);
    }
}

/// A wait takes no result: a panic is still there to be looked at, or told of.
#[test]
fn wt_17_a_wait_takes_no_results() {
    let (runtime, told) = counting_panics();
    let panics = || {
        spawn(async {
            if true {
                panic!("as planned");
            }
        })
    };
    runtime.block_on(async {
        let (mut done, _) = wait([panics(), panics()], WaitFor::All).await;
        assert_eq!(told.load(Ordering::SeqCst), 0);
        let error = done.pop().unwrap().await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(told.load(Ordering::SeqCst), 0);
        drop(done);
    });
    assert_eq!(told.load(Ordering::SeqCst), 1);
}

/// The timer of the limit goes when the wait ends before it.
#[corio::test(start_paused = true)]
async fn wt_18_the_timer_goes_with_the_wait() {
    let timers = || Handle::current().metrics().timers;
    let (go, gone) = corio::sync::oneshot::channel::<()>();
    let task = spawn(async move { gone.await.is_ok() });
    let waiting = spawn(wait_timeout([task], WaitFor::All, ms(3_600_000)));
    yield_now().await;
    assert_eq!(timers(), 1);
    go.send(()).unwrap();
    let (done, _) = waiting.await.unwrap();
    assert_eq!(timers(), 0);
    assert_eq!(values(done).await, [true]);
}

/// A task that ends when the time is up is in one of the two lists, as every task is.
#[corio::test(start_paused = true)]
async fn wt_19_every_task_is_in_one_list() {
    let tasks: Vec<_> = [5, 4, 6, 5, 7].map(number).into();
    let given: HashSet<_> = ids(&tasks).into_iter().collect();
    let (done, pending) = wait_timeout(tasks, WaitFor::All, ms(5)).await;
    let mut seen = HashSet::new();
    for id in ids(&done).into_iter().chain(ids(&pending)) {
        assert!(seen.insert(id), "{id:?} is in both");
    }
    assert_eq!(seen, given);
    assert!(done.iter().all(Task::is_finished));
}

/// Both lists are in the order in which the tasks were given, whatever that of their ends is.
#[corio::test(start_paused = true)]
async fn wt_20_the_lists_are_in_the_order_of_the_tasks() {
    let (done, pending) = wait([3, 60_000, 1, 2].map(number), WaitFor::FirstCompleted).await;
    let (first, pending) = (values(done).await, pending);
    assert_eq!(first, [1]);
    let (done, pending) = wait_timeout(pending, WaitFor::All, ms(5)).await;
    assert_eq!(values(done).await, [3, 2]);
    assert_eq!(pending.len(), 1);
}

/// Tasks of another runtime are waited for as well.
#[test]
fn wt_21_tasks_of_another_runtime() {
    let other = corio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    single().block_on(async {
        let tasks = [other.spawn(async { 1 }), spawn(async { 2 })];
        let (done, pending) = wait(tasks, WaitFor::All).await;
        assert!(pending.is_empty());
        assert_eq!(values(done).await, [1, 2]);
    });
}

/// A task that is cancelled meanwhile is done.
#[corio::test(start_paused = true)]
async fn wt_22_a_cancelled_task_is_done() {
    let task = number(60_000);
    let canceller = task.canceller();
    let waiting = spawn(wait([task, number(120_000)], WaitFor::FirstCompleted));
    sleep(ms(1)).await;
    canceller.cancel();
    let (mut done, pending) = waiting.await.unwrap();
    assert_eq!((done.len(), pending.len()), (1, 1));
    assert!(done.remove(0).await.unwrap_err().is_cancelled());
}

/// The tasks that come back are those that were given.
#[corio::test(start_paused = true)]
async fn wt_24_the_same_tasks_come_back() {
    let tasks = [number(1), number(60_000)];
    let given = ids(&tasks);
    let (done, pending) = wait(tasks, WaitFor::FirstCompleted).await;
    assert_eq!((ids(&done), ids(&pending)), (vec![given[0]], vec![given[1]]));
}

/// One wait after another: what was pending is done in the end.
#[corio::test(start_paused = true)]
async fn wt_25_what_was_pending_can_be_waited_for_again() {
    let (done, pending) = wait([number(1), number(2)], WaitFor::FirstCompleted).await;
    assert_eq!(values(done).await, [1]);
    let (done, pending) = wait(pending, WaitFor::FirstCompleted).await;
    assert!(pending.is_empty());
    assert_eq!(values(done).await, [2]);
}
