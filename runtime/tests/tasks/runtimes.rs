//! Runtimes that come and go, and settings that make none.

use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::time::sleep;
use corio_runtime::{Handle, spawn};

use crate::kit::{multi, single};

#[test]
fn l06_runtimes_come_and_go() {
    for i in 0..300 {
        let runtime = if i % 2 == 0 { single() } else { multi(2) };
        runtime.block_on(async {
            let task = spawn(async { sleep(Duration::from_micros(10)).await });
            drop(spawn(std::future::pending::<()>()));
            task.await.unwrap();
        });
    }
}

#[test]
fn l08_absurd_settings_are_errors_that_name_the_value() {
    let error = |b: Builder| b.build().unwrap_err().to_string();
    assert!(error(Builder::new_multi_thread().worker_threads(0)).contains("worker_threads(0)"));
    assert!(error(Builder::new_multi_thread().worker_threads(1 << 20)).contains("1048576"));
    assert!(error(Builder::new_current_thread().worker_threads(2)).contains("worker_threads(2)"));
    assert!(error(Builder::new_multi_thread().max_blocking_threads(0)).contains("(0)"));
    assert!(error(Builder::new_multi_thread().thread_name("x".repeat(100))).contains("100 bytes"));
    assert!(error(Builder::new_multi_thread().thread_name("a\0b")).contains("NUL"));
    assert!(error(Builder::new_multi_thread().start_paused(true)).contains("start_paused"));
    assert!(error(Builder::new_multi_thread().seed(1)).contains("seed"));
}

#[test]
fn l03_guards_may_be_dropped_in_any_order() {
    let (a, b) = (multi(1), single());
    let first = a.enter();
    let second = b.enter();
    drop(first);
    assert!(Handle::try_current().is_ok());
    drop(second);
    assert!(Handle::try_current().is_err());
}
