//! as_completed.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use corio::time::Instant;
use corio::{Handle, Task, as_completed, gather, sleep, spawn, task, timeout_at, yield_now};

use crate::common::Log;
use crate::kit::{forever, ms, poll_now};

/// A task that gives its number after so many milliseconds, and tells the log.
fn number(n: u64, log: &Log) -> Task<u64> {
    let log = log.clone();
    spawn(async move {
        sleep(ms(n)).await;
        log.add(n.to_string());
        n
    })
}

/// There is one output for each future, and then no more.
#[corio::test(start_paused = true)]
async fn ac_02_as_many_outputs_as_futures() {
    let mut numbers = as_completed((0..20).map(|n| async move {
        sleep(ms(n % 4)).await;
        n
    }));
    let mut seen = Vec::new();
    while let Some(n) = numbers.next().await {
        seen.push(n);
        assert_eq!(numbers.len(), 20 - seen.len());
    }
    assert_eq!(numbers.next().await, None);
    seen.sort();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

/// To know whose output it is, a task's future gives the task itself back, which is done by then.
#[corio::test(start_paused = true)]
async fn ac_03_tasks_can_come_back_themselves() {
    let tasks = [2, 1].map(|n| number(n, &Log::default()));
    let given = [tasks[1].id(), tasks[0].id()];
    let mut done = as_completed(tasks.map(|task| async {
        let (mut done, _) = corio::wait([task], corio::WaitFor::All).await;
        done.pop()
    }));
    let mut seen = Vec::new();
    while let Some(task) = done.next().await {
        let task = task.unwrap();
        assert!(task.is_finished());
        seen.push((task.id(), task.await.unwrap()));
    }
    assert_eq!(seen, [(given[0], 1), (given[1], 2)]);
}

/// Futures that are not tasks run in the task that asks for their outputs.
#[corio::test]
async fn ac_04_no_tasks_are_made() {
    let mut ids = as_completed((0..3).map(|_| async { task::current().id() }));
    while let Some(id) = ids.next().await {
        assert_eq!(id, task::current().id());
    }
}

/// A deadline for the whole: what is done in time is given, then the wait says that the time is up,
/// each time that it is asked. The tasks go on.
#[corio::test(start_paused = true)]
async fn ac_08_09_11_a_deadline_for_all_of_them() {
    let log = Log::default();
    let mut numbers = as_completed([3, 30, 1, 40].map(|n| number(n, &log)));
    let deadline = Instant::now() + ms(10);
    let mut in_time = Vec::new();
    while let Ok(Some(n)) = timeout_at(deadline, numbers.next()).await {
        in_time.push(n.unwrap());
    }
    assert_eq!(in_time, [1, 3]);
    for _ in 0..3 {
        assert!(timeout_at(deadline, numbers.next()).await.is_err());
    }
    assert_eq!(numbers.len(), 2);
    sleep(ms(100)).await;
    assert_eq!(log.get(), ["1", "3", "30", "40"]);
}

/// The timer of the deadline goes when everything is done before it.
#[corio::test(start_paused = true)]
async fn ac_12_the_timer_goes_when_all_are_done() {
    let timers = || Handle::current().metrics().timers;
    let deadline = Instant::now() + ms(3_600_000);
    let mut numbers = as_completed([spawn(async move {
        yield_now().await;
        timers()
    })]);
    let armed = timeout_at(deadline, numbers.next()).await.unwrap().unwrap();
    assert_eq!(armed.unwrap(), 1);
    assert!(timeout_at(deadline, numbers.next()).await.unwrap().is_none());
    assert_eq!(timers(), 0);
}

/// Whoever stops asking leaves the other tasks running.
#[corio::test(start_paused = true)]
async fn ac_13_tasks_run_on_when_nobody_asks_any_more() {
    let log = Log::default();
    let mut numbers = as_completed([1, 2, 3].map(|n| number(n, &log)));
    assert_eq!(numbers.next().await.unwrap().unwrap(), 1);
    drop(numbers);
    sleep(ms(10)).await;
    assert_eq!(log.get(), ["1", "2", "3"]);
}

/// After a pause the stream goes on with what is left.
#[corio::test(start_paused = true)]
async fn ac_14_the_rest_can_be_asked_for_later() {
    let mut numbers = as_completed([1, 2, 3].map(|n| number(n, &Log::default())));
    assert_eq!(numbers.next().await.unwrap().unwrap(), 1);
    sleep(ms(10)).await;
    let mut rest = Vec::new();
    while let Some(n) = numbers.next().await {
        rest.push(n.unwrap());
    }
    assert_eq!(rest, [2, 3]);
}

/// Several may ask at once, through a lock: the first that asked gets the first output, and each gets
/// one of its own.
#[corio::test(start_paused = true)]
async fn ac_15_16_each_who_asks_gets_an_output_of_its_own() {
    let numbers = as_completed([3, 1, 2].map(|n| number(n, &Log::default())));
    let numbers = Arc::new(corio::sync::Mutex::new(numbers));
    let asking = (0..3).map(|i| {
        let numbers = numbers.clone();
        spawn(async move { (i, numbers.lock().await.next().await.unwrap().unwrap()) })
    });
    let asked: Vec<_> = gather(asking).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(asked, [(0, 1), (1, 2), (2, 3)]);
}

/// Cancelling the task that asks leaves the tasks it asks about running.
#[corio::test(start_paused = true)]
async fn ac_17_cancelling_who_asks_leaves_tasks_running() {
    let log = Log::default();
    let mut numbers = as_completed([5, 6].map(|n| number(n, &log)));
    let asking = spawn(async move { numbers.next().await.map(Result::unwrap) });
    sleep(ms(1)).await;
    asking.cancel();
    assert!(asking.await.unwrap_err().is_cancelled());
    sleep(ms(10)).await;
    assert_eq!(log.get(), ["5", "6"]);
}

/// No runtime is needed to ask.
#[test]
fn ac_18_no_runtime_is_needed() {
    let mut numbers = as_completed([std::future::ready(1), std::future::ready(2)]);
    for expected in [Some(1), Some(2), None] {
        assert_eq!(poll_now(pin!(numbers.next())), Poll::Ready(expected));
    }
    let mut none = as_completed([forever::<()>()]);
    assert!(poll_now(pin!(none.next())).is_pending());
}

/// A cancelled task comes as an error, and the others still come.
#[corio::test(start_paused = true)]
async fn ac_19_a_cancelled_task_is_an_output() {
    let tasks = [1, 60_000].map(|n| number(n, &Log::default()));
    tasks[1].cancel();
    let mut numbers = as_completed(tasks);
    assert!(numbers.next().await.unwrap().unwrap_err().is_cancelled());
    assert_eq!(numbers.next().await.unwrap().unwrap(), 1);
    assert!(numbers.next().await.is_none());
}

/// A failed task comes as its error; asking goes on.
#[corio::test(start_paused = true)]
async fn ac_20_a_failed_task_is_an_output() {
    let panics = spawn(async {
        sleep(ms(1)).await;
        if true {
            panic!("as planned");
        }
        0
    });
    let mut numbers = as_completed([panics, number(2, &Log::default())]);
    assert!(numbers.next().await.unwrap().unwrap_err().is_panic());
    assert_eq!(numbers.next().await.unwrap().unwrap(), 2);
}

/// What was done before comes first, without a wait.
#[corio::test(start_paused = true)]
async fn ac_21_what_was_done_before_comes_first() {
    let done = number(1, &Log::default());
    sleep(ms(2)).await;
    let mut numbers = as_completed([spawn(forever()), number(5, &Log::default()), done]);
    let Poll::Ready(Some(first)) = poll_now(pin!(numbers.next())) else { panic!("it waits") };
    assert_eq!(first.unwrap(), 1);
    assert_eq!(numbers.next().await.unwrap().unwrap(), 5);
}
