//! Semaphores.

use std::sync::Arc;

use crate::kit::sync::*;
use crate::kit::*;

/// A permit that is free is taken without waiting.
#[test]
fn sem_02_a_free_permit_is_taken_at_once() {
    on_all(|| async {
        let semaphore = Semaphore::new(1);
        let permit = now(semaphore.acquire()).await.unwrap();
        assert_eq!((permit.num_permits(), semaphore.available_permits()), (1, 0));
    });
}

/// A release without an acquire raises the count; a bounded semaphore refuses it and stays as it is.
#[test]
fn sem_03_a_release_too_many_counts_or_is_refused() {
    on_all(|| async {
        let semaphore = Semaphore::new(1);
        semaphore.add_permits(2);
        assert_eq!(semaphore.available_permits(), 3);
        let bounded = BoundedSemaphore::new(1);
        let error = bounded.release(1).unwrap_err().to_string();
        assert!(error.contains("releasing 1") && error.contains("1 permits"), "{error}");
        assert_eq!(bounded.available_permits(), 1);
    });
}

/// A permit that is released while somebody waits is that one's: the count stays 0, and nobody else can
/// have it.
#[test]
fn sem_05_06_a_released_permit_is_the_first_waiters() {
    on_all(|| async {
        let semaphore = Semaphore::new(0);
        assert!(semaphore.try_acquire().is_err());
        let mut waiter = waiting(semaphore.acquire()).await;
        semaphore.add_permits(1);
        assert_eq!(semaphore.available_permits(), 0);
        assert!(semaphore.try_acquire().is_err());
        let permit = now(waiter.as_mut()).await.unwrap();
        assert!(semaphore.try_acquire().is_err());
        drop(permit);
        assert!(semaphore.try_acquire().is_ok());
    });
}

/// Three permits, two taken: of three tasks one gets in, two releases let in the next two, and the count
/// stays 0.
#[test]
fn sem_07_two_releases_let_two_more_in() {
    on_all(|| async {
        let semaphore = Arc::new(Semaphore::new(3));
        semaphore.try_acquire_many(2).unwrap().forget();
        let log = Log::default();
        let mut tasks = Vec::new();
        for name in ["a", "b", "c"] {
            let (semaphore, their_log) = (semaphore.clone(), log.clone());
            let task = async move {
                semaphore.acquire().await.unwrap().forget();
                their_log.add(name);
            };
            tasks.push(if name == "a" { spawn(task) } else { blocked(task).await });
            until(|| !log.get().is_empty()).await;
        }
        assert_eq!((log.get(), semaphore.available_permits()), (vec!["a".to_owned()], 0));
        semaphore.add_permits(2);
        for task in tasks {
            task.output().await;
        }
        let theirs = semaphore.clone();
        let last = blocked(async move { theirs.acquire().await.map(|p| p.num_permits()) }).await;
        assert_eq!((log.get().len(), semaphore.available_permits()), (3, 0));
        assert!(last.cancel().await.is_none());
    });
}

/// A queued waiter that is cancelled takes no permit with it.
#[test]
fn sem_08_a_cancelled_waiter_takes_no_permit() {
    on_all(|| async {
        let semaphore = Arc::new(Semaphore::new(0));
        let theirs = semaphore.clone();
        let waiter = blocked(async move { theirs.acquire().await.map(drop) }).await;
        assert!(waiter.cancel().await.is_none());
        semaphore.add_permits(1);
        assert_eq!(semaphore.available_permits(), 1);
        assert!(format!("{semaphore:?}").contains("waiters: 0"));
    });
}

/// The holder lets go, which gives the permit to the waiter, and cancels the waiter before that runs: the
/// permit comes back.
#[test]
fn sem_11_a_waiter_cancelled_with_its_permit_gives_it_back() {
    on_all(|| async {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.acquire().await.unwrap();
        let waiter = waiting(semaphore.acquire()).await;
        drop(permit);
        assert_eq!(semaphore.available_permits(), 0);
        drop(waiter);
        drop(now(semaphore.acquire()).await.unwrap());
    });
}

/// Three tasks that want one permit twice each take turns.
#[test]
fn sem_12_three_tasks_take_turns() {
    on_all(|| async {
        let (semaphore, log) = (Arc::new(Semaphore::new(1)), Log::default());
        let permit = semaphore.acquire().await.unwrap();
        let mut tasks = Vec::new();
        for name in ["c1", "c2", "c3"] {
            let (semaphore, log) = (semaphore.clone(), log.clone());
            let task = async move {
                let permit = semaphore.acquire().await.unwrap();
                log.add(name);
                // In the line before it lets go, so that no other thread can be faster.
                let again = waiting(semaphore.acquire()).await;
                drop(permit);
                let _permit = again.await.unwrap();
                log.add(name);
            };
            tasks.push(blocked(task).await);
        }
        drop(permit);
        for task in tasks {
            task.output().await;
        }
        assert_eq!(log.get(), ["c1", "c2", "c3", "c1", "c2", "c3"]);
    });
}

/// Who releases and wants again at once goes to the end of the line.
#[test]
fn sem_13_who_wants_again_goes_to_the_end() {
    on_all(|| async {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.acquire().await.unwrap();
        let mut second = waiting(semaphore.acquire()).await;
        let mut third = waiting(semaphore.acquire()).await;
        drop(permit);
        let mut again = waiting(semaphore.acquire()).await;
        drop(now(second.as_mut()).await);
        assert!(poll_once(again.as_mut()).await.is_pending());
        drop(now(third.as_mut()).await);
        drop(now(again.as_mut()).await.unwrap());
    });
}

/// The first of three waiters is cancelled: two releases serve the second and the third, in order.
#[test]
fn sem_14_after_the_first_left_the_others_are_served_in_order() {
    on_all(|| async {
        let semaphore = Semaphore::new(0);
        let first = waiting(semaphore.acquire()).await;
        let mut second = waiting(semaphore.acquire()).await;
        let mut third = waiting(semaphore.acquire()).await;
        drop(first);
        semaphore.add_permits(1);
        assert!(poll_once(third.as_mut()).await.is_pending());
        now(second.as_mut()).await.unwrap().forget();
        semaphore.add_permits(1);
        now(third.as_mut()).await.unwrap().forget();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

/// A permit goes back on every way out of its scope: the end, an error, cancelling.
#[test]
fn sem_17_every_way_out_of_a_scope_releases() {
    on_all(|| async {
        let semaphore = Arc::new(Semaphore::new(1));
        let fails = |semaphore: Arc<Semaphore>| async move {
            let _permit = semaphore.acquire().await.unwrap();
            Err::<(), _>("an error")
        };
        fails(semaphore.clone()).await.unwrap_err();
        assert_eq!(semaphore.available_permits(), 1);
        let theirs = semaphore.clone();
        let task = blocked(async move {
            let _permit = theirs.acquire().await.unwrap();
            std::future::pending::<()>().await;
        })
        .await;
        assert_eq!(semaphore.available_permits(), 0);
        assert!(task.cancel().await.is_none());
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// However waiters are served and cancelled, permits are neither lost nor doubled.
#[test]
fn sem_18_permits_are_neither_lost_nor_doubled() {
    on_all(|| async {
        let mut random = Random::new(18);
        for _ in 0..20 {
            let semaphore = Semaphore::new(2);
            let mut waits: Vec<_> = (0..6).map(|_| Box::pin(semaphore.acquire())).collect();
            let mut held = Vec::new();
            for _ in 0..30 {
                match random.below(3) {
                    0 if !waits.is_empty() => {
                        let i = random.below(waits.len());
                        if let std::task::Poll::Ready(permit) = poll_once(waits[i].as_mut()).await {
                            held.push(permit.unwrap());
                            drop(waits.swap_remove(i));
                        }
                    }
                    1 if !waits.is_empty() => drop(waits.swap_remove(random.below(waits.len()))),
                    _ => drop(held.pop()),
                }
                assert!(held.len() + semaphore.available_permits() <= 2, "doubled");
            }
            drop((waits, held));
            assert_eq!(semaphore.available_permits(), 2, "lost");
            yield_now().await;
        }
    });
}

/// The text form tells the free permits and who waits.
#[test]
fn sem_20_the_text_form_tells_permits_and_waiters() {
    on_all(|| async {
        let semaphore = Semaphore::new(2);
        assert_eq!(format!("{semaphore:?}"), "Semaphore { permits: 2, closed: false, waiters: 0 }");
        let _waiter = waiting(semaphore.acquire_many(3)).await;
        assert!(format!("{semaphore:?}").contains("waiters: 1"));
    });
}
