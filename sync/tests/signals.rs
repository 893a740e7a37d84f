//! Event, Notify, semaphores, barrier, once cell, promise.

mod kit;

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use corio_sync::prim::{AtomicUsize, Mutex as StdMutex, Ordering, thread};
use corio_sync::*;
use kit::*;

#[test]
fn ev_01_a_set_event_does_not_wait() {
    let event = Event::new();
    event.set();
    event.set();
    now(event.wait());
    event.clear();
    event.clear();
    assert!(!event.is_set());
}

#[test]
fn ev_02_set_wakes_all_in_order() {
    let event = Event::new();
    let order = Arc::new(StdMutex::new(Vec::new()));
    let mut tasks: Vec<_> = (0..40).map(|_| spawn(event.wait())).collect();
    for (i, task) in tasks.iter_mut().enumerate() {
        let order = order.clone();
        assert!(task.poll_with(&waker_that(move || order.lock().push(i))).is_pending());
    }
    event.set();
    assert_eq!(*order.lock(), (0..40).collect::<Vec<_>>());
}

#[test]
fn ev_04_set_and_clear_release_those_who_waited() {
    let event = Event::new();
    let mut early = waiting(event.wait());
    event.set();
    event.clear();
    let late = waiting(event.wait());
    early.output();
    assert!(!late.is_woken());
}

#[test]
fn ev_06_ev_07_clear_and_cancel_leave_the_others() {
    let event = Event::new();
    let (mut a, mut b) = (waiting(event.wait()), waiting(event.wait()));
    event.clear();
    a.cancel();
    assert_eq!(event.waiters(), 1);
    event.set();
    b.output();
}

#[test]
fn thr_04_a_timeout_is_told_from_a_set() {
    let event = Arc::new(Event::new());
    assert!(!event.blocking_wait_timeout(Duration::ZERO));
    assert!(!event.blocking_wait_timeout(Duration::from_millis(2)));
    let other = event.clone();
    let thread = thread::spawn(move || other.blocking_wait_timeout(Duration::MAX));
    event.set();
    assert!(thread.join().unwrap());
    assert!(event.blocking_wait_timeout(Duration::ZERO));
}

#[test]
fn s06_a_panicking_waker_strands_no_other_waiter() {
    let event = Event::new();
    let mut tasks: Vec<_> = (0..30).map(|_| spawn(event.wait())).collect();
    for (i, task) in tasks.iter_mut().enumerate() {
        let polled = if i == 3 { task.poll_with(&panicking()) } else { task.poll() };
        assert!(polled.is_pending());
    }
    assert!(panics(|| event.set()));
    for (i, task) in tasks.iter_mut().enumerate() {
        assert!(i == 3 || task.is_woken(), "task {i} sleeps on");
        assert!(task.poll().is_ready());
    }
}

#[test]
fn one_notification_is_stored() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    now(notify.notified());
    drop(waiting(notify.notified()));
    notify.notify_waiters();
    drop(waiting(notify.notified()));
}

#[test]
fn s07_notify_one_wakes_in_order_and_notify_waiters_all() {
    let notify = Notify::new();
    let mut tasks = [(); 4].map(|()| waiting(notify.notified()));
    notify.notify_one();
    assert!(!tasks[1].is_woken());
    tasks[0].output();
    notify.notify_waiters();
    tasks[1..].iter_mut().for_each(Spawned::output);
}

#[test]
fn s07_a_notification_of_a_dropped_waiter_goes_on() {
    let notify = Notify::new();
    let (mut a, mut b) = (waiting(notify.notified()), waiting(notify.notified()));
    notify.notify_one();
    a.cancel();
    assert!(b.is_woken());
    b.cancel();
    now(notify.notified());
    // One that was for everybody is for nobody else.
    let mut c = waiting(notify.notified());
    notify.notify_waiters();
    c.cancel();
    drop(waiting(notify.notified()));
}

#[test]
fn notify_last_wakes_who_came_last_and_is_stored_like_any_other() {
    let notify = Notify::new();
    let mut tasks = [(); 3].map(|()| waiting(notify.notified()));
    notify.notify_last();
    assert_eq!([false, false, true], tasks.each_ref().map(|task| task.is_woken()));
    // S01: whoever does not take it gives it to the one before.
    tasks[2].cancel();
    tasks[1].output();
    notify.notify_one();
    tasks[0].output();
    notify.notify_last();
    notify.notify_last();
    now(notify.notified());
    drop(waiting(notify.notified()));
}

#[test]
fn notify_waiters_reaches_futures_that_were_not_polled() {
    let notify = Arc::new(Notify::new());
    let (early, owned) = (notify.notified(), notify.clone().notified_owned());
    notify.notify_waiters();
    now(early);
    now(owned);
    let mut enabled = pin!(notify.notified());
    assert!(!enabled.as_mut().enable());
    notify.notify_one();
    assert!(enabled.as_mut().enable());
    now(enabled);
}

#[test]
fn sem_01_zero_permits_are_allowed() {
    let semaphore = Semaphore::new(0);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    semaphore.add_permits(2);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn sem_04_sem_06_a_released_permit_belongs_to_the_first_in_line() {
    let semaphore = Semaphore::new(0);
    let mut first = waiting(semaphore.acquire());
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 0);
    let mut newcomer = waiting(semaphore.acquire());
    let permit = first.output().unwrap();
    assert!(!newcomer.is_woken());
    drop(permit);
    newcomer.output().unwrap().forget();
}

#[test]
fn sem_09_cancelled_waiters_are_skipped() {
    let semaphore = Semaphore::new(0);
    let mut tasks = [(); 4].map(|()| waiting(semaphore.acquire()));
    tasks[0].cancel();
    tasks[1].cancel();
    semaphore.add_permits(1);
    assert!(tasks[2].is_woken() && !tasks[3].is_woken());
}

#[test]
fn sem_10_a_permit_given_to_a_cancelled_waiter_goes_on() {
    let semaphore = Semaphore::new(0);
    let (mut a, mut b) = (waiting(semaphore.acquire()), waiting(semaphore.acquire()));
    semaphore.add_permits(1);
    a.cancel();
    drop(b.output().unwrap());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn sem_16_thr_17_a_bounded_semaphore_refuses_a_release_too_many() {
    let semaphore = BoundedSemaphore::new(2);
    now(semaphore.acquire_many(2)).unwrap().forget();
    semaphore.release(1).unwrap();
    semaphore.release(1).unwrap();
    assert!(semaphore.release(1).unwrap_err().to_string().contains('2'));
    assert_eq!(semaphore.available_permits(), 2);
    // Not even by permits that are dropped after a release of somebody else.
    let permit = semaphore.try_acquire().unwrap();
    semaphore.release(1).unwrap();
    drop(permit);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn thr_14_later_small_requests_do_not_overtake_a_large_one() {
    let semaphore = Semaphore::new(2);
    let mut large = waiting(semaphore.acquire_many(3));
    assert!(semaphore.try_acquire().is_err());
    let mut small = waiting(semaphore.acquire());
    semaphore.add_permits(1);
    let permit = large.output().unwrap();
    assert_eq!(permit.num_permits(), 3);
    assert!(!small.is_woken());
    drop(permit);
    drop(small.output().unwrap());
}

#[test]
fn s02_a_large_request_that_leaves_lets_the_small_ones_in() {
    let semaphore = Semaphore::new(2);
    let mut large = waiting(semaphore.acquire_many(3));
    let (mut a, mut b) = (waiting(semaphore.acquire()), waiting(semaphore.acquire()));
    large.cancel();
    let _both = (a.output().unwrap(), b.output().unwrap());
}

#[test]
fn s04_the_count_neither_overflows_nor_reopens() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    assert!(panics(|| semaphore.add_permits(1)));
    assert!(panics(|| semaphore.add_permits(usize::MAX)));
    let many = semaphore.try_acquire_many(u32::MAX).unwrap();
    semaphore.add_permits(u32::MAX as usize);
    drop(many);
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    assert_eq!(semaphore.forget_permits(usize::MAX), Semaphore::MAX_PERMITS);
    semaphore.close();
    semaphore.add_permits(5);
    assert!(semaphore.is_closed());
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert!(now(semaphore.acquire()).is_err());
}

#[test]
fn closing_a_semaphore_refuses_those_who_wait() {
    let semaphore = Arc::new(Semaphore::new(0));
    let mut a = waiting(semaphore.acquire());
    let mut b = waiting(semaphore.clone().acquire_owned());
    semaphore.close();
    assert!(a.output().is_err());
    assert!(b.output().is_err());
}

#[test]
fn permits_merge_and_split() {
    let semaphore = Arc::new(Semaphore::new(5));
    let mut permit = semaphore.clone().try_acquire_many_owned(2).unwrap();
    permit.merge(semaphore.clone().try_acquire_owned().unwrap());
    let one = permit.split(1).unwrap();
    assert!(permit.split(3).is_none());
    drop(permit);
    assert_eq!(semaphore.available_permits(), 4);
    one.forget();
    assert_eq!(semaphore.available_permits(), 4);
    let other = Semaphore::new(1);
    let (mut a, b) = (semaphore.try_acquire().unwrap(), other.try_acquire().unwrap());
    assert!(panics(|| a.merge(b)));
}

#[test]
fn thr_03_never_more_than_three_inside() {
    let semaphore = Arc::new(Semaphore::new(3));
    let inside = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..5)
        .map(|i| {
            let (semaphore, inside) = (semaphore.clone(), inside.clone());
            thread::spawn(move || {
                for _ in 0..200 {
                    let permit = if i % 2 == 0 {
                        semaphore.blocking_acquire().unwrap()
                    } else {
                        block_on(semaphore.acquire()).unwrap()
                    };
                    assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn bar_01_bar_02_no_parties_are_refused_and_one_never_waits() {
    assert!(panics(|| assert!(Barrier::new(0).is_broken())));
    let barrier = Barrier::new(1);
    assert_eq!(now(barrier.wait()), Ok(0));
    assert_eq!((now(barrier.wait()), barrier.waiting()), (Ok(0), 0));
}

#[test]
fn bar_03_bar_06_each_round_gives_each_place_once() {
    let barrier = Barrier::new(3);
    for _ in 0..3 {
        let (mut a, mut b) = (waiting(barrier.wait()), waiting(barrier.wait()));
        assert_eq!(barrier.waiting(), 2);
        assert_eq!(now(barrier.wait()), Ok(2));
        assert_eq!(barrier.waiting(), 0);
        assert_eq!((a.output(), b.output()), (Ok(0), Ok(1)));
    }
}

#[test]
fn bar_09_thr_08_a_cancelled_party_can_be_replaced() {
    let barrier = Barrier::new(2);
    let mut a = waiting(barrier.wait());
    a.cancel();
    assert_eq!((barrier.waiting(), barrier.is_broken()), (0, false));
    let mut b = waiting(barrier.wait());
    assert_eq!(now(barrier.wait()), Ok(1));
    assert_eq!(b.output(), Ok(0));
}

#[test]
fn bar_11_reset_fails_those_who_wait_and_begins_anew() {
    let barrier = Barrier::new(2);
    barrier.reset();
    let mut a = waiting(barrier.wait());
    barrier.reset();
    assert!(a.output().is_err());
    assert!(!barrier.is_broken());
    let mut b = waiting(barrier.wait());
    assert_eq!((now(barrier.wait()), b.output()), (Ok(1), Ok(0)));
}

#[test]
fn bar_16_bar_18_thr_06_an_aborted_barrier_is_broken_until_reset() {
    let barrier = Barrier::new(3);
    let (mut a, mut b) = (waiting(barrier.wait()), waiting(barrier.wait()));
    barrier.abort();
    assert!(a.output().is_err() && b.output().is_err());
    assert!(now(barrier.wait()).is_err());
    assert!(barrier.is_broken());
    barrier.reset();
    drop(waiting(barrier.wait()));
}

#[test]
fn thr_07_a_timeout_breaks_the_barrier() {
    let barrier = Barrier::new(2);
    let mut a = waiting(barrier.wait());
    a.cancel();
    assert!(barrier.blocking_wait_timeout(Duration::from_millis(1)).is_err());
    assert!(barrier.is_broken());
    assert!(barrier.blocking_wait().is_err());
    assert_eq!(barrier.waiting(), 0);
}

#[test]
fn thr_05_ten_threads_pass_in_two_rounds() {
    let barrier = Arc::new(Barrier::new(5));
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let barrier = barrier.clone();
            thread::spawn(move || barrier.blocking_wait().unwrap())
        })
        .collect();
    let mut places: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
}

#[test]
fn s19_an_initialiser_that_fails_leaves_its_place() {
    let cell = OnceCell::new();
    let mut gone = waiting(cell.get_or_init(pending));
    let mut next = waiting(cell.get_or_try_init(|| async { Err::<u32, _>("no") }));
    let mut last = waiting(cell.get_or_init(|| async { 3 }));
    assert!(matches!(cell.set(9), Err(SetError::Initializing(9))));
    gone.cancel();
    assert_eq!(next.output(), Err("no"));
    assert_eq!(*last.output(), 3);
    let panicked = OnceCell::new();
    assert!(panics(|| assert_eq!(*now(panicked.get_or_init(|| async { panic!("in init") })), 1)));
    assert_eq!(*now(panicked.get_or_init(|| async { 1 })), 1);
}

#[test]
fn once_cell_gives_its_value_back() {
    let mut cell = OnceCell::from(String::from("a"));
    cell.get_mut().unwrap().push('b');
    assert_eq!(cell.clone().into_inner().as_deref(), Some("ab"));
    assert!(matches!(cell.set(String::new()), Err(SetError::AlreadyInitialized(_))));
    assert_eq!(cell.take().as_deref(), Some("ab"));
    assert_eq!(cell.get(), None);
    cell.set(String::from("c")).unwrap();
}

#[test]
fn cells_are_equal_when_their_values_are() {
    assert_eq!(OnceCell::<u8>::new(), OnceCell::new());
    assert_eq!(OnceCell::from(1), OnceCell::from(1));
    assert_ne!(OnceCell::from(1), OnceCell::new());
}

#[test]
fn a_value_that_is_set_once_reaches_all_who_wait() {
    let once = SetOnce::new();
    let mut tasks = [(); 3].map(|()| waiting(once.wait()));
    tasks[1].cancel();
    assert!(!once.initialized() && once.get().is_none());
    once.set("value").unwrap();
    assert_eq!(once.set("another").unwrap_err().into_inner(), "another");
    assert_eq!((*tasks[0].output(), *tasks[2].output()), ("value", "value"));
    assert_eq!((*now(once.wait()), *once.blocking_wait()), ("value", "value"));
    drop(tasks);
    assert_eq!(once.into_inner(), Some("value"));
    assert_eq!(*now(SetOnce::from(7).wait()), 7);
    assert_eq!(format!("{:?}", SetOnce::<u8>::default()), "SetOnce { value: None }");
}

#[test]
fn a_lazy_value_is_made_once() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let lazy = Lazy::new(|| async { MADE.fetch_add(1, Ordering::Relaxed) });
    assert_eq!(lazy.try_get(), None);
    assert_eq!((*now(lazy.get()), *now(lazy.get())), (0, 0));
}

#[test]
fn fut_02_fut_04_a_promise_is_set_once() {
    let promise = Promise::new();
    assert!(promise.try_get().is_none() && !promise.is_done());
    promise.set(42).unwrap();
    assert_eq!(promise.set(43).unwrap_err().into_inner(), 43);
    assert!(promise.set_error("late").is_err());
    assert!(!promise.cancel() && !promise.is_cancelled());
    assert_eq!(promise.try_get().unwrap().unwrap(), 42);
    assert_eq!(now(promise.wait()).unwrap(), 42);
}

#[test]
fn fut_03_fut_05_errors_and_cancellation_reach_the_waiters() {
    let promise = Promise::<u8>::new();
    let mut task = waiting(promise.wait());
    promise.set_error("it broke").unwrap();
    assert_eq!(task.output().unwrap_err().to_string(), "the promise failed: it broke");
    let promise = Promise::<u8>::new();
    let mut task = waiting(promise.wait());
    assert!(promise.cancel() && !promise.cancel());
    assert!(task.output().unwrap_err().is_cancelled());
}

#[test]
fn fut_09_fut_13_callbacks_run_in_order_also_past_a_panic() {
    let promise = Promise::new();
    let calls = Arc::new(StdMutex::new(Vec::new()));
    for i in 0..4 {
        let calls = calls.clone();
        promise.on_done(move |p| {
            calls.lock().push((i, p.try_get().unwrap().unwrap()));
            assert!(i != 1, "a callback panics");
        });
    }
    assert!(panics(|| promise.set(7).unwrap()));
    assert_eq!(*calls.lock(), [(0, 7), (1, 7), (2, 7), (3, 7)]);
    let late = calls.clone();
    promise.on_done(move |_| late.lock().clear());
    assert!(calls.lock().is_empty());
}

#[test]
fn fut_19_thr_19_many_wait_for_one_promise() {
    let promise = Promise::new();
    let mut tasks: Vec<_> = (0..10).map(|_| waiting(promise.wait())).collect();
    tasks[4].cancel();
    promise.set("all").unwrap();
    for (i, task) in tasks.iter_mut().enumerate().filter(|(i, _)| *i != 4) {
        assert_eq!(task.output().unwrap(), "all", "task {i}");
    }
}

#[test]
fn s15_a_leaked_wait_does_not_outlive_its_list_in_harm() {
    // Kept in sight of leak checkers: it is leaked on purpose.
    static LEAKED: StdMutex<Vec<usize>> = StdMutex::new(Vec::new());
    let semaphore = Semaphore::new(0);
    let wait = Box::new(waiting(semaphore.acquire()));
    LEAKED.lock().push(Box::into_raw(wait).expose_provenance());
    let moved = Box::new(semaphore);
    let mut next = waiting(moved.acquire());
    moved.add_permits(2);
    drop(next.output().unwrap());
    assert_eq!(moved.available_permits(), 1, "the leaked one keeps its permit");
}
