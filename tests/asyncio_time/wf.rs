//! wait_for.

use std::future::{pending, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use corio::sync::{Condvar, Mutex};
use corio::time::{Elapsed, Instant, sleep};
use corio::{Promise, Queue, catch_cancel, context_var, finally, shield, timeout};

use crate::common::Log;
use crate::kit::{secs, timers};

context_var! {
    static WHO: &'static str = "nobody";
}

/// What ends in time gives its value, or its error.
#[corio::test(start_paused = true)]
async fn wf_01_a_value_or_an_error_in_time_comes_through() {
    let value = timeout(secs(5), async {
        sleep(secs(1)).await;
        Ok::<_, &str>(7)
    });
    assert_eq!(value.await, Ok(Ok(7)));
    assert_eq!(timeout(secs(5), async { Err::<(), _>("failed") }).await, Ok(Err("failed")));
}

/// A limit of for ever is none; a request from outside passes through.
#[corio::test(start_paused = true)]
async fn wf_02_a_limit_of_for_ever_is_none() {
    let long = secs(1_000_000);
    assert_eq!(timeout(Duration::MAX, sleep(long)).await, Ok(()));
    let task = corio::spawn(timeout(Duration::MAX, pending::<()>()));
    corio::yield_now().await;
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
}

/// What is late cleans up, waiting as it likes, before the timeout returns.
#[corio::test(start_paused = true)]
async fn wf_03_the_cleanup_ends_before_the_timeout_returns() {
    let log = Log::default();
    assert!(timeout(secs(1), log.endless("cleaned")).await.is_err());
    log.add("returned");
    assert_eq!(log.get(), ["cleaned", "returned"]);
}

/// The call takes as long as limit and cleanup together.
#[corio::test(start_paused = true)]
async fn wf_04_the_cleanup_takes_its_time_on_top() {
    let start = Instant::now();
    let work = finally(pending::<()>(), || sleep(Duration::from_millis(200)));
    assert!(timeout(Duration::from_millis(50), work).await.is_err());
    assert_eq!(start.elapsed(), Duration::from_millis(250));
}

/// With no time at all, what is ready gives its value.
#[corio::test(start_paused = true)]
async fn wf_07_without_any_time_what_is_ready_counts() {
    let done: Promise<i32> = Promise::new();
    done.set(7).unwrap();
    assert_eq!(timeout(Duration::ZERO, done.wait()).await.unwrap().unwrap(), 7);
    assert_eq!(timeout(Duration::ZERO, ready(8)).await, Ok(8));
}

/// With no time at all, what waits is dropped, and cleaned up, without time passing for the limit.
#[corio::test(start_paused = true)]
async fn wf_08_without_any_time_what_waits_is_cleaned_up() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let work = finally(pending::<()>(), move || async move {
        sleep(secs(1)).await;
        ours.add("cleaned");
    });
    assert!(timeout(Duration::ZERO, work).await.is_err());
    assert_eq!((log.get(), start.elapsed()), (vec!["cleaned".to_owned()], secs(1)));
}

/// What several may wait for stays as it is when one of them gives up.
#[corio::test(start_paused = true)]
async fn wf_10_a_promise_outlives_one_who_gives_up() {
    let promise: Promise<i32> = Promise::new();
    assert!(timeout(secs(1), promise.wait()).await.is_err());
    assert!(!promise.is_cancelled() && !promise.is_done());
    promise.set(7).unwrap();
    assert_eq!(promise.wait().await.unwrap(), 7);
}

/// A request from outside ends what runs inside, waits for its cleanup, and says why it came.
#[corio::test(start_paused = true)]
async fn wf_11_a_request_from_outside_is_passed_on_and_waited_for() {
    let log = Log::default();
    let task = corio::spawn(timeout(secs(100), log.endless("cleaned")));
    log.entered(1).await;
    task.cancel_because("no longer needed");
    let error = task.await.unwrap_err();
    assert_eq!(error.cancel_reason().unwrap().text(), "no longer needed");
    assert_eq!(log.get(), ["cleaned"]);
}

/// What runs inside may take a request from outside; its value is then given, and the caller goes on.
#[corio::test(start_paused = true)]
async fn wf_12_a_request_that_is_taken_inside_leaves_the_caller_alone() {
    let task = corio::spawn(async {
        let value = timeout(secs(5), async {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            7
        })
        .await;
        sleep(secs(1)).await;
        value
    });
    corio::yield_now().await;
    task.cancel();
    assert_eq!(task.await.unwrap(), Ok(7));
}

/// A request that comes when the value is there, but before the caller has seen it, is not lost.
#[corio::test(start_paused = true)]
async fn wf_13_a_request_after_the_value_is_not_lost() {
    let promise: Promise<i32> = Promise::new();
    let theirs = promise.clone();
    let task = corio::spawn(async move { timeout(secs(5), theirs.wait()).await });
    corio::yield_now().await;
    promise.set(7).unwrap();
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
}

/// What is ready in the moment of the limit is in time.
#[corio::test(start_paused = true)]
async fn wf_14_a_value_in_the_moment_of_the_limit_is_in_time() {
    assert_eq!(timeout(secs(5), sleep(secs(5))).await, Ok(()));
    let promise: Promise<i32> = Promise::new();
    let theirs = promise.clone();
    let _setter = corio::spawn(async move {
        sleep(secs(5)).await;
        theirs.set(7).unwrap();
    });
    corio::yield_now().await;
    assert_eq!(timeout(secs(5), promise.wait()).await.unwrap().unwrap(), 7);
}

/// Behind a shield the work goes on when its waiter gives up, and can be awaited again.
#[corio::test(start_paused = true)]
async fn wf_16_what_is_shielded_goes_on_and_is_awaited_later() {
    let start = Instant::now();
    let mut work = shield(async {
        sleep(secs(5)).await;
        7
    });
    assert!(timeout(secs(1), &mut work).await.is_err());
    assert_eq!(start.elapsed(), secs(1));
    assert_eq!((work.await.unwrap(), start.elapsed()), (7, secs(5)));
}

/// Behind a shield the work goes on even if its waiter had no time at all.
#[corio::test(start_paused = true)]
async fn wf_17_what_is_shielded_goes_on_without_any_time() {
    let mut work = shield(async {
        sleep(secs(5)).await;
        7
    });
    assert!(timeout(Duration::ZERO, &mut work).await.is_err());
    assert_eq!(work.await.unwrap(), 7);
}

/// What is waited for runs in the caller's task: the same task, the same context.
#[corio::test(start_paused = true)]
async fn wf_18_it_runs_in_the_callers_task() {
    let ours = corio::task::current().id();
    let theirs = timeout(secs(5), async {
        sleep(secs(1)).await;
        WHO.set("set inside");
        corio::task::current().id()
    })
    .await;
    assert_eq!((theirs, WHO.get()), (Ok(ours), "set inside"));
}

/// What ends early leaves no timer, and nothing in what it waited for.
#[corio::test(start_paused = true)]
async fn wf_19_nothing_is_left_of_a_wait_that_ended() {
    assert_eq!(timeout(secs(100), sleep(secs(1))).await, Ok(()));
    let event = corio::sync::Event::new();
    assert!(timeout(secs(1), event.wait()).await.is_err());
    assert_eq!((timers(), event.waiters()), (0, 0));
}

/// There is one error for late, and it becomes the system's error for that.
#[corio::test(start_paused = true)]
async fn wf_20_late_is_one_error_and_the_systems_own() {
    let late: Elapsed = timeout(secs(1), pending::<()>()).await.unwrap_err();
    assert_eq!(late.to_string(), "timed out after 1s");
    assert_eq!(io::Error::from(late).kind(), io::ErrorKind::TimedOut);
}

/// What blocks past its limit and then returns gives its value: there was nothing to interrupt.
#[corio::test]
async fn wf_21_what_blocks_past_the_limit_gives_its_value() {
    let value = timeout(Duration::from_millis(1), async {
        std::thread::sleep(Duration::from_millis(5));
        7
    });
    assert_eq!(value.await, Ok(7));
}

/// After a timeout the next wait is not cancelled.
#[corio::test(start_paused = true)]
async fn wf_22_the_next_wait_is_not_cancelled() {
    for _ in 0..3 {
        assert!(timeout(secs(1), pending::<()>()).await.is_err());
        sleep(secs(1)).await;
        assert!(!corio::task::current().canceller().is_finished());
    }
}

/// A wait for a condition that times out has given the lock back, for the next one to take.
#[corio::test(start_paused = true)]
async fn wf_23_a_condition_that_times_out_leaves_the_lock_free() {
    let (lock, condition) = (Mutex::new(0), Condvar::new());
    let guard = lock.lock().await;
    assert!(timeout(secs(1), condition.wait(guard)).await.is_err());
    assert!(!lock.is_locked());
    *lock.lock().await += 1;
    assert_eq!((*lock.lock().await, condition.waiters()), (1, 0));
}

/// A queue loses no item to a getter that times out in the moment in which the item comes.
#[corio::test(start_paused = true)]
async fn wf_24_an_item_is_got_or_stays() {
    for early in [true, false] {
        let queue = Queue::unbounded();
        let ours = queue.clone();
        let put = corio::spawn(async move {
            sleep(secs(5)).await;
            ours.try_put(7).unwrap();
        });
        if early {
            corio::yield_now().await;
        }
        let got = timeout(secs(5), queue.get()).await;
        put.await.unwrap();
        assert_eq!(usize::from(got.is_ok()) + queue.len(), 1, "{got:?}");
    }
}

/// What somebody else cancels is cancelled, not late.
#[corio::test(start_paused = true)]
async fn wf_25_what_others_cancel_is_not_late() {
    let task = corio::spawn(pending::<()>());
    let canceller = task.canceller();
    let _cancels = corio::spawn(async move {
        sleep(secs(1)).await;
        canceller.cancel();
    });
    let result = timeout(secs(5), task).await;
    assert!(result.unwrap().unwrap_err().is_cancelled());
}

/// A timeout inside is told from the one around it.
#[corio::test(start_paused = true)]
async fn wf_26_a_timeout_inside_is_the_inner_ones() {
    let result = timeout(secs(5), timeout(secs(1), pending::<()>())).await;
    assert_eq!(result.unwrap().unwrap_err().limit(), Some(secs(1)));
}

/// Outside a runtime a wait is a clear panic, and what does not wait works.
#[test]
fn wf_27_outside_a_runtime_a_wait_is_a_clear_panic() {
    fn poll(work: impl Future<Output = ()>) {
        let mut limited = Box::pin(timeout(secs(1), work));
        let _ = limited.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    poll(ready(()));
    let panic = std::panic::catch_unwind(|| poll(pending())).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("no corio runtime"));
}

/// A lock that is waited for by somebody who gives up goes to the next one in the queue.
#[corio::test(start_paused = true)]
async fn wf_24_a_lock_is_not_lost_to_one_who_gives_up() {
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock().await;
    let ours = lock.clone();
    let next = corio::spawn(async move {
        corio::yield_now().await;
        drop(ours.lock().await);
    });
    assert!(timeout(secs(1), lock.lock()).await.is_err());
    drop(guard);
    next.await.unwrap();
}
