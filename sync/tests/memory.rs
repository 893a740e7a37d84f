//! What the primitives allocate: nothing to wait, little when empty, and back after a burst.

mod kit;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use corio_sync::queue::Queue;
use corio_sync::*;

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends may free after its thread-locals are gone.
    let _ = BYTES.try_with(|sum| sum.set(sum.get() + bytes));
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + usize::from(bytes > 0)));
}

// SAFETY: every call goes to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that `make` leaves allocated, and how often it allocated; what it made is dropped.
fn cost<T>(make: impl FnOnce() -> T) -> (isize, usize) {
    let (bytes, calls) = (BYTES.get(), CALLS.get());
    let made = make();
    let cost = (BYTES.get() - bytes, CALLS.get() - calls);
    drop(made);
    assert_eq!(BYTES.get(), bytes, "something is left when all is dropped");
    cost
}

#[test]
fn an_empty_channel_is_one_small_allocation_whatever_it_may_hold() {
    let large = 1_000_000;
    for (name, (bytes, calls), most) in [
        ("oneshot", cost(oneshot::channel::<u64>), 40),
        ("mpsc", cost(|| mpsc::channel::<[u8; 1024]>(large)), 350),
        ("unbounded", cost(mpsc::unbounded::<[u8; 1024]>), 350),
        ("channel", cost(|| channel::bounded::<[u8; 1024]>(large)), 350),
        ("broadcast", cost(|| broadcast::channel::<[u8; 1024]>(large)), 250),
        ("watch", cost(|| watch::channel(0u64)), 150),
        ("queue", cost(|| Queue::<[u8; 1024]>::bounded(large)), 350),
        ("promise", cost(Promise::<u64>::new), 200),
    ] {
        assert_eq!(calls, 1, "{name} allocates {calls} times");
        assert!(bytes <= most, "{name} takes {bytes} bytes");
    }
}

#[test]
fn locks_allocate_nothing_and_waiting_neither() {
    fn wait(future: impl Future) {
        let mut future = pin!(future);
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let rwlock = RwLock::new(());
    let writer = rwlock.try_write().unwrap();
    let (tx, rx) = channel::bounded(1);
    tx.try_send(1).unwrap();
    let empty = Queue::<u8>::unbounded();
    let (_oneshot, answer) = oneshot::channel::<u8>();
    let mut answer = Some(answer);
    let (bytes, calls) = cost(|| {
        let (semaphore, event, notify) = (Semaphore::new(0), Event::new(), Notify::new());
        let (barrier, condvar, lock) = (Barrier::new(2), Condvar::new(), Mutex::new(()));
        // a wait that is given up, again and again, leaves nothing.
        for _ in 0..100 {
            wait(mutex.lock());
            wait(rwlock.read());
            wait(semaphore.acquire());
            wait(event.wait());
            wait(notify.notified());
            wait(barrier.wait());
            wait(condvar.wait(lock.try_lock().unwrap()));
            wait(tx.send(2));
            wait(empty.get());
        }
        wait(answer.take().unwrap());
    });
    // Only the oneshot was freed in there.
    assert!(bytes <= 0 && calls == 0, "{bytes} bytes in {calls} calls");
    drop((guard, writer, rx));
}

#[test]
fn s12_memory_goes_back_after_a_burst() {
    let (tx, mut rx) = mpsc::unbounded();
    let before = BYTES.get();
    (0..100_000u64).for_each(|i| tx.send(i).unwrap());
    assert!(BYTES.get() - before >= 800_000);
    while rx.try_recv().is_ok() {}
    let kept = BYTES.get() - before;
    assert!(kept <= 16 * 1024, "{kept} bytes are kept");
}
