//! Calls that block, on threads of their own.

use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::{Handle, spawn, spawn_blocking};

use crate::kit::multi;
use crate::support::on_all;

#[test]
fn blocking_calls_give_their_results() {
    on_all(|| async {
        let tasks: Vec<_> = (0..100).map(|i| spawn_blocking(move || i * 2)).collect();
        for (i, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), i * 2);
        }
        assert!(spawn_blocking(|| panic!("as planned")).await.unwrap_err().is_panic());
    });
}

#[test]
fn blocking_calls_know_their_runtime() {
    multi(2).block_on(async {
        let inner =
            spawn_blocking(|| Handle::current().block_on(async { spawn(async { 5 }).await }));
        assert_eq!(inner.await.unwrap().unwrap(), 5);
    });
}

#[test]
fn s17_a_nested_block_on_is_a_clear_panic() {
    on_all(|| async {
        let task = spawn(async { Handle::current().block_on(async {}) });
        let error = task.await.unwrap_err();
        assert!(error.to_string().contains("`.await` the future instead"), "{error}");
    });
}

#[test]
fn b06_shutdown_does_not_wait_for_ever() {
    let runtime = multi(2);
    let (send, receive) = std::sync::mpsc::channel::<()>();
    let (started, begun) = std::sync::mpsc::channel();
    let task = runtime.spawn_blocking(move || {
        started.send(()).unwrap();
        let _ = receive.recv();
    });
    begun.recv().unwrap();
    runtime.shutdown_timeout(Duration::from_millis(50));
    assert!(!task.is_finished());
    drop(send);
    assert!(task.result_blocking(Duration::from_secs(20)).unwrap().is_ok());
}

#[test]
fn a_cancelled_call_that_waits_for_a_thread_is_done_at_once() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (end, to_end) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let (started, begun) = std::sync::mpsc::channel();
        let first = spawn_blocking(move || {
            started.send(()).unwrap();
            let _ = to_end.recv_timeout(Duration::from_secs(20));
        });
        begun.recv().unwrap();
        let queued = spawn_blocking(|| unreachable!("it is cancelled before it runs"));
        queued.cancel();
        assert!(queued.await.map(|(): ()| ()).unwrap_err().is_cancelled());
        assert!(!first.is_finished());
        end.send(()).unwrap();
        first.await.unwrap();
    });
}
