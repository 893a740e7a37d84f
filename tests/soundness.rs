//! What safe code must not be able to break: values of every shape, wakers that outlive their threads,
//! futures and guards that are forgotten, waits that are given up in any order. The ids in the names
//! are those of the catalogue of faults.
//!
//! These files link what others own into lists, where broken aliasing (U14) would lie:
//!
//! - `sync/src/waitlist.rs`, which is under every lock and channel: waits, in futures that may be
//!   dropped at any time
//! - `runtime/src/executor/mailbox.rs`, with the link in `task/header.rs`: tasks sent to a core
//! - `runtime/src/time/wheel.rs`, under `timers.rs`: timers
//! - `runtime/src/structured/ready.rs`: the futures of one task that were woken
//! - `runtime/src/executor/cells.rs`: memory that is free
//!
//! `ci/valgrind.sh` runs memcheck over the tests of both crates, and `ci/valgrind.sh -p corio` over this
//! file; `ci/loom.sh` runs the models of all of these lists but the last, which never leaves its thread.

mod common;

use std::cell::Cell;
use std::fmt::Debug;
use std::future::{Future, pending, poll_fn};
use std::num::{NonZeroU8, NonZeroU64};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use common::{LONG, Log, multi, on_all, single};
use corio::queue::{LifoQueue, PriorityQueue, Queue, Shutdown};
use corio::sync::{Mutex, Notify, RwLock, Semaphore, broadcast, channel, mpsc, oneshot, watch};
use corio::{TaskGroup, select, task_group};

/// Forgets a value: it is never dropped. A list has its address, so that those who look for lost
/// memory know that this was meant; what it lay in before it moved there is used again.
#[allow(clippy::disallowed_types, reason = "the tests stand outside of the runtime")]
fn forget<T>(value: T) {
    static FORGOTTEN: std::sync::Mutex<Vec<usize>> = std::sync::Mutex::new(Vec::new());
    let address = Box::into_raw(Box::new(value)).expose_provenance();
    FORGOTTEN.lock().unwrap().push(address);
}

/// Sends values through every kind of channel in which they need only be moved, a few at a time.
async fn through_all<T>(mut values: Vec<T>) -> Vec<T> {
    let count = values.len();
    let (sender, mut receiver) = mpsc::channel(2);
    let mut received = Vec::new();
    let sending = async {
        for value in values.drain(..) {
            assert!(sender.send(value).await.is_ok());
        }
    };
    let receiving = async {
        while received.len() < count {
            received.push(receiver.recv().await.unwrap());
        }
    };
    corio::join!(sending, receiving);
    assert!(receiver.try_recv().is_err());

    let (sender, mut receiver) = mpsc::unbounded();
    for value in received.drain(..) {
        assert!(sender.send(value).is_ok());
    }
    assert_eq!(receiver.recv_many(&mut values, usize::MAX).await, count);

    let (sender, receiver) = channel::bounded(count);
    for value in values.drain(..) {
        assert!(sender.try_send(value).is_ok());
    }
    while let Ok(value) = receiver.try_recv() {
        received.push(value);
    }

    for value in received.drain(..) {
        let (sender, mut receiver) = oneshot::channel();
        assert!(receiver.try_recv().is_err());
        assert!(sender.send(value).is_ok());
        values.push(receiver.await.unwrap());
    }

    let (fifo, lifo) = (Queue::bounded(count), LifoQueue::unbounded());
    for value in values.drain(..) {
        assert!(fifo.try_put(value).is_ok());
    }
    while let Ok(value) = fifo.try_get() {
        assert!(lifo.put(value).await.is_ok());
    }
    while let Ok(value) = lifo.try_get() {
        received.insert(0, value);
    }

    // A watched value is replaced, and what was there comes back.
    let (sender, receiver) = watch::channel(received.remove(0));
    for value in received.drain(..) {
        values.push(sender.send_replace(value));
    }
    drop((sender, receiver));
    values
}

/// Sends values to two receivers, one of which is behind.
async fn broadcast_all<T: Clone + PartialEq + Debug>(values: &[T]) {
    let (sender, mut quick) = broadcast::channel(2);
    let mut slow = sender.subscribe();
    for value in values {
        assert!(sender.send(value.clone()).is_ok());
        assert_eq!(quick.recv().await.as_ref(), Ok(value));
    }
    assert_eq!(slow.recv().await, Err(broadcast::RecvError::Lagged(values.len() as u64 - 2)));
    assert_eq!(slow.recv().await.as_ref(), Ok(&values[values.len() - 2]));
}

/// All of the above; the last value of `through_all` stays with the watch channel.
async fn check<T: Clone + PartialEq + Debug>(values: Vec<T>) {
    let through = through_all(values.clone()).await;
    assert_eq!(through, values[..through.len()]);
    assert_eq!(through.len(), values.len() - 1);
    broadcast_all(&values).await;
}

#[test]
fn u07_values_without_a_pattern_of_zeros_pass_through() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let texts: Vec<String> = (0..9).map(|i| i.to_string()).collect();
            // References to what is in this function, and others.
            check(texts.iter().collect()).await;
            check(texts.iter().map(String::as_str).collect()).await;
            check((1..9).map(|i| NonZeroU64::new(i).unwrap()).collect()).await;
            check((1..9).map(|i| NonZeroU8::new(i).unwrap()).collect()).await;
            check((1..9_u64).map(Box::new).collect()).await;
            check(vec![(); 9]).await;
            check(vec![[0_u64; 0]; 9]).await;
            check((0..9).map(|i| if i % 2 == 0 { Some(Rc::new(i)) } else { None }).collect()).await;
            check(vec![true, false, true, true, false]).await;
            check(vec![std::cmp::Ordering::Less, std::cmp::Ordering::Greater, "b".cmp("b")]).await;
            let functions = (0..9_u64).map(|i| Box::new(move || i) as Box<dyn Fn() -> u64>);
            let called: Vec<_> =
                through_all(functions.collect()).await.iter().map(|function| function()).collect();
            assert_eq!(called, [0, 1, 2, 3, 4, 5, 6, 7]);

            let least = PriorityQueue::unbounded();
            for text in texts.iter().rev() {
                least.put((NonZeroU8::MIN, text)).await.unwrap();
            }
            for text in &texts {
                assert_eq!(least.get().await.unwrap().1, text);
            }
        });
    }
}

#[test]
fn u07_what_is_left_in_a_channel_is_dropped_once() {
    on_all(|| async {
        let value = Arc::new(());
        for left in 0..70 {
            let copies = || std::iter::repeat_n(value.clone(), left);
            let (sender, receiver) = mpsc::unbounded();
            let (bounded, other) = channel::bounded(100);
            let queue = Queue::unbounded();
            let (all, first) = broadcast::channel(16);
            for ((one, two), (three, four)) in copies().zip(copies()).zip(copies().zip(copies())) {
                sender.send(one).unwrap();
                bounded.try_send(two).unwrap();
                queue.try_put(three).unwrap();
                all.send(four).unwrap();
            }
            let (once, unheard) = oneshot::channel();
            once.send(value.clone()).unwrap();
            let (watched, _) = watch::channel(value.clone());
            if left % 2 == 0 {
                drop((sender, bounded, all));
                drop((receiver, other, first, unheard));
            } else {
                drop((receiver, other, first, unheard));
                drop((sender, bounded, all));
            }
            queue.shutdown(Shutdown::Immediate);
            drop((queue, watched));
            assert_eq!(Arc::strong_count(&value), 1, "{left} were left");
        }
    });
}

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
            single().block_on(common::poll_once(wait.as_mut()));
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
        handle.block_on(common::poll_once(Pin::new(&mut task)));
        task
    });
    let task = poller.join().unwrap();
    notify.notify_one();
    runtime.block_on(async { corio::timeout(LONG, task).await }).unwrap().unwrap();
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
        common::poll_once(waiting.as_mut()).await;
        let mut acquiring = pin!(semaphore.acquire());
        common::poll_once(acquiring.as_mut()).await;
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

/// Whether a type has a trait. A type that has it has two functions of that name, which then is
/// ambiguous: the line compiles only if the trait is missing.
macro_rules! is_not {
    ($trait:ident: $($type:ty),+ $(,)?) => {$(
        const _: () = {
            trait Ambiguous<Which> {
                fn found() {}
            }
            struct Has;
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
            let _ = Has;
            let _ = <$type as Ambiguous<_>>::found;
        };
    )+};
}

type NotSync = Cell<u8>;
type Neither = Rc<u8>;

// U15: what belongs to one thread stays there. `auto_traits` has the table of all types.
is_not! { Send:
    corio::runtime::EnterGuard<'static>,
    Mutex<Neither>, corio::sync::MutexGuard<'static, Neither>,
    corio::sync::OwnedMutexGuard<Neither>, corio::sync::MappedMutexGuard<'static, Neither>,
    RwLock<Neither>, corio::sync::RwLockReadGuard<'static, NotSync>,
    corio::sync::RwLockWriteGuard<'static, Neither>, corio::sync::OnceCell<Neither>,
    watch::Ref<'static, u8>, watch::Sender<NotSync>, watch::Receiver<NotSync>,
    mpsc::Sender<Neither>, mpsc::Receiver<Neither>, mpsc::Permit<'static, Neither>,
    channel::Sender<Neither>, channel::Receiver<Neither>,
    broadcast::Sender<Neither>, broadcast::Receiver<Neither>,
    oneshot::Sender<Neither>, oneshot::Receiver<Neither>,
    Queue<Neither>, LifoQueue<Neither>, PriorityQueue<Neither>,
    corio::Task<Neither>, corio::Promise<NotSync>,
}
is_not! { Sync:
    corio::runtime::EnterGuard<'static>,
    Mutex<Neither>, corio::sync::MutexGuard<'static, NotSync>,
    corio::sync::OwnedMutexGuard<NotSync>, corio::sync::MappedMutexGuard<'static, NotSync>,
    RwLock<NotSync>, corio::sync::RwLockReadGuard<'static, NotSync>,
    corio::sync::RwLockWriteGuard<'static, NotSync>, corio::sync::OnceCell<NotSync>,
    watch::Ref<'static, NotSync>, watch::Sender<NotSync>, watch::Receiver<NotSync>,
    mpsc::Sender<Neither>, mpsc::Receiver<Neither>,
    channel::Sender<Neither>, broadcast::Sender<Neither>, oneshot::Receiver<Neither>,
    Queue<Neither>, corio::Task<Neither>, corio::Promise<NotSync>,
}

#[test]
fn u15_what_is_not_sync_is_never_used_by_two_threads_at_once() {
    // A lock makes a payload that is not `Sync` usable from several threads, one after the other.
    let runtime = multi(2);
    let cell = Arc::new(Mutex::new(Cell::new(0_u32)));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let cell = cell.clone();
                corio::spawn(async move {
                    for _ in 0..500 {
                        let cell = cell.lock().await;
                        let before = cell.get();
                        std::hint::spin_loop();
                        cell.set(before + 1);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(cell.lock().await.get(), 4000);
    });
}

/// A permutation of `0..count`, another one for each seed.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut order: Vec<usize> = (0..count).collect();
    for i in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        order.swap(i, (state >> 33) as usize % (i + 1));
    }
    order
}

/// Queues a thousand waits, drops nine of ten in random order while `serve` serves one now and then,
/// and returns how many of the hundred that are left end when they are polled, in their order.
fn drop_at_random<'a, F: Future + 'a>(
    seed: u64,
    wait: impl Fn() -> F,
    mut serve: impl FnMut(),
) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits: Vec<Option<Pin<Box<F>>>> = (0..1000).map(|_| Some(Box::pin(wait()))).collect();
    for wait in waits.iter_mut().flatten() {
        assert!(wait.as_mut().poll(&mut cx).is_pending());
    }
    for (i, index) in shuffled(waits.len(), seed).into_iter().enumerate().take(900) {
        if i % 30 == 0 {
            serve();
        }
        waits[index] = None;
    }
    // Each that is served lets the next one in when it ends.
    let mut ended = 0;
    for mut wait in waits.into_iter().flatten() {
        if wait.as_mut().poll(&mut cx).is_ready() {
            ended += 1;
        }
    }
    ended
}

#[test]
fn u14_waits_are_dropped_in_any_order_and_the_others_are_served() {
    for seed in 0..10 {
        let notify = Notify::new();
        // What a dropped wait was given goes to the next: thirty were given, and thirty wait on.
        let ended = drop_at_random(seed, || notify.notified(), || notify.notify_one());
        assert_eq!(ended, 30);
        notify.notify_one();
        assert!(poll_now(notify.notified()).is_ready());

        let semaphore = Semaphore::new(0);
        let taken = Cell::new(0);
        let wait = || async {
            let permit = semaphore.acquire().await.unwrap();
            taken.set(taken.get() + 1);
            drop(permit);
        };
        // A permit that is given back at once goes through all who are left, in their order.
        assert_eq!(drop_at_random(seed, wait, || semaphore.add_permits(1)), 100);
        assert_eq!((taken.get(), semaphore.available_permits()), (100, 30));

        let mutex = Mutex::new(0);
        let mut held = Some(poll_now(mutex.lock()));
        assert!(matches!(held, Some(Poll::Ready(_))));
        let wait = || async {
            *mutex.lock().await += 1;
        };
        assert_eq!(drop_at_random(seed, wait, || held = None), 100);
        assert_eq!(poll_now(async { *mutex.lock().await }), Poll::Ready(100));
    }
}

/// Polls once, for what is ready at once.
fn poll_now<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}
