//! scheduling from other threads.

use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use corio::runtime::TimerHandle;
use corio::sync::mpsc as channel;
use corio::task::Canceller;
use corio::{Handle, Queue, Runtime, Task, TaskError, TaskGroup, spawn};

use crate::common::{LONG, Log, multi, single};
use crate::has::has;

/// A thread has a sum computed, gives up on something endless, and cancels that.
#[test]
fn tss_01_a_thread_waits_gives_up_and_cancels() {
    let runtime = multi(1);
    let handle = runtime.handle().clone();
    let other = thread::spawn(move || {
        let sum = handle.spawn(async { 1 + 2 }).result_blocking(LONG).unwrap().unwrap();
        let endless = handle.spawn(pending::<()>());
        let endless = endless.result_blocking(Duration::from_millis(2)).unwrap_err();
        let still_runs = !endless.is_finished();
        endless.cancel();
        (sum, still_runs, endless.result_blocking(LONG).unwrap().unwrap_err())
    });
    let (sum, still_runs, error) = other.join().unwrap();
    assert!(sum == 3 && still_runs && error.is_cancelled());
}

/// A failure and a panic reach the thread with what they were about.
#[test]
fn tss_02_failures_reach_the_thread() {
    let runtime = multi(1);
    let error = runtime.spawn(async { Err::<(), _>("the cause") });
    assert_eq!(error.result_blocking(LONG).unwrap().unwrap(), Err("the cause"));
    let panic = runtime.spawn(async { panic!("the cause") });
    let panic: Result<(), TaskError> = panic.result_blocking(LONG).unwrap();
    assert!(panic.unwrap_err().to_string().contains("the cause"));
}

/// Waiting like a thread on a thread that runs tasks is a clear panic, and harms nobody else.
#[test]
fn tss_03_waiting_like_a_thread_on_a_worker_is_a_clear_panic() {
    for runtime in [single(), multi(1)] {
        runtime.block_on(async {
            let waits = spawn(async {
                let task = spawn(async {});
                let _ = task.result_blocking(LONG);
            });
            let panic = waits.await.unwrap_err();
            assert!(panic.to_string().contains(".await"), "{panic}");
            assert_eq!(spawn(async { 7 }).await.unwrap(), 7);
        });
    }
}

/// A hundred thousand wake-ups from eight threads: none is lost, also when the runtime sleeps.
#[test]
fn tss_04_no_wake_up_from_a_thread_is_lost() {
    for runtime in [single(), multi(2)] {
        let (sender, mut receiver) = channel::unbounded();
        let threads: Vec<_> = (0..8)
            .map(|i| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for n in 0..12_500 {
                        sender.send(n).unwrap();
                        if n % 1000 == i {
                            // The receiver has come to its end and sleeps.
                            thread::sleep(Duration::from_micros(100));
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        let received = runtime.block_on(async {
            let mut received = 0;
            while receiver.recv().await.is_some() {
                received += 1;
            }
            received
        });
        assert_eq!(received, 100_000);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// On one worker the calls of a thread are made in the order in which it asked for them.
#[test]
fn tss_05_the_calls_of_a_thread_are_made_in_order() {
    let runtime = single();
    let handle = runtime.handle().clone();
    let (call, mut called) = channel::unbounded();
    let threads = [0, 1].map(|i| {
        let (handle, call) = (handle.clone(), call.clone());
        thread::spawn(move || {
            for n in 0..100 {
                let call = call.clone();
                handle.call_soon(move || call.send((i, n)).unwrap());
            }
        })
    });
    drop(call);
    let mut next = [0, 0];
    runtime.block_on(async {
        while let Some((i, n)) = called.recv().await {
            assert_eq!(next[i], n);
            next[i] += 1;
        }
    });
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(next, [100, 100]);
}

/// Threads that submit while the runtime ends get a result or are told, and nothing is left over.
#[test]
fn tss_06_who_submits_while_the_runtime_ends_is_answered() {
    for round in 0..50 {
        let runtime = if round % 2 == 0 { single() } else { multi(2) };
        let log = Log::default();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (handle, log) = (runtime.handle().clone(), log.clone());
                thread::spawn(move || {
                    for _ in 0..50 {
                        let guard = crate::common::OnDrop(log.clone(), "gone");
                        let task = handle.spawn(async move {
                            let _guard = guard;
                            7
                        });
                        match task.result_blocking(LONG).expect("it is answered") {
                            Ok(value) => assert_eq!(value, 7),
                            Err(error) => assert!(error.is_cancelled()),
                        }
                    }
                })
            })
            .collect();
        if round % 4 == 0 {
            runtime.block_on(async { corio::yield_now().await });
        }
        drop(runtime);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(log.get().len(), 150);
    }
}

/// What one schedules with may go to any thread; the handle of a task with a local result may not.
#[test]
fn tss_07_handles_go_to_any_thread_and_local_tasks_do_not() {
    const {
        assert!(has!(Runtime: Send + Sync) && has!(Handle: Send + Sync));
        assert!(has!(Canceller: Send + Sync) && has!(TimerHandle: Send + Sync));
        assert!(has!(Task<u8>: Send + Sync) && has!(TaskError: Send + Sync));
        assert!(has!(TaskGroup<u8>: Send + Sync) && has!(Queue<u8>: Send + Sync));
        assert!(has!(channel::UnboundedSender<u8>: Send + Sync));
        assert!(!has!(Task<Rc<u8>>: Send) && !has!(Task<Rc<u8>>: Sync));
    }
}

/// A waker may be used when its task is done, and when its runtime is gone.
#[test]
fn tss_08_a_waker_may_outlive_task_and_runtime() {
    for runtime in [single(), multi(1)] {
        let (send, wakers) = mpsc::channel::<Waker>();
        let task = runtime.spawn(std::future::poll_fn(move |cx| {
            send.send(cx.waker().clone()).unwrap();
            std::task::Poll::Ready(7)
        }));
        assert_eq!(runtime.block_on(task).unwrap(), 7);
        let waker = wakers.recv().unwrap();
        waker.wake_by_ref();
        let other = waker.clone();
        drop(runtime);
        other.wake();
        waker.wake_by_ref();
        thread::spawn(move || waker.wake()).join().unwrap();
    }
}

/// A result that may not leave its thread stays there: who may take it is on that thread.
#[test]
fn tss_10_a_local_result_stays_on_its_thread() {
    struct Here(thread::ThreadId, Rc<u8>);
    impl Drop for Here {
        fn drop(&mut self) {
            assert_eq!((thread::current().id(), *self.1), (self.0, 7));
        }
    }
    let here = || Here(thread::current().id(), Rc::new(7));
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            // Taken, left in its handle, and left to the runtime.
            drop(corio::spawn_local(async move { here() }).await.unwrap());
            let kept = corio::spawn_local(async move { here() });
            drop(corio::spawn_local(async move { here() }));
            corio::yield_now().await;
            drop(kept);
        });
    }
}
