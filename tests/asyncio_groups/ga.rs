//! gather.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use corio::sync::Event;
use corio::{
    Task, TaskError, catch_cancel, gather, shield, sleep, spawn, task, try_gather, yield_now,
};

use crate::common::{Log, single};
use crate::kit::{cleans_up_for, counting_panics, forever, ms, poll_now};

/// What a task of this file gives: its value or its error, and whether it was cancelled.
async fn flat<T>(task: Task<Result<T, &'static str>>) -> Result<T, &'static str> {
    task.await.unwrap_or(Err("cancelled"))
}

/// A task that tells the log when it has run to its end.
fn told(n: u64, log: &Log, what: &'static str) -> Task<Result<(), &'static str>> {
    let log = log.clone();
    spawn(async move {
        sleep(ms(n)).await;
        log.add(what);
        Ok(())
    })
}

fn failing(n: u64, error: &'static str) -> Task<Result<(), &'static str>> {
    spawn(async move {
        sleep(ms(n)).await;
        Err(error)
    })
}

/// Tasks of two runtimes can be gathered: a handle is awaited anywhere.
#[test]
fn ga_05_tasks_of_two_runtimes_are_gathered() {
    let other = corio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    single().block_on(async {
        let tasks = [spawn(async { 1 }), other.spawn(async { 2 }), spawn(async { 3 })];
        let values: Result<Vec<_>, _> = gather(tasks).await.into_iter().collect();
        assert_eq!(values.unwrap(), [1, 2, 3]);
    });
}

/// After the first error the others no longer matter: a second error goes nowhere.
#[corio::test(start_paused = true)]
async fn ga_08_a_second_error_changes_nothing() {
    let gathered = try_gather([failing(2, "second"), failing(1, "first")].map(flat));
    assert_eq!(gathered.await, Err("first"));
    sleep(ms(5)).await;
    let log = Log::default();
    let gathered = try_gather([3, 1, 2].map(|n| {
        let log = log.clone();
        async move {
            sleep(ms(n)).await;
            log.add(n.to_string());
            Err::<(), _>(n)
        }
    }));
    assert_eq!(gathered.await, Err(1));
    sleep(ms(5)).await;
    assert_eq!(log.get(), ["1"], "futures that are not tasks are dropped");
}

/// A member that is cancelled has an error in its place.
#[corio::test(start_paused = true)]
async fn ga_10_a_cancelled_member_is_in_its_place() {
    let tasks = [1, 2, 3].map(|i| {
        spawn(async move {
            sleep(ms(i)).await;
            i
        })
    });
    tasks[1].cancel();
    let results = gather(tasks).await;
    assert_eq!((results[0].as_ref().unwrap(), results[2].as_ref().unwrap()), (&1, &3));
    assert!(results[1].as_ref().unwrap_err().is_cancelled());
}

/// A cancelled member is an error of the gathering, which is not cancelled itself; other tasks go on.
#[corio::test(start_paused = true)]
async fn ga_11_a_cancelled_member_is_an_error_and_the_others_go_on() {
    let log = Log::default();
    let lost = spawn(forever::<Result<(), &str>>());
    lost.cancel();
    let gathering = spawn(try_gather([told(5, &log, "went on"), lost].map(flat)));
    assert_eq!(gathering.await.unwrap(), Err("cancelled"));
    sleep(ms(10)).await;
    assert_eq!(log.get(), ["went on"]);
}

/// Dropping a gathering drops its futures; tasks among them are cancelled if their handles say so.
#[corio::test(start_paused = true)]
async fn ga_12_cancelling_reaches_every_member_that_is_not_done() {
    let log = Log::default();
    let (tasks, futures) = (log.clone(), log.clone());
    let gathering = spawn(async move {
        let tasks = ["task 1", "task 2"]
            .map(|what| spawn(cleans_up_for::<()>(1, tasks.clone(), what)).cancel_on_drop());
        let futures =
            ["future 1", "future 2"].map(|what| cleans_up_for::<()>(2, futures.clone(), what));
        corio::join!(gather(tasks), gather(futures))
    });
    sleep(ms(1)).await;
    gathering.cancel();
    assert!(gathering.await.map(drop).unwrap_err().is_cancelled());
    sleep(ms(1)).await;
    let mut cleaned = log.get();
    cleaned.sort();
    assert_eq!(cleaned, ["future 1", "future 2", "task 1", "task 2"]);
}

/// A cancelled gathering is not over before the last of its members has been cleaned up.
#[corio::test(start_paused = true)]
async fn ga_14_15_a_cancelled_gathering_waits_for_all_cleanups() {
    for stops_at_errors in [false, true] {
        let log = Log::default();
        let members =
            [30, 10, 20].map(|n| cleans_up_for::<Result<(), ()>>(n, log.clone(), "member"));
        let gathering = spawn(async move {
            if stops_at_errors {
                try_gather(members).await.is_ok()
            } else {
                gather(members).await.is_empty()
            }
        });
        sleep(ms(1)).await;
        gathering.cancel();
        assert!(gathering.await.map(drop).unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["member"; 3]);
    }
}

/// `cancel` of a gathering task says whether the request is the first, and comes in time.
#[corio::test(start_paused = true)]
async fn ga_17_cancel_says_whether_it_has_an_effect() {
    let gathering = spawn(gather([forever::<()>(), forever()]));
    assert!(gathering.cancel());
    assert!(!gathering.cancel());
    assert!(gathering.await.map(drop).unwrap_err().is_cancelled());
    let gathering = spawn(gather([spawn(async { 1 })]));
    sleep(ms(1)).await;
    assert!(!gathering.cancel());
    assert_eq!(gathering.await.unwrap()[0].as_ref().unwrap(), &1);
}

/// Tasks that were gathered go on after an error, whether the gathering task is cancelled or ends.
#[corio::test(start_paused = true)]
async fn ga_18_19_tasks_outlive_a_gathering_that_has_failed() {
    let log = Log::default();
    let theirs = log.clone();
    let gathering = spawn(async move {
        try_gather([failing(1, "first"), told(5, &theirs, "went on")].map(flat)).await
    });
    sleep(ms(2)).await;
    assert!(gathering.is_finished() && !gathering.cancel());
    assert_eq!(gathering.await.unwrap(), Err("first"));
    sleep(ms(10)).await;
    assert_eq!(log.get(), ["went on"]);
}

/// Gathering makes no tasks: futures run in the task that gathers, and tasks stay what they are.
#[corio::test]
async fn ga_21_futures_run_in_the_gathering_task_and_tasks_in_their_own() {
    let me = || async { task::current().id() };
    let ids = gather([me(), me()]).await;
    assert_eq!(ids, [task::current().id(); 2]);
    let tasks = [spawn(me()), spawn(me())];
    let expected = [tasks[0].id(), tasks[1].id()];
    let ids: Vec<_> = gather(tasks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids, expected);
}

/// Cancelling a gathering leaves a shielded member alone.
#[corio::test(start_paused = true)]
async fn ga_23_a_shielded_member_is_left_alone() {
    let log = Log::default();
    let (protected, bare) = (log.clone(), log.clone());
    let gathering = spawn(async move {
        let protected = shield(async move {
            sleep(ms(5)).await;
            protected.add("protected");
        });
        let bare = async move {
            sleep(ms(5)).await;
            bare.add("bare");
        };
        corio::join!(protected, bare)
    });
    sleep(ms(1)).await;
    gathering.cancel();
    assert!(gathering.await.map(drop).unwrap_err().is_cancelled());
    sleep(ms(10)).await;
    assert_eq!(log.get(), ["protected"]);
}

/// A task that is cancelled after the gathering has failed is nothing to tell of.
#[test]
fn ga_25_a_late_cancellation_is_nothing_to_tell_of() {
    let (runtime, told) = counting_panics();
    runtime.block_on(async {
        let late = spawn(forever::<Result<(), &str>>());
        let canceller = late.canceller();
        assert_eq!(try_gather([failing(1, "first"), late].map(flat)).await, Err("first"));
        assert!(canceller.cancel());
        while !canceller.is_finished() {
            yield_now().await;
        }
    });
    assert_eq!(told.load(Ordering::SeqCst), 0);
}

/// A request that comes when every member is done and the gathering has not seen it: it is cancelled,
/// once, and the members are what they are.
#[corio::test]
async fn ga_27_29_a_request_in_the_moment_in_which_all_are_done() {
    let (log, gate) = (Log::default(), Arc::new(Event::new()));
    let members: Vec<Task<()>> = ["a", "b"]
        .map(|what| {
            let (log, gate) = (log.clone(), gate.clone());
            spawn(async move {
                gate.wait().await;
                log.add(what);
            })
        })
        .into();
    let finished: Vec<_> = members.iter().map(Task::canceller).collect();
    let theirs = log.clone();
    let gathering = spawn(async move {
        let gathered = gather(members).await;
        theirs.add("gathered");
        gathered
    });
    yield_now().await;
    yield_now().await;
    gate.set();
    // The members run now, and wake the gathering task, which is behind this one.
    while !finished.iter().all(|member| member.is_finished()) {
        yield_now().await;
        gathering.cancel();
    }
    let error: TaskError = gathering.await.map(drop).unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(log.get(), ["a", "b"]);
}

/// Gathering needs no runtime: a waker that nobody hears will do.
#[test]
fn ga_28_no_runtime_is_needed() {
    let gathered = pin!(gather([std::future::ready(1), std::future::ready(2)]));
    assert_eq!(poll_now(gathered), Poll::Ready(vec![1, 2]));
    assert!(poll_now(pin!(gather([forever::<()>()]))).is_pending());
}

/// Tasks that are over when they are made are gathered in one poll, in their order.
#[corio::test]
async fn ga_30_tasks_that_are_done_when_they_are_made() {
    let eager = |i: u32| task::Builder::new().eager(true).spawn(async move { i });
    let Poll::Ready(values) = poll_now(pin!(gather((0..20).map(eager)))) else {
        panic!("it waits")
    };
    let values: Vec<_> = values.into_iter().map(Result::unwrap).collect();
    assert_eq!(values, (0..20).collect::<Vec<_>>());
}

/// Members that take a request to cancel take it for the whole task: it gives what they make of it.
#[corio::test(start_paused = true)]
async fn ga_16_26_members_that_take_the_request() {
    let takes = |n: u64, answer: Result<u64, &'static str>| async move {
        let caught = catch_cancel(forever::<()>()).await;
        sleep(ms(n)).await;
        if caught.is_err() { answer } else { Err("not asked") }
    };
    let swallowed = spawn(gather([takes(5, Ok(1)), takes(3, Ok(2))]));
    let answered = spawn(gather([takes(5, Ok(1)), takes(3, Err("cleanup"))]));
    let stopped = spawn(try_gather([takes(5, Ok(1)), takes(3, Err("cleanup"))]));
    sleep(ms(1)).await;
    for canceller in [swallowed.canceller(), answered.canceller(), stopped.canceller()] {
        canceller.cancel();
    }
    assert_eq!(swallowed.await.unwrap(), [Ok(1), Ok(2)]);
    assert_eq!(answered.await.unwrap(), [Ok(1), Err("cleanup")]);
    assert_eq!(stopped.await.unwrap(), Err("cleanup"));
}
