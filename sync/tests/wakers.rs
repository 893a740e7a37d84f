//! Wakers that panic, and what primitives tell the runtime: budget and wait sites.

mod kit;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

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
    set_once: SetOnce<u32>,
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
            set_once: SetOnce::new(),
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
            (WaitKind::OnceCell, any(self.set_once.wait())),
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

/// The `block_on` of another executor within a task asks again and again, and the task cannot give way: it
/// gets another budget then. A future with a waker of its own that does give way gets none, and the task's own
/// waker never does.
#[test]
fn another_executor_within_a_task_is_not_refused_for_ever() {
    let (tx, mut rx) = mpsc::unbounded();
    (0..1000).for_each(|i| tx.send(i).unwrap());
    drop(tx);
    let head = TaskHead::new(1, Site::caller(), 0);
    let received = Cell::new(0);
    let mut drain = async || {
        while rx.recv().await.is_some() {
            received.set(received.get() + 1);
        }
    };
    let mut task = spawn(drain());
    for round in 1..10 {
        assert!(as_task(&head, 5, || task.poll()).is_pending());
        assert_eq!(received.get(), 4 * round, "one refusal for each poll of the task");
    }
    as_task(&head, 5, || while task.poll().is_pending() {});
    assert_eq!(received.get(), 1000);

    // SAFETY: the waker does nothing, whatever its pointer is.
    let own = unsafe { Waker::new((&raw const head).cast(), Waker::noop().vtable()) };
    let (tx, mut rx) = mpsc::unbounded();
    (0..10).for_each(|i| tx.send(i).unwrap());
    as_task(&head, 2, || {
        let mut cx = Context::from_waker(&own);
        assert!(rx.poll_recv(&mut cx).is_ready());
        assert!((0..100_000).all(|_| rx.poll_recv(&mut cx).is_pending()));
    });
}

/// A task that stands in the line with a wait that it does not poll, and waits in the line once more: the lock
/// is handed to the first wait, where nobody takes it. That shows as a task that waits for itself, and dropping
/// the first wait ends it.
#[test]
fn s14_a_place_in_the_line_that_is_not_polled_is_seen_and_gives_way() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let head = TaskHead::new(14, Site::caller(), 0);
    let mut forgotten = as_task(&head, 0, || waiting(mutex.lock()));
    drop(held);
    let mut again = as_task(&head, 0, || waiting(mutex.lock()));
    let (kind, _, who) = head.wait().unwrap();
    assert_eq!((kind, who), (WaitKind::Mutex, 14), "it waits for itself");
    assert!(!again.is_woken());
    forgotten.cancel();
    drop(again.output());
}

/// Every form that blocks a thread refuses to block one that runs tasks, and says what to do.
#[test]
fn s17_blocking_in_a_task_is_a_panic_with_advice() {
    let head = TaskHead::new(1, Site::caller(), 0);
    let soon = Duration::from_millis(1);
    let (mutex, lock, condvar) =
        (Arc::new(Mutex::new(())), Arc::new(RwLock::new(())), Condvar::new());
    let (semaphore, bounded) = (Semaphore::new(1), BoundedSemaphore::new(1));
    let (event, notify, barrier) = (Event::new(), Notify::new(), Barrier::new(1));
    let (cell, lazy, promise) = (OnceCell::new(), Lazy::new(|| async {}), Promise::<u8>::new());
    let ((tx, mut rx), (tx2, rx2)) = (mpsc::channel::<u8>(1), channel::bounded::<u8>(1));
    let (_tx3, mut rx3) = broadcast::channel::<u8>(1);
    let (_tx4, mut rx4) = watch::channel(1);
    let (_tx5, rx5) = oneshot::channel::<u8>();
    let queue = Queue::<u8>::unbounded();
    macro_rules! each_panics {
        ($($call:expr),* $(,)?) => {
            $(
                let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    as_task(&head, 0, || { let _ = $call; });
                }));
                // The panic has left the task's marks on the thread.
                as_task(&head, 0, || ());
                let payload = payload.expect_err(stringify!($call));
                let message = payload.downcast_ref::<String>().unwrap();
                assert!(message.contains("`.await`") && message.contains("spawn_blocking"));
            )*
        };
    }
    each_panics!(
        mutex.blocking_lock(),
        mutex.clone().blocking_lock_owned(),
        mutex.blocking_lock_timeout(soon),
        lock.blocking_read(),
        lock.blocking_write(),
        lock.blocking_upgradable_read(),
        lock.clone().blocking_read_owned(),
        lock.clone().blocking_write_owned(),
        lock.blocking_read_timeout(soon),
        lock.blocking_write_timeout(soon),
        RwLockUpgradableReadGuard::blocking_upgrade(lock.try_upgradable_read().unwrap()),
        condvar.blocking_wait(mutex.try_lock().unwrap()),
        condvar.blocking_wait_for(mutex.try_lock().unwrap(), |()| true),
        condvar.blocking_wait_timeout(mutex.try_lock().unwrap(), soon),
        condvar.blocking_wait_for_timeout(mutex.try_lock().unwrap(), |()| true, soon),
        semaphore.blocking_acquire(),
        semaphore.blocking_acquire_timeout(soon),
        bounded.blocking_acquire(),
        bounded.blocking_acquire_timeout(soon),
        event.blocking_wait(),
        event.blocking_wait_timeout(soon),
        notify.blocking_wait(),
        notify.blocking_wait_timeout(soon),
        barrier.blocking_wait(),
        barrier.blocking_wait_timeout(soon),
        cell.blocking_get_or_init(|| 1),
        lazy.blocking_get(),
        promise.blocking_wait(),
        promise.blocking_wait_timeout(soon),
        tx.blocking_send(1),
        tx.blocking_send_timeout(1, soon),
        rx.blocking_recv(),
        rx.blocking_recv_timeout(soon),
        rx.blocking_recv_many(&mut Vec::new(), 1),
        tx2.blocking_send(1),
        tx2.blocking_send_timeout(1, soon),
        rx2.blocking_recv(),
        rx2.blocking_recv_timeout(soon),
        rx3.blocking_recv(),
        rx4.blocking_changed(),
        rx4.blocking_wait_for(|_| true),
        rx5.blocking_recv(),
        queue.put_blocking(1),
        queue.put_timeout(1, soon),
        queue.get_blocking(),
        queue.get_timeout(soon),
    );
    assert!(mutex.try_lock().is_ok() && lock.try_write().is_ok());
}

/// The text form of a primitive that is locked or full, with somebody in every line, waits for nothing.
#[test]
fn u16_the_text_form_waits_for_nothing() {
    let all = All::new();
    let mut waits = all.waits();
    for (_, wait) in &mut waits {
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let text = format!("{:?} {:?} {:?}", all.mutex, all.rwlock, all.full);
    assert!(text.contains("<locked>") && text.contains("waiting_senders"), "{text}");
}
