//! Calls that nobody waits for, not even the end.

use std::sync::mpsc;
use std::thread;

use corio::blocking::{Options, check_cancelled};
use corio::runtime::{Builder, Handle};
use corio::spawn_blocking;

use super::WHO;
use crate::common::{LONG, Log, OnDrop, multi, single};

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
    assert!(reported.recv_timeout(LONG).unwrap().contains(file!()));
}
