//! Plain functions on a runtime: call_soon, call_later, call_at.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use corio_runtime::Handle;
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::time::{Instant, sleep};

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ]
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u32>>>);

impl Log {
    fn adds(&self, n: u32) -> impl FnOnce() + Send + 'static {
        let log = self.clone();
        move || log.0.lock().unwrap().push(n)
    }
    fn get(&self) -> Vec<u32> {
        self.0.lock().unwrap().clone()
    }
    async fn wait_for(&self, n: usize) {
        while self.get().len() < n {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[test]
fn calls_are_made_in_order_on_one_thread_and_never_at_once() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let log = Log::default();
        for n in 0..100 {
            Handle::current().call_soon(log.adds(n));
        }
        assert!(log.get().is_empty());
        log.wait_for(100).await;
        assert_eq!(log.get(), (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn calls_are_made_when_they_are_due() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let log = Log::default();
            let (handle, start) = (Handle::current(), Instant::now());
            let last = handle.call_later(Duration::from_millis(60), log.adds(3));
            handle.call_at(start, log.adds(1));
            handle.call_at(start + Duration::from_millis(20), log.adds(2));
            assert!(last.when().unwrap() >= start + Duration::from_millis(60));
            log.wait_for(3).await;
            let mut got = log.get();
            // Several workers may make calls that are due at once in any order.
            got.sort();
            assert_eq!(got, [1, 2, 3]);
            assert!(start.elapsed() >= Duration::from_millis(60));
            while !last.is_finished() {
                sleep(Duration::from_millis(1)).await;
            }
            assert!(!last.cancel());
        });
    }
}

#[test]
fn a_call_that_is_taken_back_is_not_made() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let handle = Handle::current();
            let kept = Arc::new(());
            let theirs = kept.clone();
            let call = handle.call_later(Duration::from_millis(5), move || {
                drop(theirs);
                unreachable!("it was taken back");
            });
            assert!(call.cancel());
            assert!(!call.cancel());
            while Arc::strong_count(&kept) > 1 {
                sleep(Duration::from_millis(1)).await;
            }
            sleep(Duration::from_millis(10)).await;
        });
    }
}

#[test]
fn calls_from_other_threads_and_panics_in_calls() {
    for runtime in runtimes() {
        let handle = runtime.handle().clone();
        let log = Log::default();
        let (theirs, also) = (log.clone(), handle.clone());
        let thread = std::thread::spawn(move || {
            also.call_soon(|| panic!("as planned"));
            also.call_soon(theirs.adds(1));
            also.call_later(Duration::from_millis(2), theirs.adds(2));
        });
        runtime.block_on(log.wait_for(2));
        thread.join().unwrap();
        drop(runtime);
        // Afterwards nothing is called, and nothing breaks.
        let late = handle.call_soon(log.adds(3));
        assert!(late.is_finished());
        let mut got = log.get();
        got.sort();
        assert_eq!(got, [1, 2]);
    }
}

#[test]
fn virtual_time() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    let log = Log::default();
    // From outside: the delay counts on the runtime's own clock.
    let call = runtime.handle().call_later(Duration::from_secs(3600), log.adds(1));
    runtime.block_on(async {
        sleep(Duration::from_secs(3599)).await;
        assert!(!call.is_finished() && log.get().is_empty());
        sleep(Duration::from_secs(2)).await;
        assert!(call.is_finished());
    });
}
