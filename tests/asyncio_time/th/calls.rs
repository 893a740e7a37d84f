//! A call on a thread of its own: its value, its context, its thread.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use corio::runtime::{Builder, Handle};
use corio::{spawn, spawn_blocking};

use super::WHO;
use crate::common::{Log, OnDrop};

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
