//! Tasks: giving way, waits that are dropped, why and by whom.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use corio::sync::{Barrier, Event, Mutex, RwLock, Semaphore, mpsc, oneshot};
use corio::time::{Instant, sleep};
use corio::{Handle, Queue, TaskGroup, catch_cancel, finally, spawn, task, task_group, yield_now};

use crate::common::secs;
use crate::common::{LONG, Log};

/// Whatever is ready at once gives way in time: a second task runs long before a million of them.
#[corio::test]
async fn trio_15_what_is_always_ready_gives_way() {
    /// Repeats `operation` until another task has run a few times; fails if it never does.
    macro_rules! gives_way {
        ($($operation:expr),+ $(,)?) => {$({
            let turns = Arc::new(AtomicU32::new(0));
            let theirs = turns.clone();
            let other = spawn(async move {
                for _ in 0..3 {
                    theirs.fetch_add(1, SeqCst);
                    yield_now().await;
                }
            });
            let mut count = 0_u32;
            while turns.load(SeqCst) < 3 {
                count += 1;
                assert!(count < 10_000, "{} does not give way", stringify!($operation));
                let _ = $operation;
            }
            other.await.unwrap();
        })+};
    }
    let queue = Queue::unbounded();
    let (sender, mut receiver) = mpsc::unbounded();
    let (lock, shared, semaphore) = (Mutex::new(()), RwLock::new(()), Semaphore::new(1));
    let (event, barrier) = (Event::new(), Barrier::new(1));
    event.set();
    for _ in 0..20_000 {
        sender.send(()).unwrap();
    }
    gives_way! {
        (queue.put(()).await, queue.get().await),
        receiver.recv().await,
        lock.lock().await,
        shared.read().await,
        shared.write().await,
        semaphore.acquire().await.unwrap(),
        event.wait().await,
        barrier.wait().await,
        sleep(Duration::ZERO).await,
        corio::time::sleep_until(Instant::now()).await,
        yield_now().await,
    }
    let (mut a, mut b) = corio::io::duplex(64);
    let mut buffer = [0; 1];
    gives_way!((a.write_all(b"x").await, b.read_exact(&mut buffer).await));
}

/// An operation that is dropped where it waits has not happened.
#[corio::test]
async fn trio_16_what_is_dropped_while_it_waits_has_not_happened() {
    /// Polls once, which must wait, and drops it.
    fn given_up(future: impl Future) {
        let mut future = Box::pin(future);
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    let queue = Queue::bounded(1);
    given_up(queue.get());
    queue.put(1).await.unwrap();
    given_up(queue.put(2));
    assert_eq!((queue.get().await, queue.len()), (Ok(1), 0));

    let (sender, mut receiver) = mpsc::channel(1);
    given_up(receiver.recv());
    sender.send(1).await.unwrap();
    given_up(sender.send(2));
    assert_eq!((receiver.recv().await, receiver.try_recv().is_err()), (Some(1), true));

    let (lock, semaphore, barrier) = (Mutex::new(()), Semaphore::new(1), Barrier::new(2));
    let guards = (lock.lock().await, semaphore.acquire().await.unwrap());
    given_up(lock.lock());
    given_up(semaphore.acquire());
    drop(guards);
    assert_eq!((lock.is_locked(), semaphore.available_permits()), (false, 1));
    given_up(barrier.wait());
    assert_eq!(barrier.waiting(), 0);

    let event = Event::new();
    given_up(event.wait());
    assert_eq!(event.waiters(), 0);
    given_up(sleep(LONG));
    assert_eq!(Handle::current().metrics().timers, 0);
    let mut task = spawn(async { 7 });
    given_up(&mut task);
    assert_eq!(task.await.unwrap(), 7);
    let (send, mut receive) = oneshot::channel();
    given_up(&mut receive);
    send.send(7).unwrap();
    assert_eq!(receive.await.unwrap(), 7);
}

/// Why a task was cancelled, and by whom, is known: in its error, while it ends, and to what takes the
/// request. The first reason counts.
#[corio::test(start_paused = true)]
async fn trio_17_why_and_by_whom_is_known() {
    let log = Log::default();
    let cleanup = || sleep(secs(5));
    let task = task::Builder::new().name("victim").spawn(finally(log.endless("body"), cleanup));
    log.entered(1).await;
    assert!(task.cancel_because("the first reason"));
    assert!(!task.cancel_because("too late"));
    sleep(secs(1)).await;
    let all = task::all();
    let info = all.iter().find(|t| t.name.as_deref() == Some("victim")).unwrap();
    assert_eq!(info.cancel_reason.as_ref().unwrap().text(), "the first reason");
    assert!(corio::introspect::tree().contains("the first reason"));
    let error = task.await.unwrap_err();
    let reason = error.cancel_reason().unwrap();
    assert_eq!(reason.by(), Some(task::current().id()));
    assert_eq!(reason.at().file(), file!());
    assert!(error.to_string().contains("the first reason"), "{error}");

    let task = spawn(async {
        let taken = catch_cancel(pending::<()>()).await.unwrap_err();
        let next = catch_cancel(pending::<()>()).await.unwrap_err();
        (taken.reason().map(|r| r.text().to_owned()), next.reason().is_none())
    });
    yield_now().await;
    task.cancel_because("taken");
    sleep(secs(1)).await;
    task.cancel();
    assert_eq!(task.await.unwrap(), (Some("taken".to_owned()), true));
    // Without a reason there is none.
    let task = spawn(pending::<()>());
    task.cancel();
    assert!(task.await.unwrap_err().cancel_reason().is_none());
}

/// The tree of tasks is right at each step, and empty at the end.
#[corio::test(start_paused = true)]
async fn trio_18_the_tree_of_tasks_is_right() {
    fn parent_of(name: &str) -> Option<String> {
        let all = task::all();
        let task = all.iter().find(|t| t.name.as_deref() == Some(name))?;
        let parent = all.iter().find(|t| Some(t.id) == task.parent)?;
        Some(parent.name.clone().unwrap_or_default())
    }
    let named = |name: &str| task::Builder::new().name(name);
    let outer = named("outer").spawn(task_group(|group: TaskGroup| async move {
        drop(group.builder().name("child").spawn(async {
            let grandchild = task::Builder::new().name("grandchild").spawn(sleep(secs(2)));
            sleep(secs(1)).await;
            drop(grandchild);
        }));
        Ok(())
    }));
    yield_now().await;
    yield_now().await;
    assert_eq!(parent_of("outer"), Some(String::new()), "main has no name");
    assert_eq!(parent_of("child").as_deref(), Some("outer"));
    assert_eq!(parent_of("grandchild").as_deref(), Some("child"));
    outer.await.unwrap().unwrap();
    // Its parent has ended, and it has not.
    assert!(task::all().iter().any(|t| t.name.as_deref() == Some("grandchild")));
    assert_eq!(parent_of("grandchild"), None);
    sleep(secs(5)).await;
    assert_eq!(task::all().len(), 1);
}
