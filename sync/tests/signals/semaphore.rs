//! Permits.

use std::sync::Arc;

use corio_sync::prim::{AtomicUsize, Ordering, thread};
use corio_sync::*;

use crate::kit::*;

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
