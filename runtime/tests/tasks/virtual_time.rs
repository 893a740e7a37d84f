//! Time that stands still until everybody waits.

use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::time::sleep;
use corio_runtime::{spawn, spawn_blocking, yield_now};

#[test]
fn virtual_time_jumps() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    let start = std::time::Instant::now();
    runtime.block_on(async {
        let before = corio_runtime::time::Instant::now();
        let tasks: Vec<_> = (1..100)
            .map(|i| spawn(async move { sleep(Duration::from_secs(i * 60)).await }))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(before.elapsed(), Duration::from_secs(99 * 60));
    });
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn m13_virtual_time_waits_for_blocking_calls() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let before = corio_runtime::time::Instant::now();
        let call = spawn_blocking(|| std::thread::sleep(Duration::from_millis(20)));
        let hour = spawn(async { sleep(Duration::from_secs(3600)).await });
        call.await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
        hour.await.unwrap();
        assert_eq!(before.elapsed(), Duration::from_secs(3600));
    });
}

#[test]
fn virtual_time_and_a_shutdown_with_a_deadline() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    runtime.block_on(async {
        drop(spawn(corio_runtime::structured::finally(std::future::pending::<()>(), || {
            std::future::pending::<()>()
        })));
        yield_now().await;
    });
    runtime.shutdown_timeout(Duration::from_millis(20));
}
