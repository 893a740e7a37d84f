//! shield.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

use corio::runtime::{Builder, Runtime};
use corio::time::{Instant, sleep};
use corio::{catch_cancel, gather, shield, spawn, timeout};

use crate::common::{Log, OnDrop, single};
use crate::kit::secs;

/// The result comes through.
#[corio::test(start_paused = true)]
async fn sh_01_the_result_comes_through() {
    let result = shield(async {
        sleep(secs(1)).await;
        7
    });
    assert_eq!(result.await.unwrap(), 7);
}

/// An error comes through as the very value that it is, and a panic with its payload.
#[corio::test(start_paused = true)]
async fn sh_02_the_error_comes_through_as_it_is() {
    let error = Arc::new("failed");
    let theirs = error.clone();
    let result = shield(async move { Err::<(), _>(theirs) }).await.unwrap();
    assert!(Arc::ptr_eq(&result.unwrap_err(), &error));
    let panic = shield(async { std::panic::panic_any(7_i32) }).await.map(|(): ()| ()).unwrap_err();
    assert_eq!(*panic.into_panic().downcast::<i32>().unwrap(), 7);
}

/// Cancelling what is behind the shield is seen in front of it.
#[corio::test(start_paused = true)]
async fn sh_03_cancelling_what_is_behind_is_seen() {
    let work = shield(pending::<()>());
    let canceller = work.canceller();
    let _cancels = spawn(async move {
        sleep(secs(1)).await;
        canceller.cancel();
    });
    assert!(work.await.unwrap_err().is_cancelled());
}

/// A waiter that goes leaves the work running; its result can be had from the task itself.
#[corio::test(start_paused = true)]
async fn sh_04_the_result_is_had_from_the_task_when_the_waiter_has_gone() {
    let mut work = shield(async {
        sleep(secs(5)).await;
        7
    });
    assert!(timeout(secs(1), &mut work).await.is_err());
    let task = work.into_task();
    assert!(!task.is_finished());
    assert_eq!(task.await.unwrap(), 7);
}

/// A task is shielded by itself: one that is done gives its result, without another task.
#[corio::test(start_paused = true)]
async fn sh_05_a_task_that_is_done_needs_no_shield() {
    let mut task = spawn(async { 7 });
    let before = corio::task::all().len();
    sleep(secs(1)).await;
    assert!(task.is_finished());
    assert_eq!(timeout(secs(1), &mut task).await.unwrap().unwrap(), 7);
    assert!(corio::task::all().len() < before);
}

/// A task that awaits a shield is cancelled at once, with the reason; what is behind goes on.
#[corio::test(start_paused = true)]
async fn sh_06_the_waiting_task_is_cancelled_at_once() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let waiter = spawn(async move {
        let work = shield(async move {
            sleep(secs(5)).await;
            ours.add("done");
        });
        let _ = work.await;
    });
    sleep(secs(1)).await;
    waiter.cancel_because("enough");
    let error = waiter.await.unwrap_err();
    assert_eq!(error.cancel_reason().unwrap().text(), "enough");
    assert_eq!((start.elapsed(), log.get().len()), (secs(1), 0));
    sleep(secs(9)).await;
    assert_eq!(log.get(), ["done"]);
}

/// A shield starts its work when it is made, and keeps it running; without a runtime it says so.
#[corio::test(start_paused = true)]
async fn sh_07_a_shield_starts_its_work_when_it_is_made() {
    let log = Log::default();
    let ours = log.clone();
    drop(shield(async move { ours.add("ran") }));
    corio::yield_now().await;
    assert_eq!(log.get(), ["ran"]);
    let outside = std::thread::spawn(|| drop(shield(async {}))).join().unwrap_err();
    assert!(outside.downcast_ref::<String>().unwrap().contains("no corio runtime"));
}

/// A runtime that notes the panics that nobody awaits.
fn noting(log: &Log) -> Runtime {
    let log = log.clone();
    let note = move |panic: &corio::runtime::UnawaitedPanic<'_>| log.add(panic.to_string());
    Builder::new_current_thread().start_paused(true).on_panic(note).build().unwrap()
}

/// Cancels a task that waits for shielded work, which then comes to its end; gives what was reported.
fn reported_after<F>(work: impl FnOnce() -> F, also_cancel_work: bool) -> Vec<String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let reports = Log::default();
    noting(&reports).block_on(async {
        let work = shield(work());
        let canceller = work.canceller();
        let waiter = spawn(async move {
            let _ = work.await;
        });
        sleep(secs(1)).await;
        waiter.cancel();
        assert!(waiter.await.is_err());
        if also_cancel_work {
            canceller.cancel();
        }
        sleep(secs(9)).await;
        assert!(canceller.is_finished());
    });
    reports.get()
}

/// Work that fails when its waiter has gone is reported, once.
#[test]
fn sh_08_a_failure_after_the_waiter_has_gone_is_reported() {
    let reports = reported_after(
        || async {
            sleep(secs(5)).await;
            panic!("as planned");
        },
        false,
    );
    assert_eq!(reports.len(), 1, "{reports:?}");
}

/// Work that is cancelled when its waiter has gone is nothing to report.
#[test]
fn sh_09_a_cancelled_work_is_not_reported() {
    assert!(reported_after(pending, true).is_empty());
}

/// Work that ends well when its waiter has gone is nothing to report.
#[test]
fn sh_10_a_work_that_ends_well_is_not_reported() {
    assert!(reported_after(|| sleep(secs(5)), false).is_empty());
}

/// Of a gather that is cancelled, what is shielded goes on and the rest ends.
#[corio::test(start_paused = true)]
async fn sh_11_in_a_gather_only_what_is_shielded_goes_on() {
    let log = Log::default();
    let (a, b) = (log.clone(), log.clone());
    let task = spawn(async move {
        let shielded = shield(async move {
            sleep(secs(5)).await;
            a.add("a is done");
        });
        let bare = async move {
            let _guard = OnDrop(b, "b is dropped");
            pending::<()>().await;
        };
        let _ = corio::join!(shielded, bare);
    });
    sleep(secs(1)).await;
    task.cancel();
    assert!(task.await.is_err());
    sleep(secs(9)).await;
    assert_eq!(log.get(), ["b is dropped", "a is done"]);
}

/// Behind a shield a whole gather goes on, and gets its list.
#[corio::test(start_paused = true)]
async fn sh_12_a_shielded_gather_gets_its_list() {
    let mut all = shield(gather((1..=3).map(|i| async move {
        sleep(secs(i)).await;
        i
    })));
    assert!(timeout(secs(1), &mut all).await.is_err());
    assert_eq!(all.await.unwrap(), [1, 2, 3]);
}

/// A waiter that has gone is not woken by the end of what it waited for.
#[corio::test(start_paused = true)]
async fn sh_13_a_waiter_that_has_gone_is_not_woken() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(count.clone());
    let mut work = shield(sleep(secs(5)));
    let end = work.canceller();
    assert!(Pin::new(&mut work).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(work);
    sleep(secs(9)).await;
    assert!(end.is_finished());
    assert_eq!((count.0.load(SeqCst), Arc::strong_count(&count)), (0, 2));
}

/// The end of the runtime ends what is behind a shield, too.
#[test]
fn sh_14_the_end_of_the_runtime_ends_what_is_shielded() {
    let log = Log::default();
    let runtime = single();
    runtime.block_on(async {
        drop(shield(log.endless("cleaned")));
        log.entered(1).await;
    });
    assert!(log.get().is_empty());
    drop(runtime);
    assert_eq!(log.get(), ["cleaned"]);
}

/// Two shields around the same work, shared by a promise: one that gives up does not harm the other.
#[corio::test(start_paused = true)]
async fn sh_15_two_waiters_of_one_work_are_independent() {
    let result = corio::Promise::new();
    let theirs = result.clone();
    drop(shield(async move {
        sleep(secs(5)).await;
        theirs.set(7).unwrap();
    }));
    let [first, second] = [1, 9].map(|limit| {
        let result = result.clone();
        spawn(async move { timeout(secs(limit), result.wait()).await })
    });
    assert!(first.await.unwrap().is_err());
    assert_eq!(second.await.unwrap().unwrap().unwrap(), 7);
}

/// A task that is cancelled may take the request, await the shielded work again, and go on.
#[corio::test(start_paused = true)]
async fn sh_16_the_work_may_be_awaited_again_in_the_handler() {
    let task = spawn(async {
        let mut work = shield(async {
            sleep(secs(5)).await;
            7
        });
        assert!(catch_cancel(&mut work).await.is_err());
        work.await.unwrap()
    });
    sleep(secs(1)).await;
    task.cancel();
    assert_eq!(task.await.unwrap(), 7);
}
