//! A call that keeps its thread for long, and what waits on that thread's core meanwhile.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]

use std::panic::catch_unwind;
use std::sync::mpsc::channel;

use corio_runtime::runtime::Builder;
use corio_runtime::{Runtime, long_call, spawn, yield_now};

fn multi() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Stands still until `count` tasks that were spawned just before have run.
fn wait_for_those_behind(count: usize) {
    let (done, each) = channel();
    for _ in 0..count {
        let done = done.clone();
        drop(spawn(async move { done.send(()).unwrap() }));
    }
    long_call(|| (0..count).for_each(|_| each.recv().unwrap()));
}

#[test]
fn what_waits_behind_it_is_run_by_another_core() {
    for count in [1, 2, 100, 1000] {
        let runtime = multi();
        runtime.block_on(async {
            // The main future's core, where no other thread runs yet.
            wait_for_those_behind(count);
            for _ in 0..5 {
                spawn(async move { wait_for_those_behind(count) }).await.unwrap();
                yield_now().await;
            }
        });
    }
}

#[test]
fn two_at_once_end() {
    multi().block_on(async {
        let (one, other) = (channel(), channel());
        let first = spawn(async move {
            long_call(|| {
                one.0.send(()).unwrap();
                other.1.recv().unwrap();
            });
        });
        let second = spawn(async move {
            long_call(|| {
                other.0.send(()).unwrap();
                one.1.recv().unwrap();
            });
        });
        first.await.unwrap();
        second.await.unwrap();
    });
}

#[test]
fn it_is_a_call_like_any_other() {
    let panics = || catch_unwind(|| long_call(|| panic!("as it does by itself"))).unwrap_err();
    assert_eq!(long_call(|| 7), 7);
    drop(panics());
    let single = Builder::new_current_thread().build().unwrap();
    for runtime in [single, multi()] {
        runtime.block_on(async {
            assert_eq!(long_call(|| long_call(|| 7) + 1), 8);
            drop(panics());
            let task = spawn(async { long_call(|| 7) });
            assert_eq!(task.await.unwrap(), 7);
        });
        let _entered = runtime.handle().enter();
        assert_eq!(long_call(|| 7), 7);
        drop(panics());
    }
}
