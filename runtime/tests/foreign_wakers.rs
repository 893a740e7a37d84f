//! Wakers of other people's making: that panic, that are new at each poll.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use corio_runtime::cleanup::{CleanupWait, SinkGuard};
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::structured::{CancelScope, CancelToken, Ready, TaskGroup, finally, task_group};
use corio_runtime::{run, spawn, yield_now};

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(1).build().unwrap(),
    ]
}

/// A payload whose drop panics, too.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload's drop");
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::panic_any(Bomb);
    }
}

fn panicking() -> Waker {
    Waker::from(Arc::new(Panics))
}

/// Does nothing, and can be counted.
struct Probe(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl Wake for Probe {
    fn wake(self: Arc<Self>) {}
}

/// Polls `future` with 100 wakers; gives how many of them were kept.
fn kept(mut future: Pin<&mut impl Future>) -> usize {
    let count = Arc::new(());
    for _ in 0..100 {
        let waker = Waker::from(Arc::new(Probe(count.clone())));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    Arc::strong_count(&count) - 1
}

fn poll_with(future: Pin<&mut impl Future>, waker: &Waker) {
    assert!(future.poll(&mut Context::from_waker(waker)).is_pending());
}

/// What waits for a cleanup that the current task has just adopted, and whether it has run.
async fn owed() -> (CleanupWait, Arc<AtomicBool>) {
    let ran = Arc::new(AtomicBool::new(false));
    let theirs = ran.clone();
    let mut work = Box::pin(finally(pending::<()>(), move || async move {
        yield_now().await;
        theirs.store(true, Ordering::SeqCst);
    }));
    poll_with(work.as_mut(), Waker::noop());
    let sink = SinkGuard::enter();
    drop(work);
    (sink.finish(), ran)
}

#[test]
fn s06_t17_a_waker_that_panics_at_a_cleanups_end_harms_nobody() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let task = spawn(async {
                let (mut wait, ran) = owed().await;
                poll_with(Pin::new(&mut wait), &panicking());
                while !ran.load(Ordering::SeqCst) {
                    yield_now().await;
                }
                wait.await;
                7
            });
            assert_eq!(task.await.unwrap(), 7);
            assert_eq!(spawn(async { 8 }).await.unwrap(), 8, "the worker goes on");
        });
    }
}

#[test]
fn a_wait_for_cleanups_keeps_one_waker() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let (mut wait, _) = owed().await;
            assert_eq!(kept(Pin::new(&mut wait)), 1);
            wait.await;
        });
    }
}

#[test]
fn every_wait_for_a_group_keeps_one_waker_and_leaves_none_behind() {
    run(async {
        let group = TaskGroup::<()>::new();
        drop(group.spawn(pending::<()>()));
        let gone = Arc::new(());
        for _ in 0..100 {
            // As in a `select!` that another branch wins.
            let waker = Waker::from(Arc::new(Probe(gone.clone())));
            poll_with(pin!(group.next()), &waker);
        }
        assert_eq!(Arc::strong_count(&gone), 1);
        assert_eq!(kept(pin!(group.next())), 1);
        assert_eq!(kept(pin!(group.join())), 1);

        let starting = task_group(|group: TaskGroup<()>| async move {
            group
                .start(|ready: Ready<()>| async move {
                    pending::<()>().await;
                    drop(ready);
                })
                .await;
            Ok(())
        });
        // The group's own, and two of the start within: for the child's word and for its group's end.
        assert!(kept(pin!(starting)) <= 3);
    });
}

#[test]
fn s06_a_waker_that_panics_does_not_keep_a_cancellation_from_what_is_below() {
    run(async {
        let above = CancelToken::new();
        let below = above.child_token();
        let scope = CancelScope::new();
        let mut waits = (pin!(above.cancelled()), pin!(scope.run(pending::<()>())));
        poll_with(waits.0.as_mut(), &panicking());
        poll_with(waits.1.as_mut(), &panicking());
        above.cancel();
        assert!(below.is_cancelled());
        scope.handle().cancel();
        assert!(waits.1.await.is_none());
    });
}

#[test]
fn s06_a_waker_that_panics_does_not_strand_strand_those_behind_it() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let group = TaskGroup::<()>::new();
            let child = group.spawn(pending::<()>());
            let mut first = pin!(group.next());
            poll_with(first.as_mut(), &panicking());
            let mut second = pin!(group.next());
            // On the list, behind the other, before the child ends.
            poll_fn(|cx| {
                poll_with(second.as_mut(), cx.waker());
                Poll::Ready(())
            })
            .await;
            child.cancel();
            assert!(second.await.unwrap().is_cancelled());
        });
    }
}

/// The `block_on` of another executor, as it is in many crates.
fn foreign_block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn another_executor_within_a_task_comes_to_its_end() {
    for runtime in runtimes() {
        let sum = runtime.block_on(async {
            let (tx, mut rx) = corio_sync::mpsc::unbounded();
            (0..1000).for_each(|i| tx.send(i).unwrap());
            drop(tx);
            let task = spawn(async move {
                let mut sum = 0;
                while let Some(i) = foreign_block_on(rx.recv()) {
                    sum += i;
                }
                sum
            });
            task.await.unwrap()
        });
        assert_eq!(sum, 499_500);
    }
}
