//! Which task runs when: no task waits for ever behind others.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::time::sleep;
use corio_runtime::{spawn, spawn_local, yield_now};

use crate::kit::{multi, single};

#[test]
fn a_spawned_task_never_runs_before_its_spawner_yields() {
    single().block_on(async {
        let order = Rc::new(RefCell::new(Vec::new()));
        let theirs = order.clone();
        let task = spawn_local(async move { theirs.borrow_mut().push("child") });
        order.borrow_mut().push("parent");
        task.await.unwrap();
        assert_eq!(*order.borrow(), ["parent", "child"]);
    });
}

#[test]
fn w07_w08_timers_fire_beside_tasks_that_are_always_ready() {
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async {
            let hog = spawn(async {
                loop {
                    yield_now().await;
                }
            });
            for _ in 0..5 {
                sleep(Duration::from_millis(2)).await;
            }
            hog.cancel();
            assert!(hog.await.unwrap_err().is_cancelled());
        });
    }
}

#[test]
fn w06_tasks_behind_a_long_poll_run_on_another_worker() {
    let runtime = multi(2);
    runtime.block_on(async {
        let done = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let done = done.clone();
                spawn(async move {
                    done.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        // A poll that ends only when the others have run elsewhere.
        let start = std::time::Instant::now();
        while done.load(Ordering::SeqCst) < 10 {
            assert!(start.elapsed() < Duration::from_secs(20), "nobody took the tasks");
            std::thread::yield_now();
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn w11_timers_of_a_hogged_core_are_served() {
    let runtime = multi(2);
    runtime.block_on(async {
        let fired = Arc::new(AtomicUsize::new(0));
        let theirs = fired.clone();
        let task = spawn(async move {
            sleep(Duration::from_millis(5)).await;
            theirs.store(1, Ordering::SeqCst);
        });
        let other = spawn(async {});
        yield_now().await;
        let start = std::time::Instant::now();
        while fired.load(Ordering::SeqCst) == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "nobody fired the timer");
            std::thread::yield_now();
        }
        other.await.unwrap();
        task.await.unwrap();
    });
}

/// The order in which twenty tasks take `rounds` turns each.
fn order(seed: u64, rounds: usize) -> Vec<usize> {
    let runtime = Builder::new_current_thread().seed(seed).build().unwrap();
    runtime.block_on(async {
        let order = Rc::new(RefCell::new(Vec::new()));
        let tasks: Vec<_> = (0..20)
            .map(|i| {
                let order = order.clone();
                spawn_local(async move {
                    for _ in 0..rounds {
                        order.borrow_mut().push(i);
                        yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        order.take()
    })
}

#[test]
fn a_seed_decides_the_order() {
    assert_eq!(order(7, 3), order(7, 3));
}

#[test]
fn different_seeds_give_different_orders() {
    let all: std::collections::HashSet<_> = (0..200).map(|seed| order(seed, 1)).collect();
    assert_eq!(all.len(), 200);
}
