//! What tells others that something has happened.

use corio_sync::prim::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use corio_sync::*;

use crate::crew::{Crew, yield_now};

/// One event after the other is set; everybody waits for each, and drops the wait now and then.
pub(crate) fn event(seed: u64) -> usize {
    let events: Vec<Event> = (0..40).map(|_| Event::new()).collect();
    let events = &events;
    let mut crew = Crew::new(seed);
    for _ in 0..8 {
        let mut random = crew.random();
        crew.task(async move {
            for event in events {
                random.stubborn(|| event.wait()).await;
                assert!(event.is_set());
            }
        });
    }
    crew.thread(move || events.iter().for_each(Event::blocking_wait));
    let mut random = crew.random();
    crew.task(async move {
        for event in events {
            for _ in 0..random.below(4) {
                yield_now().await;
            }
            event.set();
        }
    });
    crew.run();
    9 * events.len()
}

/// Each piece of work is announced by `notify_one`, and the next comes when it was taken. Some take it, and
/// have all patience; others only pass by: a notification that reaches one of those must go on.
pub(crate) fn notify(seed: u64) -> usize {
    const WORK: usize = 60;
    let (notify, work, over) = (Notify::new(), AtomicBool::new(false), AtomicBool::new(false));
    let (notify, work, over) = (&notify, &work, &over);
    let taken = &(0..WORK).map(|_| Event::new()).collect::<Vec<_>>();
    let next = &AtomicUsize::new(0);
    let mut crew = Crew::new(seed);
    for taker in 0..6 {
        let mut random = crew.random();
        crew.task(async move {
            while !over.load(SeqCst) {
                // Made before the look, so that a `notify_waiters` after it is not missed.
                let notified = notify.notified();
                if over.load(SeqCst) {
                    return;
                }
                if taker < 2 {
                    notified.await;
                    if work.swap(false, SeqCst) {
                        taken[next.fetch_add(1, SeqCst)].set();
                    }
                } else if random.briefly(notified).await.is_some() {
                    notify.notify_one();
                }
                yield_now().await;
            }
        });
    }
    crew.task(async move {
        for taken in taken {
            work.store(true, SeqCst);
            notify.notify_one();
            taken.wait().await;
        }
        over.store(true, SeqCst);
        notify.notify_waiters();
    });
    crew.run();
    WORK
}

/// Round after round, while somebody resets the barrier now and then. A wait is not dropped here: its round
/// may be complete, and then the others count on the one that left.
pub(crate) fn barrier(seed: u64) -> usize {
    const PARTIES: usize = 5;
    const ROUNDS: usize = 20;
    let (barrier, over) = (Barrier::new(PARTIES), AtomicUsize::new(0));
    let (barrier, over) = (&barrier, &over);
    let mut crew = Crew::new(seed);
    for i in 0..PARTIES {
        let rounds = move || ROUNDS;
        if i == 0 {
            crew.thread(move || {
                let mut passed = 0;
                while passed < rounds() {
                    passed += usize::from(barrier.blocking_wait().is_ok());
                }
                over.fetch_add(1, SeqCst);
            });
        } else {
            crew.task(async move {
                let mut passed = 0;
                while passed < rounds() {
                    passed += usize::from(barrier.wait().await.is_ok());
                }
                over.fetch_add(1, SeqCst);
            });
        }
    }
    let mut random = crew.random();
    crew.task(async move {
        while over.load(SeqCst) == 0 {
            for _ in 0..20 + random.below(50) {
                yield_now().await;
            }
            if over.load(SeqCst) == 0 {
                barrier.reset();
            }
        }
    });
    crew.run();
    assert_eq!((over.load(SeqCst), barrier.waiting()), (PARTIES, 0));
    PARTIES * ROUNDS
}

/// Those who make the value are dropped in the middle of it now and then: one of the others makes it.
pub(crate) fn once_cell(seed: u64) -> usize {
    let (cell, made) = (OnceCell::new(), AtomicUsize::new(0));
    let (cell, made) = (&cell, &made);
    let mut crew = Crew::new(seed);
    for _ in 0..9 {
        let mut random = crew.random();
        crew.task(async move {
            let make = || async {
                yield_now().await;
                yield_now().await;
                made.fetch_add(1, SeqCst);
                7
            };
            assert_eq!(random.stubborn(|| cell.get_or_init(make)).await, &7);
        });
    }
    crew.run();
    assert_eq!(made.load(SeqCst), 1);
    9
}

/// One outcome, of several who try to decide it, reaches all who wait.
pub(crate) fn promise(seed: u64) -> usize {
    let (promise, called) = (Promise::new(), AtomicUsize::new(0));
    let called = std::sync::Arc::new(called);
    let decided = &AtomicUsize::new(0);
    let mut crew = Crew::new(seed);
    for _ in 0..6 {
        let (promise, mut random) = (promise.clone(), crew.random());
        let called = called.clone();
        crew.task(async move {
            promise.on_done(move |_| {
                called.fetch_add(1, SeqCst);
            });
            let outcome = random.stubborn(|| promise.wait()).await;
            assert_eq!(outcome.ok(), promise.try_get().unwrap().ok());
        });
    }
    for i in 0..3 {
        let (promise, mut random) = (promise.clone(), crew.random());
        crew.task(async move {
            for _ in 0..random.below(5) {
                yield_now().await;
            }
            let first = if random.once_in(4) { promise.cancel() } else { promise.set(i).is_ok() };
            decided.fetch_add(usize::from(first), SeqCst);
        });
    }
    crew.run();
    assert_eq!((decided.load(SeqCst), called.load(SeqCst)), (1, 6));
    9
}
