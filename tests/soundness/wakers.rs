//! Wakers and waits that outlive the thread they began on.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;

use corio::sync::{Notify, oneshot};

use crate::common::{LONG, multi, poll_once, single};

/// The waker of whoever awaits this.
fn my_waker() -> impl Future<Output = Waker> {
    poll_fn(|cx| Poll::Ready(cx.waker().clone()))
}

#[test]
fn u09_a_waker_outlives_its_thread_and_its_runtime() {
    // Of a main future, of a task, of a task that is still there when its runtime ends, of a local one.
    let wakers = thread::spawn(|| {
        let mut wakers = Vec::new();
        for runtime in [single(), multi(2)] {
            wakers.push(runtime.block_on(my_waker()));
            wakers.push(runtime.block_on(runtime.spawn(my_waker())).unwrap());
            let (sender, receiver) = oneshot::channel();
            drop(runtime.spawn(async move {
                sender.send(my_waker().await).unwrap();
                pending::<()>().await;
            }));
            wakers.push(runtime.block_on(receiver).unwrap());
            wakers.push(runtime.block_on(async { corio::spawn_local(my_waker()).await.unwrap() }));
        }
        wakers
    });
    let wakers = wakers.join().unwrap();
    for waker in &wakers {
        for other in &wakers {
            let _ = waker.will_wake(other);
        }
        waker.wake_by_ref();
    }
    let elsewhere = wakers.clone();
    thread::spawn(move || elsewhere.into_iter().for_each(Waker::wake)).join().unwrap();
    drop(wakers);
}

#[test]
fn u09_a_wait_that_began_on_a_thread_that_has_ended_goes_on_elsewhere() {
    let notify = Arc::new(Notify::new());
    for _ in 0..10 {
        let mut wait = Box::pin(notify.clone().notified_owned());
        let wait = thread::spawn(move || {
            single().block_on(poll_once(wait.as_mut()));
            wait
        });
        let wait = wait.join().unwrap();
        notify.notify_one();
        single().block_on(async { corio::timeout(LONG, wait).await }).unwrap();
    }
    // A handle on a task is polled on such a thread, and then awaited here.
    let runtime = multi(2);
    let theirs = notify.clone();
    let mut task = runtime.spawn(async move { theirs.notified().await });
    let handle = runtime.handle().clone();
    let poller = thread::spawn(move || {
        handle.block_on(poll_once(Pin::new(&mut task)));
        task
    });
    let task = poller.join().unwrap();
    notify.notify_one();
    runtime.block_on(async { corio::timeout(LONG, task).await }).unwrap().unwrap();
}
