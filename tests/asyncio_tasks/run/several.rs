//! One runtime, several times, and its end: asyncio's `Runner`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use corio::runtime::Builder;
use corio::task::ContextVars;
use corio::{Handle, Promise};

use crate::common::{LONG, Log, OnDrop, multi, single};

/// A runtime runs as many futures as one likes, one after the other, and what is in it stays.
#[test]
fn run_18_a_runtime_runs_several_times() {
    for runtime in [single(), multi(2)] {
        let promise = Promise::new();
        let wait = promise.wait();
        let task = runtime.spawn(wait);
        runtime.block_on(corio::yield_now());
        assert!(!task.is_finished());
        runtime.block_on(async { promise.set(7).unwrap() });
        assert_eq!(runtime.block_on(task).unwrap().unwrap(), 7);
    }
}

corio::context_var! {
    static USER: &'static str = "nobody";
}

/// Each run has variables of its own, that start with the defaults.
#[test]
fn run_19_each_run_has_variables_of_its_own() {
    let runtime = single();
    runtime.block_on(async { USER.set("ada") });
    assert_eq!(runtime.block_on(async { USER.get() }), "nobody");
    assert_eq!(USER.get(), "nobody");
}

/// A run may be given variables, one or all of them. What it sets does not change what it was given,
/// nor what other runs see; it can give it out.
#[test]
fn run_20_a_run_may_be_given_variables() {
    let runtime = single();
    assert_eq!(runtime.block_on(USER.scope("grace", async { USER.get() })), "grace");
    let given = runtime.block_on(async {
        USER.set("ada");
        ContextVars::capture()
    });
    let after = runtime.block_on(given.clone().wrap(async {
        assert_eq!(USER.get(), "ada");
        USER.set("barbara");
        ContextVars::capture()
    }));
    let read = async { USER.get() };
    assert_eq!(runtime.block_on(given.wrap(read)), "ada");
    assert_eq!(after.run(|| USER.get()), "barbara");
    assert_eq!(runtime.block_on(async { USER.get() }), "nobody");
}

/// The handle is there before the first run, and is that of the runtime: what is spawned through it
/// runs when the runtime does.
#[test]
fn run_21_the_handle_is_there_before_the_first_run() {
    let runtime = single();
    let handle = runtime.handle().clone();
    let task = handle.spawn(async { Handle::current().metrics().tasks });
    assert_eq!(runtime.handle().metrics().tasks, 1);
    assert!(!task.is_finished());
    assert_eq!(runtime.block_on(task).unwrap(), 1);
}

/// A runtime that was never used has started nothing, and ends at once.
#[test]
fn run_22_an_unused_runtime_costs_nothing() {
    let log = Log::default();
    for builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let (start, stop) = (log.clone(), log.clone());
        let builder = builder.on_thread_start(move || start.add("started"));
        let runtime = builder.on_thread_stop(move || stop.add("stopped")).build().unwrap();
        assert_eq!(runtime.metrics().worker_threads, 0);
        drop(runtime);
    }
    assert!(log.get().is_empty(), "{:?}", log.get());
}

/// After its end a runtime takes no tasks, neither for its workers nor for its blocking threads:
/// they are cancelled at birth. Handles stay valid.
#[test]
fn run_24_after_the_end_nothing_is_taken() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let handle = runtime.handle().clone();
        runtime.shutdown_timeout(LONG);
        let (first, second) = (OnDrop(log.clone(), "dropped"), OnDrop(log.clone(), "dropped"));
        let task = handle.spawn(async move { first.0.add("ran") });
        let call = handle.spawn_blocking(move || second.0.add("ran"));
        assert_eq!(log.get(), ["dropped", "dropped"]);
        assert!(task.result_blocking(LONG).unwrap().unwrap_err().is_cancelled());
        assert!(call.result_blocking(LONG).unwrap().is_err());
        let entered = handle.enter();
        assert!(corio::spawn(async {}).is_finished());
        drop(entered);
    }
}

/// A future alone can still be driven through a handle; a wait that needs the runtime says clearly that
/// it is gone.
#[test]
fn run_24_after_the_end_waits_say_so() {
    let runtime = single();
    let handle = runtime.handle().clone();
    drop(runtime);
    assert_eq!(handle.block_on(async { 7 }), 7);
    let sleeping = AssertUnwindSafe(|| handle.block_on(corio::sleep(LONG)));
    let panic = catch_unwind(sleeping).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.starts_with("the runtime of this thread has been shut down"), "{text}");
}

/// Dropping the runtime ends it: by then its tasks have been cancelled and have cleaned up.
#[test]
fn run_25_leaving_the_scope_ends_the_runtime() {
    let log = Log::default();
    let handle = {
        let runtime = multi(2);
        drop(runtime.spawn(log.endless("cleaned up")));
        runtime.block_on(log.entered(1));
        runtime.handle().clone()
    };
    assert_eq!(log.get(), ["cleaned up"]);
    assert_eq!(handle.metrics().tasks, 0);
    assert!(handle.spawn(async {}).is_finished());
}

/// A run that panics leaves the runtime fit for the next one.
#[test]
fn run_18_a_panic_of_a_run_leaves_the_runtime() {
    let runtime = single();
    let panicking = AssertUnwindSafe(|| runtime.block_on(async { panic!("as planned") }));
    catch_unwind(panicking).map(|(): ()| ()).unwrap_err();
    assert_eq!(runtime.block_on(async { corio::spawn(async { 7 }).await.unwrap() }), 7);
}
