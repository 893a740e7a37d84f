//! Guards of a part, guards that own their lock, and the forms of every wait for plain threads.

mod kit;

use std::sync::Arc;
use std::time::Duration;

use corio_sync::prim::thread;
use corio_sync::*;
use kit::*;

const SHORT: Duration = Duration::from_millis(2);

type Pair = (u32, String);

fn pair() -> Pair {
    (1, String::from("one"))
}

#[test]
fn a_mutex_guard_is_narrowed_again_and_again() {
    let mutex = Mutex::new(pair());
    let name = MutexGuard::map(mutex.try_lock().unwrap(), |pair| &mut pair.1);
    let mut bytes = MappedMutexGuard::map(name, |name| name.as_mut_str());
    bytes.make_ascii_uppercase();
    assert_eq!((&*bytes, mutex.is_locked()), ("ONE", true));
    let bytes = MappedMutexGuard::try_map(bytes, |_| None::<&mut u8>).unwrap_err();
    drop(bytes);
    assert_eq!(mutex.into_inner().1, "ONE");
}

#[test]
fn an_owned_guard_is_narrowed_and_goes_where_it_likes() {
    let mutex = Arc::new(Mutex::new(pair()));
    let guard = mutex.clone().try_lock_owned().unwrap();
    let mut name = OwnedMutexGuard::map(guard, |pair| &mut pair.1);
    let thread = thread::spawn(move || {
        name.push('!');
        OwnedMappedMutexGuard::map(name, |name| name.as_mut_str())
    });
    let name = thread.join().unwrap();
    assert!(mutex.try_lock().is_err());
    assert_eq!((name.to_string(), format!("{name:?}")), ("one!".into(), "\"one!\"".into()));
    drop(name);
    assert_eq!(Arc::strong_count(&mutex), 1, "the guard's share went with it");
    let guard = mutex.clone().try_lock_owned().unwrap();
    let guard = OwnedMutexGuard::try_map(guard, |_| None::<&mut u8>).unwrap_err();
    drop(guard);
    assert_eq!((mutex.is_locked(), Arc::strong_count(&mutex)), (false, 1));
}

#[test]
fn the_last_share_of_a_mutex_may_be_a_mapped_guards() {
    let item = Arc::new(());
    let mutex = Arc::new(Mutex::new((item.clone(), 7)));
    let part = OwnedMutexGuard::map(mutex.try_lock_owned().unwrap(), |pair| &mut pair.1);
    assert_eq!((*part, Arc::strong_count(&item)), (7, 2));
    drop(part);
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn a_narrowing_that_panics_lets_go() {
    let mutex = Arc::new(Mutex::new(pair()));
    let (borrowed, owned) = (mutex.try_lock().unwrap(), mutex.clone());
    assert!(panics(|| drop(MutexGuard::map::<u8>(borrowed, |_| panic!("no such part")))));
    let guard = owned.try_lock_owned().unwrap();
    assert!(panics(|| drop(OwnedMutexGuard::map::<u8>(guard, |_| panic!("no such part")))));
    assert!(mutex.try_lock().is_ok());
    assert_eq!(Arc::strong_count(&mutex), 1);
}

#[test]
fn readers_of_a_part_share_and_a_writer_of_a_part_is_alone() {
    let lock = Arc::new(RwLock::new(pair()));
    let a = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.1);
    let b = OwnedRwLockReadGuard::map(lock.clone().try_read_owned().unwrap(), |pair| &pair.0);
    let a = RwLockMappedReadGuard::map(a, |name| name.as_str());
    let b = OwnedRwLockMappedReadGuard::try_map(b, |_| None::<&u8>).unwrap_err();
    assert_eq!((&*a, *b), ("one", 1));
    assert!(lock.try_write().is_err());
    drop((a, b));
    let mut name = RwLockWriteGuard::map(lock.try_write().unwrap(), |pair| &mut pair.1);
    name.push('?');
    assert!(lock.try_read().is_err());
    drop(name);
    let whole = lock.clone().try_write_owned().unwrap();
    let mut number = OwnedRwLockWriteGuard::try_map(whole, |pair| Some(&mut pair.0)).unwrap();
    *number += 1;
    let thread = thread::spawn(move || drop(OwnedRwLockMappedWriteGuard::map(number, |n| n)));
    thread.join().unwrap();
    assert_eq!(*lock.try_read().unwrap(), (2, "one?".into()));
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn an_owned_upgradable_reader_upgrades_and_downgrades() {
    let lock = Arc::new(RwLock::new(1));
    let upgradable = now(lock.clone().upgradable_read_owned());
    assert!(lock.clone().try_upgradable_read_owned().is_err());
    let reader = lock.try_read().unwrap();
    let upgradable = OwnedRwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap_err();
    let mut upgrade = waiting(OwnedRwLockUpgradableReadGuard::upgrade(upgradable));
    drop(reader);
    let mut writer = upgrade.output();
    *writer += 1;
    let upgradable = OwnedRwLockWriteGuard::downgrade_to_upgradable(writer);
    assert_eq!((*upgradable, *lock.try_read().unwrap()), (2, 2));
    let writer = OwnedRwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap();
    let reader = OwnedRwLockWriteGuard::downgrade(writer);
    assert!(lock.clone().try_upgradable_read_owned().is_ok());
    drop(reader);
    drop(upgrade);
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn a_downgrade_whose_waker_panics_holds_the_lock_once() {
    let lock = RwLock::new(());
    let writer = lock.try_write().unwrap();
    let mut reader = spawn(lock.read());
    assert!(reader.poll_with(&panicking()).is_pending());
    assert!(panics(|| drop(RwLockWriteGuard::downgrade(writer))));
    drop(reader);
    assert!(lock.try_write().is_ok());
}

#[test]
fn threads_lock_for_reading_upgrading_and_writing() {
    let lock = Arc::new(RwLock::new(0));
    let upgradable = lock.blocking_upgradable_read();
    assert_eq!(*lock.clone().blocking_read_owned(), 0);
    *RwLockUpgradableReadGuard::blocking_upgrade(upgradable) += 1;
    *lock.clone().blocking_write_owned() += 1;
    assert_eq!(*lock.blocking_read(), 2);
}

/// A wait on a thread that runs out of time says so, and leaves no trace in the line.
#[test]
fn thr_15_a_thread_that_gives_up_leaves_no_trace() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    assert!(mutex.blocking_lock_timeout(SHORT).is_none());
    assert!(mutex.blocking_lock_timeout(Duration::ZERO).is_none());
    drop(held);
    assert!(mutex.blocking_lock_timeout(Duration::MAX).is_some());

    let lock = RwLock::new(());
    let held = lock.try_write().unwrap();
    assert!(lock.blocking_read_timeout(SHORT).is_none());
    assert!(lock.blocking_write_timeout(SHORT).is_none());
    drop(held);
    drop(lock.blocking_read_timeout(Duration::ZERO).unwrap());
    drop(lock.blocking_write_timeout(Duration::ZERO).unwrap());

    let semaphore = Semaphore::new(0);
    let taken = semaphore.blocking_acquire_timeout(SHORT);
    assert_eq!(taken.err(), Some(TryAcquireError::NoPermits));
    semaphore.add_permits(1);
    semaphore.blocking_acquire_timeout(Duration::MAX).unwrap().forget();
    semaphore.close();
    let taken = semaphore.blocking_acquire_timeout(SHORT);
    assert_eq!(taken.err(), Some(TryAcquireError::Closed));

    let bounded = BoundedSemaphore::new(1);
    let permit = bounded.blocking_acquire().unwrap();
    assert!(bounded.blocking_acquire_timeout(SHORT).is_err());
    drop(permit);
    assert!(bounded.blocking_acquire_timeout(SHORT).is_ok());

    let notify = Notify::new();
    assert!(!notify.blocking_wait_timeout(SHORT));
    notify.notify_one();
    assert!(notify.blocking_wait_timeout(Duration::MAX));

    let promise = Promise::new();
    assert!(promise.blocking_wait_timeout(SHORT).is_none());
    promise.set(1).unwrap();
    assert_eq!(promise.blocking_wait_timeout(SHORT).unwrap().unwrap(), 1);
}

#[test]
fn a_send_that_runs_out_of_time_gives_its_value_back() {
    use mpsc::{RecvTimeoutError, SendTimeoutError};
    let (tx, mut rx) = mpsc::channel(1);
    assert_eq!(rx.blocking_recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    tx.blocking_send_timeout(1, Duration::ZERO).unwrap();
    assert_eq!(tx.blocking_send_timeout(2, SHORT), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(rx.blocking_recv_timeout(Duration::MAX), Ok(1));
    tx.blocking_send_timeout(3, SHORT).unwrap();
    let mut got = Vec::new();
    assert_eq!((rx.blocking_recv_many(&mut got, 9), got), (1, vec![3]));
    rx.close();
    assert_eq!(rx.blocking_recv_timeout(SHORT), Err(RecvTimeoutError::Disconnected));
    let error = tx.blocking_send_timeout(4, SHORT).unwrap_err();
    assert_eq!(error, SendTimeoutError::Closed(4));
    assert_eq!((error.to_string().contains("closed"), error.into_inner()), (true, 4));

    let (tx, rx) = channel::bounded(1);
    assert_eq!(rx.blocking_recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    tx.blocking_send_timeout(1, SHORT).unwrap();
    assert_eq!(tx.blocking_send_timeout(2, SHORT), Err(SendTimeoutError::Timeout(2)));
    assert_eq!((tx.sender_count(), rx.receiver_count()), (1, 1));
    assert_eq!(rx.blocking_recv_timeout(SHORT), Ok(1));
    drop(tx);
    assert_eq!(rx.blocking_recv_timeout(SHORT), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn thr_13_a_wait_for_a_condition_gives_the_last_answer() {
    let (mutex, condvar) = (Arc::new(Mutex::new(0)), Arc::new(Condvar::new()));
    let mut asked = 0;
    // True at once: it does not wait.
    let yes = |_: &mut i32| {
        asked += 1;
        true
    };
    let (guard, met) = condvar.blocking_wait_for_timeout(mutex.blocking_lock(), yes, Duration::MAX);
    assert_eq!((met, asked), (true, 1));
    drop(guard);
    // Never true: the answer after the time is the last one, with the lock held.
    let (guard, met) = condvar.blocking_wait_for_timeout(mutex.blocking_lock(), |n| *n == 3, SHORT);
    assert!(!met && mutex.is_locked());
    drop(guard);
    let (guard, notified) = condvar.blocking_wait_timeout(mutex.blocking_lock(), SHORT);
    assert!(!notified && condvar.waiters() == 0);
    drop(guard);
    // True later.
    let (theirs, changed) = (mutex.clone(), condvar.clone());
    let thread = thread::spawn(move || {
        let guard = theirs.blocking_lock();
        changed.blocking_wait_for_timeout(guard, |n| *n == 3, Duration::MAX).1
    });
    while condvar.waiters() == 0 {
        thread::yield_now();
    }
    *mutex.blocking_lock() = 3;
    condvar.notify_one();
    assert!(thread.join().unwrap());
}

#[test]
fn threads_see_a_watched_value_and_make_one_once() {
    let (tx, mut rx) = watch::channel(0);
    let thread = thread::spawn(move || {
        rx.blocking_changed().unwrap();
        let last = *rx.blocking_wait_for(|n| *n >= 3).unwrap();
        (last, rx.blocking_changed().is_err())
    });
    (1..=3).for_each(|n| tx.send(n).unwrap());
    drop(tx);
    assert_eq!(thread.join().unwrap(), (3, true));

    let cell = OnceCell::new();
    assert_eq!((*cell.blocking_get_or_init(|| 1), *cell.blocking_get_or_init(|| 2)), (1, 1));
    let lazy = Lazy::new(|| async { 5 });
    assert_eq!(*lazy.blocking_get(), 5);
}

/// It is cloned by one receiver at a time.
#[test]
fn a_broadcast_value_need_not_be_sync() {
    let (tx, mut a) = broadcast::channel(1);
    let mut b = tx.subscribe();
    tx.send((std::cell::Cell::new(1), String::from("one"))).unwrap();
    let thread = thread::spawn(move || a.blocking_recv().unwrap().0.get());
    assert_eq!(b.blocking_recv().unwrap().0.get(), 1);
    assert_eq!(thread.join().unwrap(), 1);
}
