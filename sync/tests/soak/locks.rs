//! Locks.

use std::time::Duration;

use corio_sync::prim::{AtomicUsize, Ordering::SeqCst};
use corio_sync::*;

use crate::crew::{Crew, yield_now};

const TURNS: usize = 40;

/// Whoever gets the lock counts; the count is that of those who got it, and the lock is free at the end.
pub(crate) fn mutex(seed: u64) -> usize {
    let (mutex, got) = (Mutex::new(0), AtomicUsize::new(0));
    let (mutex, got) = (&mutex, &got);
    let mut crew = Crew::new(seed);
    for _ in 0..8 {
        let mut random = crew.random();
        crew.task(async move {
            for _ in 0..TURNS {
                let Some(mut guard) = random.maybe(mutex.lock()).await else { continue };
                let before = *guard;
                if random.once_in(4) {
                    yield_now().await;
                }
                *guard = before + 1;
                got.fetch_add(1, SeqCst);
            }
        });
    }
    let mut random = crew.random();
    crew.thread(move || {
        for _ in 0..TURNS {
            let timeout = Duration::from_micros(random.below(200) as u64);
            if let Some(mut guard) = mutex.blocking_lock_timeout(timeout) {
                *guard += 1;
                got.fetch_add(1, SeqCst);
            }
        }
    });
    crew.run();
    assert_eq!(*mutex.try_lock().expect("the lock was lost"), got.load(SeqCst));
    9 * TURNS
}

/// Writers keep two numbers equal, readers see them equal; an upgrade writes what it has read, plus one.
pub(crate) fn rwlock(seed: u64) -> usize {
    let (lock, wrote) = (RwLock::new((0, 0)), AtomicUsize::new(0));
    let (lock, wrote) = (&lock, &wrote);
    let mut crew = Crew::new(seed);
    for _ in 0..9 {
        let mut random = crew.random();
        crew.task(async move {
            for _ in 0..TURNS {
                let mut guard = match random.below(6) {
                    0 => match random.maybe(lock.write()).await {
                        Some(guard) => guard,
                        None => continue,
                    },
                    1 => {
                        let Some(guard) = random.maybe(lock.upgradable_read()).await else {
                            continue;
                        };
                        let seen = *guard;
                        let upgrade = RwLockUpgradableReadGuard::upgrade(guard);
                        let Some(guard) = random.maybe(upgrade).await else { continue };
                        assert_eq!(*guard, seen, "written between a read and its upgrade");
                        guard
                    }
                    _ => {
                        if let Some(guard) = random.maybe(lock.read()).await {
                            yield_now().await;
                            assert_eq!(guard.0, guard.1);
                        }
                        continue;
                    }
                };
                guard.0 += 1;
                yield_now().await;
                guard.1 += 1;
                wrote.fetch_add(1, SeqCst);
                if random.once_in(2) {
                    let guard = RwLockWriteGuard::downgrade(guard);
                    assert_eq!(guard.0, guard.1);
                }
            }
        });
    }
    crew.run();
    let value = *lock.try_write().expect("the lock was lost");
    assert_eq!(value, (wrote.load(SeqCst), wrote.load(SeqCst)));
    9 * TURNS
}

/// The maker makes some things, wakes as many, and waits until they are used. Some use them, and have all
/// patience; others only pass by: a notification that reaches one of those must go on to a user, or the
/// maker waits for ever.
pub(crate) fn condvar(seed: u64) -> usize {
    #[derive(Default)]
    struct Store {
        things: usize,
        over: bool,
    }
    let (store, more, all_used) = (Mutex::new(Store::default()), Condvar::new(), Condvar::new());
    let (store, more, all_used) = (&store, &more, &all_used);
    // With one user, those who pass by are often before it in the line.
    let users = 1 + seed as usize % 3;
    let mut crew = Crew::new(seed);
    for user in 0..6 {
        let mut random = crew.random();
        crew.task(async move {
            loop {
                let guard = store.lock().await;
                if guard.over {
                    return;
                }
                if user < users {
                    let wanted = |store: &mut Store| store.things > 0 || store.over;
                    let mut guard = more.wait_for(guard, wanted).await;
                    if guard.over {
                        return;
                    }
                    guard.things -= 1;
                    if guard.things == 0 {
                        all_used.notify_one();
                    }
                } else if random.briefly(more.wait(guard)).await.is_some() {
                    more.notify_one();
                }
                yield_now().await;
            }
        });
    }
    let mut random = crew.random();
    crew.task(async move {
        for _ in 0..TURNS {
            // Until all users wait again: one that comes by itself would hide a loss.
            for _ in 0..random.below(12) {
                yield_now().await;
            }
            let some = 1 + random.below(2);
            let mut guard = store.lock().await;
            guard.things = some;
            more.notify(some);
            drop(all_used.wait_for(guard, |store| store.things == 0).await);
        }
        store.lock().await.over = true;
        more.notify_all();
    });
    crew.run();
    TURNS
}

/// Never more permits out than there are, and all are back at the end; large and small requests mixed.
pub(crate) fn semaphore(seed: u64) -> usize {
    const PERMITS: usize = 4;
    let (semaphore, out) = (Semaphore::new(PERMITS), AtomicUsize::new(0));
    let (semaphore, out) = (&semaphore, &out);
    let mut crew = Crew::new(seed);
    for _ in 0..9 {
        let mut random = crew.random();
        crew.task(async move {
            for _ in 0..TURNS {
                let n = 1 + random.below(PERMITS);
                let acquire = semaphore.acquire_many(n as u32);
                let Some(permit) = random.maybe(acquire).await else { continue };
                assert!(out.fetch_add(n, SeqCst) + n <= PERMITS, "too many are out");
                if random.once_in(2) {
                    yield_now().await;
                }
                out.fetch_sub(n, SeqCst);
                if random.once_in(8) {
                    permit.unwrap().forget();
                    semaphore.add_permits(n);
                }
            }
        });
    }
    crew.thread(move || {
        for _ in 0..TURNS {
            if let Ok(permit) = semaphore.blocking_acquire_timeout(Duration::from_micros(50)) {
                assert!(out.fetch_add(1, SeqCst) < PERMITS, "too many are out");
                out.fetch_sub(1, SeqCst);
                drop(permit);
            }
        }
    });
    crew.run();
    assert_eq!(semaphore.available_permits(), PERMITS);
    10 * TURNS
}
