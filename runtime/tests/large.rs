//! T12: large futures on small stacks. In a debug build each call that passes a future by value copies it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::structured::{TaskGroup, shield};
use corio_runtime::{spawn, spawn_local};
use corio_sync::prim::thread;

const MIB: usize = 1 << 20;
/// The caller holds the future once or twice itself; two or three copies are made on the way to the heap.
const STACK: usize = 8 * MIB;

fn runtime(workers: usize) -> Runtime {
    match workers {
        0 => Builder::new_current_thread().build().unwrap(),
        n => Builder::new_multi_thread().worker_threads(n).build().unwrap(),
    }
}

/// A future of a mebibyte that waits once and then adds its bytes up.
struct Large {
    bytes: [u8; MIB],
    has_waited: bool,
}

fn large(n: u8) -> Large {
    Large { bytes: [n; MIB], has_waited: false }
}

impl Future for Large {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if !self.has_waited {
            self.has_waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.bytes.iter().map(|b| usize::from(*b)).sum())
    }
}

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(STACK).spawn(test).unwrap().join().unwrap();
}

#[test]
fn t12_a_large_future_is_given_to_block_on() {
    for workers in [0, 2] {
        on_a_small_stack(move || assert_eq!(runtime(workers).block_on(large(2)), 2 * MIB));
    }
}

#[test]
fn t12_a_large_main_future_of_run() {
    on_a_small_stack(|| assert_eq!(corio_runtime::run(large(3)), 3 * MIB));
}

#[test]
fn t12_a_large_future_is_spawned() {
    for workers in [0, 2] {
        on_a_small_stack(move || {
            runtime(workers)
                .block_on(async { assert_eq!(spawn(large(4)).await.unwrap(), 4 * MIB) });
        });
    }
}

#[test]
fn t12_a_large_future_is_spawned_from_outside() {
    on_a_small_stack(|| {
        let runtime = runtime(2);
        let task = runtime.spawn(large(5));
        assert_eq!(runtime.block_on(task).unwrap(), 5 * MIB);
    });
}

#[test]
fn t12_a_large_future_is_spawned_to_stay() {
    on_a_small_stack(|| {
        runtime(0).block_on(async { assert_eq!(spawn_local(large(6)).await.unwrap(), 6 * MIB) });
    });
}

#[test]
fn t12_a_large_future_is_shielded() {
    on_a_small_stack(|| {
        runtime(0).block_on(async { assert_eq!(shield(large(7)).await.unwrap(), 7 * MIB) });
    });
}

#[test]
fn t12_a_large_child_of_a_group() {
    on_a_small_stack(|| {
        runtime(2).block_on(async {
            let group = TaskGroup::<()>::with_limit(1);
            let child = group.spawn(async { Ok(large(8).await) });
            let local = group.spawn_local(async { Ok(large(9).await) });
            assert_eq!(child.await.unwrap(), 8 * MIB);
            assert_eq!(local.await.unwrap(), 9 * MIB);
            group.join().await.unwrap();
        });
    });
}
