//! threads: to_thread, run_in_executor, run_coroutine_threadsafe.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use corio::blocking::{Options, check_cancelled};
use corio::runtime::{Builder, Handle};
use corio::task::ContextVars;
use corio::time::sleep;
use corio::{context_var, spawn, spawn_blocking};

use crate::common::{LONG, Log, OnDrop, multi, single};

context_var! {
    static WHO: &'static str = "nobody";
}

/// A call gives its value, and other tasks run meanwhile.
#[corio::test]
async fn th_01_a_call_gives_its_value_while_others_run() {
    let (go, gone) = mpsc::channel();
    let call = spawn_blocking(move || gone.recv().unwrap());
    // Only a task that runs while the call blocks can end it.
    let other = spawn(async move { go.send(7).unwrap() });
    assert_eq!(call.await.unwrap(), 7);
    other.await.unwrap();
}

/// A call's error comes back as it is, and its panic with its payload.
#[corio::test]
async fn th_02_a_calls_error_comes_back_as_it_is() {
    let error = spawn_blocking(|| Err::<(), _>("failed")).await.unwrap();
    assert_eq!(error, Err("failed"));
    let panic = spawn_blocking(|| std::panic::panic_any(7_i32)).await.map(|(): ()| ()).unwrap_err();
    assert_eq!(*panic.into_panic().downcast::<i32>().unwrap(), 7);
}

/// A closure is called once, with all that it has taken along.
#[corio::test]
async fn th_03_a_closure_is_called_once_with_what_it_has() {
    let calls = Arc::new(AtomicUsize::new(0));
    let (ours, text) = (calls.clone(), String::from("two"));
    let call = spawn_blocking(move || (ours.fetch_add(1, SeqCst), format!("one {text}")));
    assert_eq!(call.await.unwrap(), (0, "one two".to_owned()));
    assert_eq!((calls.load(SeqCst), Arc::strong_count(&calls)), (1, 1));
}

/// Calls run side by side, as many as there may be threads.
#[corio::test]
async fn th_04_calls_run_side_by_side() {
    let meeting = Arc::new(Barrier::new(8));
    let calls = (0..8).map(|_| {
        let meeting = meeting.clone();
        spawn_blocking(move || meeting.wait().is_leader())
    });
    let leaders = corio::gather(calls).await;
    assert_eq!(leaders.into_iter().filter(|led| *led.as_ref().unwrap()).count(), 1);
}

/// A call sees the context variables of who asked for it; what it sets stays there.
#[corio::test]
async fn th_05_a_call_has_a_copy_of_the_context() {
    WHO.set("caller");
    let call = spawn_blocking(|| {
        let seen = WHO.get();
        WHO.set("call");
        (seen, WHO.get())
    });
    WHO.set("caller, later");
    assert_eq!(call.await.unwrap(), ("caller", "call"));
    assert_eq!(WHO.get(), "caller, later");
}

/// Cancelling the task that awaits a call ends that task at once; the call goes on to its end.
#[corio::test]
async fn th_06_the_waiting_task_ends_at_once_and_the_call_goes_on() {
    let ((started, is_started), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let log = Log::default();
    let ours = log.clone();
    let (result, ended) = corio::sync::oneshot::channel();
    let waiter = spawn(async move {
        let call = spawn_blocking(move || {
            started.send(()).unwrap();
            gone.recv().unwrap();
            ours.add("the call has ended");
            let _ = result.send(());
            OnDrop(ours, "its result is dropped")
        });
        let _ = call.await;
    });
    corio::yield_now().await;
    is_started.recv().unwrap();
    waiter.cancel();
    assert!(waiter.await.unwrap_err().is_cancelled());
    assert!(log.get().is_empty());
    go.send(()).unwrap();
    ended.await.unwrap();
    while log.get().len() < 2 {
        corio::yield_now().await;
    }
    assert_eq!(log.get(), ["the call has ended", "its result is dropped"]);
}

/// A call that waits for a thread when it is cancelled never runs.
#[test]
fn th_07_a_queued_call_that_is_cancelled_never_runs() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let log = Log::default();
        let (ours, guard) = (log.clone(), OnDrop(log.clone(), "dropped"));
        let (go, gone) = mpsc::channel::<()>();
        let first = spawn_blocking(move || gone.recv());
        let queued = spawn_blocking(move || {
            let _guard = &guard;
            ours.add("ran");
        });
        assert_eq!(Handle::current().metrics().queued_blocking_calls, 1);
        assert!(queued.cancel());
        assert!(queued.await.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        spawn_blocking(|| ()).await.unwrap();
        assert_eq!(log.get(), ["dropped"]);
    });
}

/// Calls run on threads of their own, named after the runtime.
#[test]
fn th_08_calls_run_on_named_threads_of_their_own() {
    let runtime = Builder::new_current_thread().thread_name("kitchen").build().unwrap();
    let (id, name) = runtime.block_on(async {
        let thread = || (thread::current().id(), thread::current().name().map(str::to_owned));
        spawn_blocking(thread).await.unwrap()
    });
    assert_ne!(id, thread::current().id());
    assert!(name.unwrap().starts_with("kitchen"));
}

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

/// A plain thread has a future run on a runtime, and gets its value or what became of it.
#[test]
fn th_13_a_thread_gets_the_value_of_what_it_spawns() {
    let runtime = multi(1);
    let handle = runtime.handle().clone();
    let (value, error, panic) = thread::spawn(move || {
        let value = handle.spawn(async {
            corio::yield_now().await;
            7
        });
        let error = handle.spawn(async { Err::<(), _>("failed") });
        let panic = handle.spawn(async { panic!("as planned") });
        let wait = |task: corio::Task<()>| task.result_blocking(LONG).unwrap();
        let value = value.result_blocking(LONG).unwrap().unwrap();
        (value, error.result_blocking(LONG).unwrap().unwrap(), wait(panic).unwrap_err())
    })
    .join()
    .unwrap();
    assert_eq!((value, error), (7, Err("failed")));
    assert!(panic.is_panic() && panic.to_string().contains("as planned"));
}

/// A thread that waits no longer leaves the task running, and may then cancel it.
#[test]
fn th_14_a_thread_that_gives_up_leaves_the_task_and_may_cancel_it() {
    let runtime = multi(1);
    let log = Log::default();
    let task = runtime.spawn(log.endless("cleaned"));
    let Err(task) = task.result_blocking(Duration::from_millis(5)) else { panic!("it is endless") };
    assert!(!task.is_finished());
    runtime.block_on(log.entered(1));
    assert!(log.get().is_empty());
    assert!(task.cancel());
    assert!(task.result_blocking(LONG).unwrap().unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["cleaned"]);
    // It is taken off the list just after its result is there.
    while runtime.metrics().tasks > 0 {
        thread::yield_now();
    }
}

/// A thread that waits for a task which somebody cancels is told so.
#[test]
fn th_15_a_thread_is_told_that_its_task_was_cancelled() {
    let runtime = multi(1);
    let task = runtime.spawn(pending::<()>());
    let canceller = task.canceller();
    drop(runtime.spawn(async move {
        sleep(Duration::from_millis(2)).await;
        canceller.cancel_because("by another");
    }));
    let error = task.result_blocking(LONG).unwrap().unwrap_err();
    assert_eq!(error.cancel_reason().unwrap().text(), "by another");
}

/// Waiting like a thread inside a task would block that very task's runtime: a clear panic.
#[corio::test]
async fn th_18_waiting_like_a_thread_inside_a_task_is_a_clear_panic() {
    let task = spawn(async {
        let inner = spawn(async { 7 });
        let _ = inner.result_blocking(LONG);
    });
    let panic = task.await.unwrap_err();
    assert!(panic.to_string().contains("result_blocking"), "{panic}");
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

/// The task of a call that may be abandoned is done at once when it is cancelled, and the call runs on.
#[corio::test]
async fn th_22_an_abandoned_call_runs_on() {
    let ((started, is_started), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let (ended, has_ended) = mpsc::channel();
    let call = Options::new().name("patient").abandon_on_cancel(true).spawn(move || {
        started.send(()).unwrap();
        gone.recv().unwrap();
        ended.send(check_cancelled().is_err()).unwrap();
    });
    assert_eq!(call.name(), Some("patient"));
    corio::yield_now().await;
    is_started.recv().unwrap();
    call.cancel();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(Handle::current().metrics().blocking_threads, 1);
    go.send(()).unwrap();
    assert!(has_ended.recv().unwrap(), "it was told that it may stop");
}

/// A call that may be abandoned is like any other as long as it is not: value, panic, queue, context.
#[test]
fn th_22_a_call_that_is_not_abandoned_is_like_any_other() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let patient = || Options::new().abandon_on_cancel(true);
    runtime.block_on(async {
        WHO.set("caller");
        assert_eq!(patient().spawn(|| WHO.get()).await.unwrap(), "caller");
        let panic = patient().spawn(|| -> () { panic!("as planned") });
        let id = panic.id();
        let panic = panic.await.unwrap_err();
        assert!(panic.is_panic() && panic.id() == id);
        assert_eq!(Options::new().spawn(|| 7).await.unwrap(), 7);
        // One that still waits for a thread never starts.
        let (go, gone) = mpsc::channel::<()>();
        let first = spawn_blocking(move || gone.recv());
        let queued = patient().spawn(|| unreachable!("it is cancelled before"));
        corio::yield_now().await;
        queued.cancel();
        let queued: Result<(), _> = queued.await;
        assert!(queued.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
    });
}

/// The end of the runtime does not wait for an abandoned call, which ends when it likes; a panic in it
/// is reported.
#[test]
fn th_22_the_end_does_not_wait_for_an_abandoned_call() {
    for runtime in [single(), multi(2)] {
        let ((started, is_started), (go, gone)) = (mpsc::channel(), mpsc::channel::<()>());
        let log = Log::default();
        let guard = OnDrop(log.clone(), "the call has ended");
        runtime.block_on(async {
            drop(Options::new().abandon_on_cancel(true).spawn(move || {
                let _guard = guard;
                started.send(()).unwrap();
                gone.recv().unwrap();
            }));
        });
        is_started.recv().unwrap();
        drop(runtime);
        assert!(log.get().is_empty());
        go.send(()).unwrap();
        while log.get().is_empty() {
            thread::yield_now();
        }
    }
}

/// A panic in a call that was abandoned is reported, as that of any task that nobody awaits.
#[test]
fn th_22_a_panic_in_an_abandoned_call_is_reported() {
    let (report, reported) = mpsc::channel();
    let note =
        move |panic: &corio::runtime::UnawaitedPanic<'_>| report.send(panic.to_string()).unwrap();
    let runtime = Builder::new_current_thread().on_panic(note).build().unwrap();
    runtime.block_on(async {
        let ((started, is_started), (go, gone)) = (mpsc::channel(), mpsc::channel::<()>());
        let call = Options::new().abandon_on_cancel(true).spawn(move || {
            started.send(()).unwrap();
            gone.recv().unwrap();
            panic!("as planned");
        });
        corio::yield_now().await;
        is_started.recv().unwrap();
        call.cancel();
        let call: Result<(), _> = call.await;
        assert!(call.unwrap_err().is_cancelled());
        go.send(()).unwrap();
    });
    assert!(reported.recv_timeout(LONG).unwrap().contains("th.rs"));
}

/// There is no thread for calls before the first call, and then it is used again.
#[corio::test]
async fn th_23_threads_are_made_when_needed_and_used_again() {
    let metrics = || Handle::current().metrics();
    assert_eq!(metrics().blocking_threads, 0);
    let first = spawn_blocking(|| thread::current().id()).await.unwrap();
    while metrics().idle_blocking_threads == 0 {
        corio::yield_now().await;
    }
    let second = spawn_blocking(|| thread::current().id()).await.unwrap();
    assert_eq!((first, metrics().blocking_threads), (second, 1));
}

/// Runtimes in several threads have threads for calls of their own.
#[test]
fn th_24_each_runtime_has_threads_of_its_own() {
    let meeting = Arc::new(Barrier::new(2));
    let threads = ["one", "two"].map(|name| {
        let meeting = meeting.clone();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().thread_name(name).build().unwrap();
            let thread = runtime.block_on(async {
                let call = move || {
                    meeting.wait();
                    thread::current().name().unwrap().to_owned()
                };
                spawn_blocking(call).await.unwrap()
            });
            assert!(thread.starts_with(name), "{thread}");
            runtime.metrics().blocking_threads
        })
    });
    assert_eq!(threads.map(|thread| thread.join().unwrap()), [1, 1]);
}

/// What a thread spawns on a runtime has the context variables of that thread.
#[test]
fn th_26_what_a_thread_spawns_has_the_threads_context() {
    let runtime = multi(1);
    let handle = runtime.handle();
    let (called, is_called) = mpsc::channel();
    let task = ContextVars::empty().run(|| {
        WHO.set("a thread");
        handle.call_soon(move || called.send(WHO.get()).unwrap());
        handle.spawn(async { WHO.get() })
    });
    assert_eq!(task.result_blocking(LONG).unwrap().unwrap(), "a thread");
    assert_eq!(is_called.recv().unwrap(), "a thread");
    assert_eq!(WHO.get(), "nobody");
}
