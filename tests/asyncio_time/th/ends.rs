//! The end of the runtime while calls run.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use corio::blocking::check_cancelled;
use corio::runtime::Builder;
use corio::spawn_blocking;

use crate::common::{LONG, Log, OnDrop, multi, single};

/// A call that is still running when its runtime ends in the background ends later, and harms nothing.
#[test]
fn th_11_a_call_may_end_after_its_runtime() {
    let (log, (go, gone)) = (Log::default(), mpsc::channel());
    let (started, is_started) = mpsc::channel();
    let (ended, has_ended) = mpsc::channel();
    let runtime = single();
    let guard = OnDrop(log.clone(), "the result is dropped");
    drop(runtime.spawn_blocking(move || {
        started.send(()).unwrap();
        gone.recv().unwrap();
        ended.send(()).unwrap();
        guard
    }));
    is_started.recv().unwrap();
    runtime.shutdown_background();
    assert!(log.get().is_empty());
    go.send(()).unwrap();
    has_ended.recv().unwrap();
    while log.get().is_empty() {
        thread::yield_now();
    }
}

/// A runtime that ends while a call is being cancelled has nothing to report.
#[test]
fn th_12_ending_while_a_call_is_cancelled_is_nothing_to_report() {
    let reports = Log::default();
    let ours = reports.clone();
    let note = move |panic: &corio::runtime::UnawaitedPanic<'_>| ours.add(panic.to_string());
    let runtime = Builder::new_multi_thread().worker_threads(1).on_panic(note).build().unwrap();
    let call = runtime.spawn_blocking(|| {
        while check_cancelled().is_ok() {
            thread::yield_now();
        }
    });
    call.cancel();
    drop(call);
    drop(runtime);
    assert!(reports.get().is_empty());
}

/// The end of a runtime waits for calls that run; later calls are refused, elsewhere they are not.
#[test]
fn th_19_the_end_waits_for_calls_that_run_and_refuses_others() {
    let (log, (go, gone)) = (Log::default(), mpsc::channel());
    let (started, is_started) = mpsc::channel();
    let runtime = multi(1);
    let (handle, ours) = (runtime.handle().clone(), log.clone());
    let call = runtime.spawn_blocking(move || {
        started.send(()).unwrap();
        gone.recv().unwrap();
        ours.add("the call has ended");
    });
    is_started.recv().unwrap();
    let ours = log.clone();
    let ending = thread::spawn(move || {
        drop(runtime);
        ours.add("the runtime has ended");
    });
    go.send(()).unwrap();
    ending.join().unwrap();
    assert_eq!(log.get(), ["the call has ended", "the runtime has ended"]);
    drop(call);
    let late = handle.spawn_blocking(|| unreachable!("the runtime is gone"));
    let late: Result<(), _> = late.result_blocking(LONG).unwrap();
    assert!(late.unwrap_err().is_cancelled());
    assert_eq!(single().block_on(spawn_blocking_in_main()), 7);
}

async fn spawn_blocking_in_main() -> i32 {
    spawn_blocking(|| 7).await.unwrap()
}

/// A runtime that never made a call has no threads to end.
#[test]
fn th_20_without_a_call_there_is_nothing_to_wait_for() {
    let runtime = single();
    runtime.block_on(async {});
    assert_eq!(runtime.metrics().blocking_threads, 0);
    runtime.shutdown_timeout(LONG);
}

/// With a limit the end does not wait for a call that takes longer; its thread is left alone.
#[test]
fn th_21_the_end_waits_no_longer_than_it_is_told() {
    let ((started, is_started), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let (ended, has_ended) = mpsc::channel();
    let runtime = single();
    drop(runtime.spawn_blocking(move || {
        started.send(()).unwrap();
        gone.recv().unwrap();
        ended.send(()).unwrap();
    }));
    is_started.recv().unwrap();
    runtime.shutdown_timeout(Duration::from_millis(5));
    // Only now the call can end.
    assert!(has_ended.try_recv().is_err());
    go.send(()).unwrap();
    has_ended.recv().unwrap();
}
