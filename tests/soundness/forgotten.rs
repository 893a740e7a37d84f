//! Futures, guards and groups that are forgotten: they are never dropped.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use corio::sync::{Mutex, Notify, RwLock, Semaphore, mpsc, oneshot};
use corio::{TaskGroup, select, task_group};

use crate::common::{LONG, Log, multi, on_all, poll_once, single};

/// Forgets a value: it is never dropped. A list has its address, so that those who look for lost
/// memory know that this was meant; what it lay in before it moved there is used again.
#[allow(clippy::disallowed_types, reason = "the tests stand outside of the runtime")]
fn forget<T>(value: T) {
    static FORGOTTEN: std::sync::Mutex<Vec<usize>> = std::sync::Mutex::new(Vec::new());
    let address = Box::into_raw(Box::new(value)).expose_provenance();
    FORGOTTEN.lock().unwrap().push(address);
}

/// Polls once, and forgets what is left: it stays in memory for ever and is never polled again.
async fn poll_and_forget<F: Future>(future: F) {
    poll_and_forget_moved(Box::pin(future)).await;
}

/// Polls a future that may be moved once, on the stack, and forgets it elsewhere.
async fn poll_and_forget_moved<F: Future + Unpin>(mut future: F) {
    // Of a short sleep the end may be here already.
    poll_fn(|cx| {
        let _ = Pin::new(&mut future).poll(cx);
        Poll::Ready(())
    })
    .await;
    forget(future);
}

#[test]
fn u13_forgotten_waits_leave_the_others_their_turn() {
    on_all(|| async {
        let notify = Notify::new();
        let semaphore = Semaphore::new(0);
        for _ in 0..10 {
            poll_and_forget(notify.notified()).await;
            poll_and_forget(semaphore.acquire()).await;
            poll_and_forget(async {
                select! {
                    () = notify.notified() => {}
                    () = corio::sleep(Duration::from_micros(10)) => {}
                    _ = semaphore.acquire() => {}
                }
            })
            .await;
            poll_and_forget(async { corio::join!(notify.notified(), semaphore.acquire()) }).await;
        }
        let mut waiting = pin!(notify.notified());
        poll_once(waiting.as_mut()).await;
        let mut acquiring = pin!(semaphore.acquire());
        poll_once(acquiring.as_mut()).await;
        // The timers of the forgotten ones fire into memory that is still theirs.
        corio::sleep(Duration::from_millis(2)).await;
        notify.notify_waiters();
        semaphore.close();
        waiting.await;
        assert!(acquiring.await.is_err());
    });
}

#[test]
fn u13_what_lies_on_the_stack_may_be_forgotten_too() {
    on_all(|| async {
        for i in 0..50 {
            poll_and_forget_moved(corio::sleep(Duration::from_micros(i))).await;
            poll_and_forget_moved(corio::sleep(LONG)).await;
            poll_and_forget_moved(corio::timeout(Duration::from_micros(i), pending::<()>())).await;
            let (sender, receiver) = oneshot::channel();
            poll_and_forget_moved(receiver).await;
            // Nobody can see that the receiver is forgotten, so the value is with it.
            sender.send(i).unwrap();
            let (mut sender, receiver) = oneshot::channel::<()>();
            poll_and_forget_moved(sender.closed()).await;
            drop((sender, receiver));
            let (sender, mut receiver) = mpsc::channel(1);
            poll_and_forget_moved(receiver.recv()).await;
            sender.try_send(i).unwrap();
            assert_eq!(receiver.recv().await, Some(i));
            let mut interval = corio::time::interval(LONG);
            interval.tick().await;
            poll_and_forget_moved(interval.tick()).await;
        }
        corio::sleep(Duration::from_millis(2)).await;
    });
}

#[test]
fn u13_forgotten_guards_and_permits_keep_what_they_hold_and_no_more() {
    on_all(|| async {
        let (held, free) = (Arc::new(Mutex::new(1)), Mutex::new(2));
        forget(held.lock().await);
        assert!(held.try_lock().is_err() && held.is_locked());
        assert_eq!(*free.lock().await, 2);
        poll_and_forget(held.lock()).await;
        poll_and_forget(held.clone().lock_owned()).await;
        let waiting = corio::timeout(Duration::from_millis(1), held.lock()).await;
        assert!(waiting.is_err());

        let read = RwLock::new(3);
        forget(read.read().await);
        assert_eq!(*read.read().await, 3);
        assert!(read.try_write().is_err());

        let semaphore = Semaphore::new(3);
        forget(semaphore.acquire_many(2).await.unwrap());
        assert_eq!(semaphore.available_permits(), 1);
        drop(semaphore.acquire().await.unwrap());

        let (sender, mut receiver) = mpsc::channel(2);
        forget(sender.reserve().await.unwrap());
        sender.send(4).await.unwrap();
        assert!(sender.try_send(5).is_err());
        assert_eq!(receiver.recv().await, Some(4));
        // The lock goes while waits are queued in it that were forgotten.
        drop((read, semaphore, sender, receiver));
    });
}

#[test]
fn u13_a_forgotten_enter_guard_is_a_runtime_that_stays_entered() {
    thread::spawn(|| {
        let first = multi(1);
        forget(first.enter());
        assert_eq!(first.block_on(corio::spawn(async { 1 })).unwrap(), 1);
        let second = single();
        {
            let _entered = second.enter();
            let task = corio::spawn(async { 2 });
            assert_eq!(second.block_on(task).unwrap(), 2);
        }
        // Entered again after the inner one was left, until and beyond its end.
        assert_eq!(first.block_on(corio::spawn(async { 3 })).unwrap(), 3);
        drop((first, second));
        let task = corio::spawn(async { 4 });
        let error = single().block_on(task).unwrap_err();
        assert!(error.is_cancelled(), "{error}");
    })
    .join()
    .unwrap();
}

#[test]
fn u13_forgotten_tasks_and_groups_run_on_until_the_runtime_ends() {
    let ran = Arc::new(AtomicUsize::new(0));
    for runtime in [single(), multi(2)] {
        ran.store(0, SeqCst);
        let log = Log::default();
        runtime.block_on(async {
            let (theirs, endless) = (ran.clone(), log.clone());
            forget(corio::spawn(async move { theirs.fetch_add(1, SeqCst) }));
            let theirs = ran.clone();
            poll_and_forget(task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(async move {
                    theirs.fetch_add(10, SeqCst);
                }));
                drop(group.spawn(endless.endless("cleaned")));
                drop(group.spawn(async move {
                    pending::<()>().await;
                }));
                pending::<Result<(), ()>>().await
            }))
            .await;
            log.entered(1).await;
            while ran.load(SeqCst) < 11 {
                corio::yield_now().await;
            }
        });
        drop(runtime);
        // The group's children are tasks of the runtime, and cleaned up with it.
        assert_eq!(log.get(), ["cleaned"]);
    }
}

#[test]
fn u13_the_children_of_a_forgotten_scope_never_run_again() {
    on_all(|| async {
        let polls = Arc::new(AtomicUsize::new(0));
        let notify = Notify::new();
        {
            // What the children borrow is gone, and its memory used again, after this block.
            let words: Vec<String> = (0..100).map(|i| format!("word {i}")).collect();
            poll_and_forget(corio::scope(async |s| {
                for word in &words {
                    let (polls, notify) = (&polls, &notify);
                    s.spawn(async move {
                        for _ in 0.. {
                            assert!(word.starts_with("word"));
                            polls.fetch_add(1, SeqCst);
                            notify.notified().await;
                        }
                    });
                }
                pending::<()>().await;
            }))
            .await;
        }
        let junk: Vec<String> = (0..100).map(|i| format!("junk {i}")).collect();
        let before = polls.load(SeqCst);
        for _ in 0..10 {
            notify.notify_waiters();
            corio::yield_now().await;
        }
        assert_eq!(polls.load(SeqCst), before);
        assert_eq!(junk.len(), 100);
        assert!(before > 0, "the children have never run");
    });
}
