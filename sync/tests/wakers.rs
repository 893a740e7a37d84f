//! Wakers that panic, and what primitives tell the runtime: budget and wait sites.

mod kit;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use corio_sync::hooks::{Site, TaskHead, WaitKind, with_tls};
use corio_sync::queue::Queue;
use corio_sync::*;
use kit::*;

/// What a future of any kind is to these tests.
type Any<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn any<'a>(future: impl Future + 'a) -> Any<'a> {
    /// Forgets the output. Not an `async` block: that one cannot be polled again after a panic.
    struct Forget<F>(Pin<Box<F>>);
    impl<F: Future> Future for Forget<F> {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            self.0.as_mut().poll(cx).map(drop)
        }
    }
    Box::pin(Forget(Box::pin(future)))
}

/// One of each primitive, in a state in which its wait must wait.
struct All {
    mutex: Mutex<u32>,
    rwlock: RwLock<u32>,
    semaphore: Semaphore,
    event: Event,
    notify: Notify,
    barrier: Barrier,
    full: (mpsc::Sender<u32>, mpsc::Receiver<u32>),
    channel: (channel::Sender<u32>, channel::Receiver<u32>),
    queue: Queue<u32>,
    promise: Promise<u32>,
}

impl All {
    fn new() -> Self {
        let all = Self {
            mutex: Mutex::new(0),
            rwlock: RwLock::new(0),
            semaphore: Semaphore::new(0),
            event: Event::new(),
            notify: Notify::new(),
            barrier: Barrier::new(2),
            full: mpsc::channel(1),
            channel: channel::bounded(1),
            queue: Queue::unbounded(),
            promise: Promise::new(),
        };
        all.full.0.try_send(1).unwrap();
        std::mem::forget((all.mutex.try_lock().unwrap(), all.rwlock.try_write().unwrap()));
        all
    }

    fn waits(&self) -> Vec<(WaitKind, Any<'_>)> {
        vec![
            (WaitKind::Mutex, any(self.mutex.lock())),
            (WaitKind::RwLock, any(self.rwlock.read())),
            (WaitKind::RwLock, any(self.rwlock.write())),
            (WaitKind::Semaphore, any(self.semaphore.acquire())),
            (WaitKind::Event, any(self.event.wait())),
            (WaitKind::Notify, any(self.notify.notified())),
            (WaitKind::Barrier, any(self.barrier.wait())),
            (WaitKind::Channel, any(self.full.0.send(2))),
            (WaitKind::Channel, any(self.full.0.reserve())),
            (WaitKind::Channel, any(self.full.0.closed())),
            (WaitKind::Channel, any(self.channel.1.recv())),
            (WaitKind::Queue, any(self.queue.get())),
            (WaitKind::Promise, any(self.promise.wait())),
        ]
    }
}

/// A waker whose clone, and so the registration, panics.
fn clone_panics() -> Waker {
    use std::task::{RawWaker, RawWakerVTable};
    const TABLE: RawWakerVTable =
        RawWakerVTable::new(|_| panic!("a waker's clone panics"), |_| (), |_| (), |_| ());
    // SAFETY: the data is never used; every function of the table may be called from any thread.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

#[test]
fn t04_a_waker_whose_clone_panics_leaves_no_trace() {
    let all = All::new();
    for (_, mut future) in all.waits() {
        let waker = clone_panics();
        let poll = || assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        assert!(panics(poll));
        // It can be polled again, and dropped.
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!((all.event.waiters(), all.barrier.waiting()), (0, 0));
}

#[test]
fn t04_a_waker_whose_drop_panics_leaves_the_line_whole() {
    struct DropPanics;
    impl Wake for DropPanics {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for DropPanics {
        fn drop(&mut self) {
            panic!("a waker's drop panics");
        }
    }
    let event = Event::new();
    let mut a = spawn(event.wait());
    // The only reference that is left is the one in the line.
    assert!(a.poll_with(&Waker::from(Arc::new(DropPanics))).is_pending());
    let mut b = waiting(event.wait());
    assert!(panics(|| a.cancel()));
    assert_eq!(event.waiters(), 1);
    event.set();
    b.output();
}

#[test]
fn s05_a_waker_may_look_at_every_primitive() {
    let all = Arc::new(All::new());
    let seen = all.clone();
    let look = move || {
        let all = &seen;
        let _ = (all.mutex.is_locked(), all.rwlock.try_read().is_ok());
        let _ = (all.semaphore.try_acquire().is_ok(), all.event.waiters());
        let _ = (all.barrier.waiting(), all.full.0.len(), all.channel.0.len());
        let _ = (all.queue.len(), all.promise.is_done());
        drop(waiting(all.notify.notified()));
    };
    for (_, mut future) in all.waits() {
        assert!(
            future.as_mut().poll(&mut Context::from_waker(&waker_that(look.clone()))).is_pending()
        );
        // Another waker: the first is dropped, perhaps the last reference to a task.
        assert!(
            future.as_mut().poll(&mut Context::from_waker(&waker_that(look.clone()))).is_pending()
        );
    }
    let mut waits = all.waits();
    for (_, future) in &mut waits {
        assert!(
            future.as_mut().poll(&mut Context::from_waker(&waker_that(look.clone()))).is_pending()
        );
    }
    all.semaphore.close();
    all.event.set();
    all.notify.notify_waiters();
    all.barrier.abort();
    all.channel.0.close();
    all.queue.shutdown(queue::Shutdown::Immediate);
    all.promise.cancel();
    drop(waits);
}

/// Polls as a runtime does: with a task, and with a budget.
fn as_task<R>(head: &TaskHead, budget: u32, f: impl FnOnce() -> R) -> R {
    with_tls(|tls| {
        // SAFETY: the head outlives the call of `f`, and there is no runtime.
        unsafe { tls.set_task(head) };
        tls.budget.set(budget);
    });
    let result = f();
    with_tls(|tls| {
        // SAFETY: null.
        unsafe { tls.set_task(std::ptr::null()) };
        tls.budget.set(0);
    });
    result
}

#[test]
fn each_wait_says_what_it_waits_for() {
    let all = All::new();
    for (kind, mut future) in all.waits() {
        let head = TaskHead::new(1, Site::caller(), 0);
        let mut poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(as_task(&head, 0, &mut poll).is_pending());
        let (waits_for, at, _) = head.wait().expect("nothing was said");
        assert_eq!((waits_for, at.file()), (kind, file!()));
        head.clear_wait();
        assert!(as_task(&head, 0, &mut poll).is_pending());
        assert_eq!(head.wait().expect("nothing was said again").0, kind);
    }
}

#[test]
fn thr_10_a_wait_for_a_lock_names_the_holder() {
    let mutex = Mutex::new(());
    let head = TaskHead::new(77, Site::caller(), 0);
    let guard = as_task(&head, 0, || now(mutex.lock()));
    let mut own = as_task(&head, 0, || waiting(mutex.lock()));
    let (kind, _, who) = head.wait().unwrap();
    assert_eq!((kind, who), (WaitKind::Mutex, 77), "it waits for itself");
    drop(guard);
    drop(own.output());
    let lock = RwLock::new(());
    let writer = as_task(&head, 0, || now(lock.write()));
    let reader = as_task(&head, 0, || waiting(lock.read()));
    let (kind, _, who) = head.wait().unwrap();
    assert_eq!((kind, who), (WaitKind::RwLock, 77));
    drop((reader, writer));
}

#[test]
fn a_task_that_has_spent_its_budget_lets_others_run() {
    let (tx, mut rx) = mpsc::unbounded();
    (0..10).for_each(|i| tx.send(i).unwrap());
    let head = TaskHead::new(1, Site::caller(), 0);
    let received = Cell::new(0);
    let mut task = spawn(async {
        while rx.recv().await.is_some() {
            received.set(received.get() + 1);
        }
    });
    // A budget of 5 is four operations: 1 says that none is left.
    assert!(as_task(&head, 5, || task.poll()).is_pending());
    assert_eq!(received.get(), 4);
    assert!(task.is_woken(), "it must come again");
    assert!(matches!(as_task(&head, 0, || task.poll()), Poll::Pending));
    assert_eq!(received.get(), 10);
}

#[test]
fn s17_blocking_in_a_task_is_a_panic_with_advice() {
    let head = TaskHead::new(1, Site::caller(), 0);
    let (mutex, semaphore, event) = (Mutex::new(()), Semaphore::new(1), Event::new());
    let (tx, mut rx) = mpsc::channel::<u32>(1);
    let queue = Queue::<u32>::unbounded();
    as_task(&head, 0, || {
        assert!(panics(|| drop(mutex.blocking_lock())));
        assert!(panics(|| drop(semaphore.blocking_acquire())));
        assert!(panics(|| event.blocking_wait()));
        assert!(panics(|| tx.blocking_send(1).unwrap()));
        assert!(panics(|| assert!(rx.blocking_recv().is_some())));
        assert!(panics(|| assert!(queue.get_blocking().is_ok())));
        assert!(panics(|| queue.put_blocking(1).unwrap()));
    });
}
