//! What `#[corio::test]` calls.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use corio_runtime::entry::{Config, run_test};
use corio_runtime::spawn;
use corio_runtime::structured::finally;
use corio_runtime::time::sleep;
use corio_sync::prim::Ordering;
use corio_sync::prim::statics::AtomicBool;

fn paused(limit: Duration) -> Config {
    Config { start_paused: true, timeout: Some(limit), ..Config::default() }
}

fn message_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    payload.downcast_ref::<String>().expect("a message with values in it").clone()
}

#[test]
fn a_test_within_its_timeout_gives_its_output() {
    let output = run_test(paused(Duration::from_secs(5)), async {
        sleep(Duration::from_secs(4)).await;
        4
    });
    assert_eq!(output, 4);
}

#[test]
fn a_test_beyond_its_timeout_says_what_it_and_its_tasks_wait_for() {
    static CLEAN: AtomicBool = AtomicBool::new(false);
    let line = line!() + 7;
    let message = message_of(|| {
        run_test(paused(Duration::from_secs(5)), async {
            let _task = spawn(sleep(Duration::from_secs(3600)));
            let cleanup = || async { CLEAN.store(true, Ordering::Release) };
            finally(
                async {
                    sleep(Duration::from_secs(60)).await;
                },
                cleanup,
            )
            .await;
        });
    });
    let start = "the test did not end within its timeout of 5s: it waits for sleep at ";
    assert!(message.starts_with(start), "{message}");
    assert!(message.contains(&format!("{}:{line}:", file!())), "{message}");
    assert!(message.contains(&format!("{}:{}:", file!(), line - 4)), "{message}");
    // Ordering: Acquire, pairs with the Release in the cleanup.
    assert!(CLEAN.load(Ordering::Acquire), "the test was not cleaned up");
}

#[test]
fn a_test_that_waits_for_nothing_of_ours_says_so() {
    let message = message_of(|| run_test(paused(Duration::from_secs(5)), pending()));
    assert!(message.contains("it waits for something that is not corio's"), "{message}");
}

/// A seed decides the schedule of one thread, so it may be given with either flavor.
#[test]
fn a_seed_may_be_given_with_either_flavor() {
    for multi_thread in [false, true] {
        let config =
            Config { multi_thread, start_paused: true, seed: Some(7), ..Config::default() };
        let output = run_test(config, async {
            let task = spawn(sleep(Duration::from_secs(3600)));
            task.await.map(|()| 7)
        });
        assert_eq!(output.unwrap(), 7);
    }
    let config =
        Config { multi_thread: true, worker_threads: Some(2), seed: Some(7), ..Config::default() };
    let message = message_of(|| run_test(config, async {}));
    assert!(message.contains("worker_threads(2)"), "{message}");
}
