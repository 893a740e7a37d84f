//! U16: `{:?}` of anything, at any moment: while it is locked, while it is dropped, from a waker. It never waits
//! for a lock that its own thread has, and shows no value that somebody may be writing.

use std::fmt::Debug;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use corio::sync::{
    Barrier, BoundedSemaphore, Condvar, Event, Lazy, Mutex, Notify, OnceCell, Promise, RwLock,
    Semaphore, broadcast, mpsc, oneshot, watch,
};
use corio::{CancelScope, CancelToken, LifoQueue, PriorityQueue, Queue, TaskGroup, channel, task};
use corio_sync::prim::Mutex as PlainMutex;

/// Formats a thing in both ways; the text names its type.
#[track_caller]
fn shown(thing: &(impl Debug + ?Sized), name: &str) -> String {
    let text = format!("{thing:?}");
    assert!(text.contains(name), "{text:?} does not name {name}");
    assert!(format!("{thing:#?}").contains(name));
    text
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A lock that this thread holds is formatted without its value, and at once.
#[test]
fn u16_debug_of_a_lock_that_is_held() {
    let mutex = Mutex::new("secret");
    assert!(shown(&mutex, "Mutex").contains("secret"));
    let guard = mutex.try_lock().unwrap();
    assert!(!shown(&mutex, "Mutex").contains("secret"));
    assert!(format!("{guard:?}").contains("secret"));
    let mut waiting = pin!(mutex.lock());
    assert!(poll_once(waiting.as_mut()).is_pending());
    shown(&*waiting, "Lock");
    shown(&mutex, "Mutex");
    drop(guard);
    // Handed over to the waiter, who has not come for it.
    assert!(!shown(&mutex, "Mutex").contains("secret"));

    let rwlock = RwLock::new("secret");
    assert!(shown(&rwlock, "RwLock").contains("secret"));
    let reader = rwlock.try_read().unwrap();
    assert!(shown(&rwlock, "RwLock").contains("secret"));
    drop(reader);
    let writer = rwlock.try_write().unwrap();
    assert!(!shown(&rwlock, "RwLock").contains("secret"));
    drop(writer);

    let semaphore = Semaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    let mut waiting = pin!(semaphore.acquire());
    assert!(poll_once(waiting.as_mut()).is_pending());
    shown(&semaphore, "Semaphore");
    shown(&permit, "Permit");
    semaphore.close();
    shown(&semaphore, "Semaphore");
    shown(&BoundedSemaphore::new(3), "BoundedSemaphore");

    let cell = OnceCell::new();
    shown(&cell, "OnceCell");
    {
        let mut making = pin!(cell.get_or_init(async || {
            shown(&cell, "OnceCell");
            pending::<u8>().await
        }));
        assert!(poll_once(making.as_mut()).is_pending());
        shown(&cell, "OnceCell");
    }
    cell.set(7).unwrap();
    assert!(shown(&cell, "OnceCell").contains('7'));
    shown(&Lazy::<u8, _>::new(async || 5), "Lazy");

    let event = Event::new();
    let mut waiting = pin!(event.wait());
    assert!(poll_once(waiting.as_mut()).is_pending());
    shown(&event, "Event");
    event.set();
    shown(&event, "Event");
    shown(&*waiting, "EventWait");

    let notify = Notify::new();
    let mut waiting = pin!(notify.notified());
    assert!(poll_once(waiting.as_mut()).is_pending());
    notify.notify_one();
    shown(&notify, "Notify");
    shown(&*waiting, "Notified");

    let barrier = Barrier::new(2);
    let mut waiting = pin!(barrier.wait());
    assert!(poll_once(waiting.as_mut()).is_pending());
    shown(&barrier, "Barrier");
    barrier.abort();
    shown(&barrier, "Barrier");

    let condvar = Condvar::new();
    let other = Mutex::new(0);
    {
        let guard = other.try_lock().unwrap();
        let mut waiting = pin!(condvar.wait(guard));
        assert!(poll_once(waiting.as_mut()).is_pending());
        shown(&condvar, "Condvar");
        shown(&*waiting, "CondvarWait");
        condvar.notify_all();
        shown(&condvar, "Condvar");
    }

    let promise = Promise::new();
    let mut waiting = pin!(promise.clone().into_future());
    assert!(poll_once(waiting.as_mut()).is_pending());
    shown(&promise, "Promise");
    promise.set(3).unwrap();
    shown(&promise, "Promise");
}

/// Formats a channel's halves when it is dropped: what drops values under a lock would wait for itself.
struct Chatty<T: Debug>(Option<T>, Arc<PlainMutex<Vec<String>>>);

impl<T: Debug> Debug for Chatty<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chatty")
    }
}

impl<T: Debug> Drop for Chatty<T> {
    fn drop(&mut self) {
        if let Some(of) = self.0.take() {
            self.1.lock().push(format!("{of:?}"));
        }
    }
}

/// A value that names a sender of its own channel.
#[derive(Debug)]
struct Inside<S>(#[allow(dead_code, reason = "formatted")] S);

#[test]
fn u16_debug_of_a_channel_in_each_state() {
    let said = Arc::new(PlainMutex::new(Vec::new()));

    let (sender, mut receiver) = mpsc::channel(1);
    shown(&sender, "Sender");
    shown(&receiver, "Receiver");
    {
        let mut waiting = pin!(receiver.recv());
        assert!(poll_once(waiting.as_mut()).is_pending());
        shown(&sender, "Sender");
        shown(&*waiting, "Recv");
    }
    sender.try_send(1).unwrap();
    {
        let mut waiting = pin!(sender.send(2));
        assert!(poll_once(waiting.as_mut()).is_pending());
        shown(&sender, "Sender");
        shown(&receiver, "Receiver");
        shown(&*waiting, "Send");
        receiver.close();
        shown(&receiver, "Receiver");
        shown(&*waiting, "Send");
    }
    drop(receiver);
    shown(&sender, "Sender");

    // Values that format their channel while the channel drops them.
    {
        struct Link(Option<mpsc::WeakUnboundedSender<Chatty<Inside<Link>>>>);
        impl Debug for Link {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "Link({:?})", self.0)
            }
        }
        let (sender, receiver) = mpsc::unbounded();
        for _ in 0..2 {
            let link = Link(Some(sender.downgrade()));
            sender.send(Chatty(Some(Inside(link)), said.clone())).unwrap();
        }
        drop(receiver);
        shown(&sender, "Sender");
    }
    {
        struct Link(Queue<Chatty<Link>>);
        impl Debug for Link {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "Link({:?})", self.0)
            }
        }
        let queue = Queue::unbounded();
        queue.try_put(Chatty(Some(Link(queue.clone())), said.clone())).unwrap();
        shown(&queue, "Queue");
        queue.shutdown(corio::queue::Shutdown::Immediate);
        shown(&queue, "Queue");
    }
    let said = said.lock();
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|text| text.contains("Link(")), "{said:?}");

    let (sender, receiver) = oneshot::channel::<u8>();
    shown(&sender, "Sender");
    sender.send(1).unwrap();
    shown(&receiver, "Receiver");
    let (sender, receiver) = oneshot::channel::<u8>();
    drop(receiver);
    shown(&sender, "Sender");

    let (sender, mut receiver) = broadcast::channel(2);
    for n in 0..3 {
        sender.send(n).unwrap();
    }
    shown(&sender, "Sender");
    shown(&receiver, "Receiver");
    drop(sender);
    assert!(receiver.try_recv().is_err(), "it lags");
    shown(&receiver, "Receiver");

    let (sender, mut receiver) = watch::channel("first");
    let borrowed = receiver.borrow_and_update();
    shown(&sender, "Sender");
    assert!(format!("{borrowed:?}").contains("first"));
    drop(borrowed);
    sender.send_modify(|value| {
        shown(&sender, "Sender");
        shown(&receiver, "Receiver");
        *value = "second";
    });
    drop(sender);
    shown(&receiver, "Receiver");

    let (sender, receiver) = channel::bounded(1);
    sender.try_send(1).unwrap();
    shown(&sender, "Sender");
    drop(sender);
    shown(&receiver, "Receiver");
    shown(&LifoQueue::<u8>::bounded(1), "Queue");
    shown(&PriorityQueue::<u8>::unbounded(), "Queue");
}

#[test]
fn u16_debug_of_a_task_in_each_state() {
    for runtime in [
        corio::runtime::Builder::new_current_thread().build().unwrap(),
        corio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ] {
        shown(&runtime, "Runtime");
        let (kept, canceller) = runtime.block_on(async {
            shown(&task::current(), "TaskRef");
            let slot = Arc::new(PlainMutex::new(None::<corio::Task<u8>>));
            let own = slot.clone();
            let mut task = corio::spawn(async move {
                // Its own handle, from within its poll.
                if let Some(task) = &*own.lock() {
                    shown(task, "Task");
                }
                shown(&task::current(), "TaskRef");
                corio::sleep(Duration::from_millis(1)).await;
                7
            });
            shown(&task, "Task");
            corio::yield_now().await;
            shown(&task, "Task");
            shown(&task.canceller(), "Canceller");
            assert_eq!((&mut task).await.unwrap(), 7);
            shown(&task, "Task");
            drop(slot);

            let cancelled = corio::spawn(pending::<()>());
            cancelled.cancel();
            shown(&cancelled, "Task");
            let error = cancelled.await.unwrap_err();
            shown(&error, "TaskError");
            let panicked = corio::spawn(async { panic!("U16: on purpose") });
            shown(&panicked.await.unwrap_err(), "TaskError");

            let call = corio::spawn_blocking(|| ());
            shown(&call, "Task");
            call.await.unwrap();

            let group = TaskGroup::<()>::new();
            drop(group.spawn(async { Err::<(), ()>(()) }));
            shown(&group, "Group");
            let error = group.join().await.unwrap_err();
            shown(&error, "GroupError");
            shown(&corio::sleep(Duration::MAX), "Sleep");
            shown(&corio::time::interval(Duration::from_secs(1)), "Interval");
            let token = CancelToken::new();
            token.cancel();
            shown(&token, "CancelToken");
            let scope = CancelScope::new();
            let handle = scope.handle();
            scope
                .run(async {
                    shown(&handle, "");
                    handle.cancel();
                    shown(&handle, "");
                })
                .await;

            let kept = corio::spawn(pending::<()>());
            let canceller = kept.canceller();
            (kept, canceller)
        });
        shown(runtime.handle(), "Handle");
        drop(runtime);
        shown(&kept, "Task");
        shown(&canceller, "Canceller");
    }
}

/// Formats a thing when it is woken.
struct Formats<T>(T, PlainMutex<usize>);

impl<T: Debug + Send + Sync> Wake for Formats<T> {
    fn wake(self: Arc<Self>) {
        assert!(!format!("{:?}", self.0).is_empty());
        *self.1.lock() += 1;
    }
}

/// No waker is called under the lock of what it belongs to.
#[test]
fn u16_debug_from_wakers_and_drops() {
    let mutex = Arc::new(Mutex::new(1));
    let formats = Arc::new(Formats(mutex.clone(), PlainMutex::new(0)));
    let waker = Waker::from(formats.clone());
    let guard = mutex.try_lock().unwrap();
    let mut waiting = pin!(mutex.lock());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(guard);
    assert_eq!(*formats.1.lock(), 1);

    let queue = Queue::<u8>::unbounded();
    let formats = Arc::new(Formats(queue.clone(), PlainMutex::new(0)));
    let waker = Waker::from(formats.clone());
    let mut waiting = pin!(queue.get());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    queue.try_put(1).unwrap();
    assert_eq!(*formats.1.lock(), 1);

    let event = Arc::new(Event::new());
    let formats = Arc::new(Formats(event.clone(), PlainMutex::new(0)));
    let waker = Waker::from(formats.clone());
    let mut waiting = pin!(event.wait());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    event.set();
    assert_eq!(*formats.1.lock(), 1);

    let notify = Arc::new(Notify::new());
    let formats = Arc::new(Formats(notify.clone(), PlainMutex::new(0)));
    let waker = Waker::from(formats.clone());
    let mut waiting = pin!(notify.notified());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    notify.notify_waiters();
    assert_eq!(*formats.1.lock(), 1);

    let promise = Promise::<u8>::new();
    let formats = Arc::new(Formats(promise.clone(), PlainMutex::new(0)));
    let waker = Waker::from(formats.clone());
    let mut waiting = pin!(promise.clone().into_future());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    promise.set(1).unwrap();
    assert_eq!(*formats.1.lock(), 1);
}
