//! Callbacks of a promise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use corio::task::ContextVars;
use corio::{Handle, Promise};

use crate::common::{Log, OnDrop};

/// Adds to the log what a callback saw.
fn logged(promise: &Promise<u32>, log: &Log, name: &'static str) {
    let log = log.clone();
    promise.on_done(move |p| log.add(format!("{name}: {}", p.try_get().unwrap().unwrap())));
}

/// Callbacks are called in the order in which they came, once each, with the promise.
#[test]
fn fut_09_callbacks_are_called_in_order_with_the_promise() {
    let (promise, log) = (Promise::new(), Log::default());
    for name in ["a", "b", "c"] {
        logged(&promise, &log, name);
    }
    let other = promise.clone();
    promise.on_done(move |p| assert!(p.same_promise(&other)));
    promise.set(7).unwrap();
    assert!(promise.set(8).is_err());
    assert_eq!(log.get(), ["a: 7", "b: 7", "c: 7"]);
}

/// A callback that is to run on a later turn asks for that itself; it then does not run inside the
/// call that set the promise.
#[corio::test]
async fn fut_10_a_callback_may_put_its_work_off() {
    let (promise, log) = (Promise::new(), Log::default());
    let (handle, theirs) = (Handle::current(), log.clone());
    promise.on_done(move |_| {
        handle.call_soon(move || theirs.add("called"));
    });
    promise.set(7).unwrap();
    assert!(log.get().is_empty());
    corio::yield_now().await;
    assert_eq!(log.get(), ["called"]);
}

/// A callback that comes when the promise is done is called, too.
#[test]
fn fut_11_a_late_callback_is_called() {
    let (promise, log) = (Promise::new(), Log::default());
    promise.set(7).unwrap();
    logged(&promise, &log, "late");
    assert_eq!(log.get(), ["late: 7"]);
}

corio::context_var! {
    static USER: &'static str = "nobody";
}

/// A callback runs with the variables that it was given, or with those of the task that sets the
/// promise.
#[corio::test]
async fn fut_12_a_callback_runs_in_the_context_that_it_is_given() {
    let (promise, log) = (Promise::new(), Log::default());
    USER.set("ada");
    let (given, first, second) = (ContextVars::capture(), log.clone(), log.clone());
    promise.on_done(move |_| given.run(|| first.add(format!("given: {}", USER.get()))));
    promise.on_done(move |_| second.add(format!("not given: {}", USER.get())));
    let setter = async move {
        USER.set("grace");
        promise.set(7).unwrap();
        USER.get()
    };
    assert_eq!(corio::spawn(setter).await.unwrap(), "grace");
    assert_eq!(log.get(), ["given: ada", "not given: grace"]);
}

/// A callback that panics keeps no other from being called; the panic comes out of the call that set
/// the promise.
#[test]
fn fut_13_a_callback_that_panics_holds_nobody_up() {
    let (promise, log) = (Promise::new(), Log::default());
    logged(&promise, &log, "before");
    promise.on_done(|_| panic!("as planned"));
    logged(&promise, &log, "after");
    let panic = catch_unwind(AssertUnwindSafe(|| promise.set(7))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"as planned"));
    assert_eq!(log.get(), ["before: 7", "after: 7"]);
    assert_eq!(promise.try_get().unwrap().unwrap(), 7);
}

/// A callback that is taken back is dropped and not called; taking it back again says no.
#[test]
fn fut_14_a_callback_can_be_taken_back() {
    let (promise, log) = (Promise::new(), Log::default());
    logged(&promise, &log, "kept");
    let guard = OnDrop(log.clone(), "dropped");
    let callback = promise.on_done(move |_| {
        let _guard = guard;
        unreachable!("it was taken back");
    });
    assert!(callback.remove());
    assert_eq!(log.get(), ["dropped"]);
    assert!(!callback.remove(), "there is nothing left to take back");
    promise.set(7).unwrap();
    assert_eq!(log.get(), ["dropped", "kept: 7"]);
    assert!(!promise.on_done(|_| ()).remove(), "it was called at once");
}

/// Once the promise is done, a callback that takes another back comes too late.
#[test]
fn fut_15_a_callback_cannot_take_back_one_that_is_due() {
    let (promise, log) = (Promise::new(), Log::default());
    let theirs = log.clone();
    let slot = std::sync::Arc::new(std::sync::OnceLock::new());
    let of_b = slot.clone();
    promise.on_done(move |_| {
        let callback: &corio::sync::DoneCallback<u32> = of_b.get().unwrap();
        theirs.add(format!("taken back: {}", callback.remove()));
    });
    let theirs = log.clone();
    slot.set(promise.on_done(move |_| theirs.add("b"))).unwrap();
    logged(&promise, &log, "c");
    promise.set(7).unwrap();
    assert_eq!(log.get(), ["taken back: false", "b", "c: 7"]);
}

/// The same function added twice is called twice.
#[test]
fn fut_16_a_callback_that_is_added_twice_is_called_twice() {
    let (promise, log) = (Promise::new(), Log::default());
    let theirs = log.clone();
    let callback = move |_: &Promise<u32>| theirs.add("called");
    let first = promise.on_done(callback.clone());
    promise.on_done(callback.clone());
    promise.on_done(callback);
    assert!(first.remove(), "each is taken back on its own");
    promise.set(7).unwrap();
    assert_eq!(log.get(), ["called", "called"]);
}

/// Cancelling a promise calls the callbacks as setting it does.
#[test]
fn fut_17_callbacks_are_called_when_a_promise_is_cancelled() {
    let (promise, log) = (Promise::<u32>::new(), Log::default());
    let theirs = log.clone();
    promise.on_done(move |p| theirs.add(format!("cancelled: {}", p.is_cancelled())));
    assert!(promise.cancel());
    assert!(!promise.cancel());
    assert_eq!(log.get(), ["cancelled: true"]);
}
