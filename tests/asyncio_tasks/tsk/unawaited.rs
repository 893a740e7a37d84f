//! Panics that nobody awaits.

use std::future::pending;

use corio::Runtime;
use corio::runtime::Builder;

use crate::common::Log;

/// A runtime that writes down what it would print of panics that nobody awaits.
fn telling(log: &Log) -> Runtime {
    let log = log.clone();
    let builder = Builder::new_current_thread();
    builder.on_panic(move |panic| log.add(panic.to_string())).build().unwrap()
}

/// A panic that nobody awaits is told, with the task's id, name and place; awaiting it means that it
/// is not told, and a task that was cancelled is never told of.
#[test]
fn tsk_26_a_panic_that_nobody_awaits_is_told() {
    let log = Log::default();
    let runtime = telling(&log);
    let expected = runtime.block_on(async {
        let at = line!() + 1;
        let lone = corio::task::Builder::new().name("lone").spawn(async { panic!("as planned") });
        let expected = format!("task {} \"lone\" (spawned at {}:{at}:", lone.id(), file!());
        drop(lone);
        let awaited = corio::spawn(async { panic!("as planned") });
        assert!(awaited.await.map(|(): ()| ()).unwrap_err().is_panic());
        let cancelled = corio::spawn(pending::<()>());
        corio::yield_now().await;
        cancelled.cancel();
        drop(cancelled);
        corio::yield_now().await;
        expected
    });
    drop(runtime);
    let told = log.get();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with(&expected), "{told:?}");
    assert!(told[0].ends_with("panicked and nobody awaited it"), "{told:?}");
}

/// It is told when the last chance to await it has gone, also if that is long after the panic.
#[test]
fn tsk_26_a_panic_is_told_when_its_handle_is_dropped() {
    let log = Log::default();
    telling(&log).block_on(async {
        let task = corio::spawn(async { panic!("as planned") });
        corio::yield_now().await;
        assert!(task.is_finished() && log.get().is_empty());
        drop::<corio::Task<()>>(task);
        assert_eq!(log.get().len(), 1);
    });
}

/// Cancelling a task that has panicked does not hide the panic.
#[test]
fn tsk_27_a_late_cancel_hides_no_panic() {
    let log = Log::default();
    telling(&log).block_on(async {
        let task = corio::spawn(async { panic!("as planned") });
        corio::yield_now().await;
        assert!(!task.cancel());
        drop::<corio::Task<()>>(task);
    });
    assert_eq!(log.get().len(), 1, "{:?}", log.get());
}
