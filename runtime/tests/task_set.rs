//! Sets of tasks whose results are taken as they come.

mod kit;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{TaskSet, catch_cancel, finally, race};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::{Event, Semaphore};
use kit::{Count, cleans_up_in, ms, on_all, pending, settle};

#[test]
fn results_come_as_they_end_and_one_failure_leaves_the_others_alone() {
    on_all(|| async {
        let gates: Vec<_> = (0..3).map(|_| Arc::new(Event::new())).collect();
        let mut set = TaskSet::new();
        for (i, gate) in gates.iter().cloned().enumerate() {
            set.spawn(async move {
                gate.wait().await;
                assert!(i != 1, "as planned");
                i
            });
        }
        assert!(set.try_next().is_none());
        gates[2].set();
        assert_eq!(set.next().await.unwrap().unwrap(), 2);
        gates[1].set();
        let panic = set.next().await.unwrap().unwrap_err();
        assert!(panic.is_panic(), "{panic}");
        assert_eq!(set.len(), 1);
        gates[0].set();
        assert_eq!(set.next().await.unwrap().unwrap(), 0);
        assert!(set.is_empty() && set.next().await.is_none() && set.try_next().is_none());
    });
}

#[test]
fn a_wait_that_is_given_up_loses_no_result() {
    on_all(|| async {
        let mut set = TaskSet::new();
        for n in 0..50u64 {
            set.spawn(async move {
                sleep(Duration::from_micros(n * 100)).await;
                n
            });
        }
        let mut sum = 0;
        while !set.is_empty() {
            if let Ok(Some(result)) = timeout(Duration::from_micros(150), set.next()).await {
                sum += result.unwrap();
            }
        }
        assert_eq!(sum, 49 * 50 / 2);
    });
}

#[test]
fn the_id_says_which_task_it_was() {
    on_all(|| async {
        let mut set = TaskSet::new();
        let failing = set.builder().name("failing").spawn(async { panic!("as planned") });
        let ending = set.spawn(async {});
        let endless = set.spawn(pending());
        endless.cancel();
        while let Some((id, result)) = set.next_with_id().await {
            match result {
                Ok(()) => assert_eq!(id, ending.id()),
                Err(error) if error.is_panic() => assert_eq!(id, failing.id()),
                Err(error) => assert!(error.is_cancelled() && id == endless.id()),
            }
        }
    });
}

#[test]
fn c04_a_set_that_is_dropped_is_waited_for() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let owner = spawn(async move {
            let mut set = TaskSet::new();
            set.spawn(cleans_up_in(theirs.clone()));
            set.spawn(cleans_up_in(theirs.clone()));
            settle().await;
            drop(set);
            assert_eq!(theirs.get(), 0, "a drop does not wait");
        });
        owner.await.unwrap();
        assert_eq!(cleaned.get(), 2, "the task is not done before");
    });
}

/// Sets that are dropped at any moment of their tasks' lives, on several threads: whoever has them is not done
/// before the last task is gone.
#[test]
fn c04_c11_sets_that_are_dropped_at_any_moment() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        for round in 0..400u64 {
            let (begun, gone) = (Count::default(), Count::default());
            let theirs = (begun.clone(), gone.clone());
            let owner = spawn(async move {
                let (begun, gone) = theirs;
                let mut set = TaskSet::new();
                for n in 0..8 {
                    let (begun, gone) = (begun.clone(), gone.clone());
                    set.spawn(async move {
                        begun.add();
                        let ends = async {
                            for _ in 0..n {
                                yield_now().await;
                            }
                        };
                        finally(ends, move || async move {
                            yield_now().await;
                            gone.add();
                        })
                        .await;
                    });
                }
                for _ in 0..round % 10 {
                    set.try_next();
                    yield_now().await;
                }
                if round % 3 == 0 {
                    set.next().await.unwrap().unwrap();
                }
            });
            owner.await.unwrap();
            assert_eq!(gone.get(), begun.get(), "round {round}");
        }
    });
}

#[test]
fn a_timeout_waits_for_a_set_that_it_drops() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let late = timeout(ms(5), async move {
            let mut set = TaskSet::new();
            set.spawn(cleans_up_in(theirs));
            set.join().await
        });
        assert!(late.await.is_err());
        assert_eq!(cleaned.get(), 1);
    });
}

#[test]
fn cancel_ends_those_that_are_there_and_no_later_ones() {
    on_all(|| async {
        let mut set = TaskSet::new();
        set.spawn(pending());
        set.spawn(pending());
        set.cancel();
        set.cancel();
        set.spawn(async { 7 });
        let results = set.join().await;
        let cancelled =
            |r: &&Result<i32, _>| matches!(r, Err(e) if corio_runtime::TaskError::is_cancelled(e));
        assert_eq!(results.iter().filter(cancelled).count(), 2);
        assert_eq!(results.iter().flatten().collect::<Vec<_>>(), [&7]);
    });
}

#[test]
fn a_limit_holds_for_all_kinds_of_tasks() {
    on_all(|| async {
        let turns = Arc::new(Semaphore::new(2));
        let mut set = TaskSet::with_limit(2);
        for i in 0..12 {
            let turns = turns.clone();
            if i % 3 == 0 {
                set.spawn_blocking(move || drop(turns.try_acquire().unwrap()));
            } else {
                set.spawn(async move {
                    let _turn = turns.try_acquire().unwrap();
                    yield_now().await;
                });
            }
        }
        for result in set.join().await {
            result.unwrap();
        }
    });
}

#[test]
#[should_panic(expected = "limit of 0")]
fn a_limit_of_nothing_is_refused() {
    drop(TaskSet::<()>::with_limit(0));
}

#[test]
fn local_tasks_and_values_that_are_not_send() {
    on_all(|| async {
        let mut set = TaskSet::new();
        let shared = Rc::new(7);
        let theirs = shared.clone();
        set.spawn_local(async move { theirs });
        assert_eq!(set.next().await.unwrap().unwrap(), shared);
        set.spawn_local(pending());
    });
}

#[test]
fn a_set_is_made_from_futures_and_grows_while_it_is_awaited() {
    on_all(|| async {
        // A walk over a tree of which only the root is known at first.
        let visit = |n: u32| async move { if n < 500 { vec![2 * n, 2 * n + 1] } else { vec![] } };
        let mut set: TaskSet<_> = [visit(1)].into_iter().collect();
        let mut visited = 0;
        while let Some(found) = set.next().await {
            visited += 1;
            for n in found.unwrap() {
                set.spawn(visit(n));
            }
        }
        assert_eq!(visited, 999);
    });
}

/// What is ready is given without a wait, however much it is, also when the task has had its share.
#[test]
fn try_next_gives_all_that_is_there() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut set: TaskSet<_> = (0..1000).map(|i| async move { i }).collect();
        settle().await;
        let mut count = 0;
        while set.try_next().is_some() {
            count += 1;
        }
        assert_eq!(count, 1000);
        assert!(set.is_empty());
    });
}

/// A look that takes nothing does not take the wake-up from the wait that follows.
#[test]
fn w04_a_look_does_not_lose_the_wake_up_of_the_wait() {
    on_all(|| async {
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let waiter = spawn(async move {
            let mut set = TaskSet::new();
            set.spawn(async move { theirs.wait().await });
            assert!(set.try_next().is_none());
            race([set.next()]).await.unwrap().unwrap();
        });
        settle().await;
        gate.set();
        waiter.await.unwrap();
    });
}

#[test]
fn c10_a_request_that_a_member_takes_does_not_keep_the_set_from_waiting() {
    on_all(|| async {
        let ended = Count::default();
        let theirs = ended.clone();
        let owner = spawn(async move {
            let mut set = TaskSet::new();
            set.spawn(async move {
                assert!(catch_cancel(pending::<()>()).await.is_err());
                sleep(ms(2)).await;
                theirs.add();
            });
            settle().await;
        });
        owner.await.unwrap();
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn tasks_of_a_set_end_with_their_runtime() {
    for workers in [0, 1, 2] {
        let cleaned = Count::default();
        let runtime = match workers {
            0 => Builder::new_current_thread().build().unwrap(),
            n => Builder::new_multi_thread().worker_threads(n).build().unwrap(),
        };
        let mut set = TaskSet::new();
        {
            let _entered = runtime.enter();
            set.spawn(cleans_up_in(cleaned.clone()));
        }
        runtime.block_on(settle());
        drop(runtime);
        assert_eq!(cleaned.get(), 1);
        assert!(set.try_next().unwrap().unwrap_err().is_cancelled());
    }
}
