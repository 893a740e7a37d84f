//! A task's first poll within its spawner's: what the two polls must not see of each other.

mod kit;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use corio_runtime::runtime::Builder as RuntimeBuilder;
use corio_runtime::structured::{
    CancelScope, TaskGroup, catch_cancel, current_deadline, finally, task_group,
};
use corio_runtime::task::{Builder, current};
use corio_runtime::time::{Instant as Moment, sleep, timeout};
use corio_runtime::{Task, spawn, yield_now};
use corio_sync::{Event, Semaphore};
use kit::{Count, ms, pending};

fn eager<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    Builder::new().eager(true).spawn(future)
}

/// In a task, so that the thread runs tasks: on the single-threaded executor and on two workers.
fn on_both<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    let single = RuntimeBuilder::new_current_thread().build().unwrap();
    let multi = RuntimeBuilder::new_multi_thread().worker_threads(2).build().unwrap();
    for runtime in [single, multi] {
        match runtime.block_on(async { timeout(ms(20_000), spawn(test())).await }) {
            Ok(ended) => ended.unwrap(),
            Err(_) => {
                // Whatever it hangs in, the runtime would wait for it.
                runtime.shutdown_background();
                panic!("the test hangs");
            }
        }
    }
}

/// Owes a cleanup that waits for the event, and ends without waiting for it.
async fn owes_a_cleanup(gate: Arc<Event>, count: Count) {
    let mut owing = Box::pin(finally(pending::<()>(), move || async move {
        gate.wait().await;
        count.add();
    }));
    std::future::poll_fn(|cx| {
        assert!(owing.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
}

#[test]
fn cleanups_of_the_first_poll_are_the_new_tasks() {
    on_both(|| async {
        let (gate, cleaned) = (Arc::new(Event::new()), Count::default());
        let (theirs, count) = (gate.clone(), cleaned.clone());
        let around = Count::default();
        let told = around.clone();
        // What catches cleanups around the spawn does not wait for the child's.
        let body = async move { Some(eager(owes_a_cleanup(theirs, count))) };
        let child = finally(body, move || async move { told.add() }).await.unwrap();
        assert_eq!((around.get(), cleaned.get()), (1, 0));
        assert!(!child.is_finished(), "it is not done before its cleanups are");
        gate.set();
        child.await.unwrap();
        assert_eq!(cleaned.get(), 1);
    });
}

#[test]
fn cleanups_of_the_spawner_are_still_caught_after_a_first_poll() {
    on_both(|| async {
        let (gate, theirs) = (Arc::new(Event::new()), Count::default());
        gate.set();
        let (inner, outer) = (theirs.clone(), theirs.clone());
        let body = async move {
            owes_a_cleanup(gate.clone(), inner.clone()).await;
            drop(eager(owes_a_cleanup(gate.clone(), Count::default())));
            owes_a_cleanup(gate, inner).await;
        };
        finally(body, move || async move { assert_eq!(outer.get(), 2, "inner first") }).await;
        assert_eq!(theirs.get(), 2);
    });
}

#[test]
fn scopes_around_the_spawner_are_not_around_the_child() {
    on_both(|| async {
        let deadline = Moment::now() + Duration::from_secs(3600);
        let scope = CancelScope::new().deadline(deadline).shield(true);
        let child = scope.run(async move {
            let child = eager(pending::<()>());
            let seen = eager(async { current_deadline() }).await.unwrap();
            assert_eq!((seen, current_deadline()), (None, Some(deadline)));
            // The spawner's shield does not hold up a request to the child.
            child.cancel();
            child.await
        });
        assert!(child.await.unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_child_that_shields_or_catches_leaves_its_spawners_requests_alone() {
    on_both(|| async {
        let (started, gate) = (Arc::new(Event::new()), Arc::new(Event::new()));
        let (theirs, opened) = (started.clone(), gate.clone());
        let spawner = spawn(async move {
            let child = eager(async move {
                let wait = async { opened.wait().await };
                catch_cancel(CancelScope::new().shield(true).run(wait)).await.unwrap().unwrap();
            });
            theirs.set();
            let caught = catch_cancel(pending::<()>()).await;
            assert!(caught.is_err(), "the request is the spawner's to catch");
            child.await.unwrap();
        });
        started.wait().await;
        spawner.cancel();
        for _ in 0..10 {
            yield_now().await;
        }
        gate.set();
        spawner.await.unwrap();
    });
}

#[test]
fn a_spawner_that_only_starts_others_gives_way_at_its_next_operation() {
    let runtime = RuntimeBuilder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let other = Count::default();
        let theirs = other.clone();
        drop(spawn(async move { theirs.add() }));
        let permits = Semaphore::new(2);
        drop(permits.acquire().await.unwrap());
        assert_eq!(other.get(), 0, "what is free is had without a wait");
        for _ in 0..1000 {
            let permits = Semaphore::new(1);
            assert!(eager(async move { drop(permits.acquire().await.unwrap()) }).is_finished());
        }
        drop(permits.acquire().await.unwrap());
        assert_eq!(other.get(), 1, "the spawner has used its share up");
    });
}

#[test]
fn a_first_poll_that_never_waits_gives_way() {
    on_both(|| async {
        let permits = Arc::new(Semaphore::new(1));
        let stop = Arc::new(AtomicBool::new(false));
        let theirs = stop.clone();
        let busy = eager(async move {
            while !theirs.load(Ordering::SeqCst) {
                drop(permits.acquire().await.unwrap());
            }
        });
        assert!(!busy.is_finished());
        yield_now().await;
        stop.store(true, Ordering::SeqCst);
        busy.await.unwrap();
    });
}

#[test]
fn a_first_poll_may_wake_itself_its_spawner_and_others() {
    on_both(|| async {
        let event = Arc::new(Event::new());
        let theirs = event.clone();
        let other = spawn(async move { theirs.wait().await });
        yield_now().await;
        let task = eager(async move {
            event.set();
            yield_now().await;
            7
        });
        other.await.unwrap();
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn a_task_that_cancels_itself_in_its_first_poll() {
    on_both(|| async {
        let cleaned = Count::default();
        let task = eager(async {
            current().cancel();
            pending::<()>().await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
        let task = eager(async {
            current().cancel();
            7
        });
        assert_eq!(task.await.unwrap(), 7, "it did not have to wait any more");
        let theirs = cleaned.clone();
        let task = eager(async move {
            current().cancel();
            kit::cleans_up_in(theirs).await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(cleaned.get(), 1);
    });
}

#[test]
fn local_tasks_start_at_once_too() {
    for workers in [0, 2] {
        let runtime = match workers {
            0 => RuntimeBuilder::new_current_thread().build().unwrap(),
            n => RuntimeBuilder::new_multi_thread().worker_threads(n).build().unwrap(),
        };
        let done = Count::default();
        let theirs = done.clone();
        let task = runtime.spawn(async move {
            let seen = {
                let shared = Rc::new(Cell::new(0));
                let inner = shared.clone();
                let local = async move { inner.set(inner.get() + 1) };
                let task = Builder::new().eager(true).spawn_local(local);
                assert!(task.is_finished());
                let group = TaskGroup::<()>::new();
                let inner = shared.clone();
                let child = group.builder().eager(true).spawn_local(async move {
                    inner.set(inner.get() + 1);
                    yield_now().await;
                    theirs.add();
                });
                assert!(!child.is_finished());
                drop(group);
                shared.get()
            };
            // The dropped group's child is waited for, and was cancelled where it gave way.
            seen
        });
        assert_eq!(runtime.block_on(task).unwrap(), 2);
        assert_eq!(done.get(), 0);
    }
}

#[test]
fn in_a_group_that_is_ending_nothing_is_polled() {
    on_both(|| async {
        let group = TaskGroup::<()>::new();
        group.cancel();
        let ran = Count::default();
        let theirs = ran.clone();
        let child = group.builder().eager(true).spawn(async move { theirs.add() });
        assert!(child.is_finished());
        assert!(child.await.unwrap_err().is_cancelled());
        assert_eq!(ran.get(), 0);
        group.join().await.unwrap();
    });
}

#[test]
fn a_group_with_a_limit_starts_those_whose_turn_it_is() {
    on_both(|| async {
        let group = TaskGroup::<()>::with_limit(1);
        let (begun, gate) = (Count::default(), Arc::new(Event::new()));
        for _ in 0..3 {
            let (begun, gate) = (begun.clone(), gate.clone());
            drop(group.builder().eager(true).spawn(async move {
                begun.add();
                gate.wait().await;
            }));
        }
        assert_eq!(begun.get(), 1);
        gate.set();
        group.join().await.unwrap();
        assert_eq!(begun.get(), 3);
    });
}

#[test]
fn while_a_thread_unwinds_a_task_is_queued() {
    on_both(|| async {
        struct SpawnsInDrop(Option<corio_sync::oneshot::Sender<(bool, Task<u32>)>>);
        impl Drop for SpawnsInDrop {
            fn drop(&mut self) {
                let task = eager(async { 7 });
                let _ = self.0.take().unwrap().send((task.is_finished(), task));
            }
        }
        let (send, receive) = corio_sync::oneshot::channel();
        let panics = spawn(async move {
            let _guard = SpawnsInDrop(Some(send));
            if true {
                panic!("as planned");
            }
        });
        assert!(panics.await.unwrap_err().is_panic());
        let (at_once, task) = receive.await.unwrap();
        assert!(!at_once);
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn the_watchdog_tells_the_first_poll_from_the_spawners() {
    let told = Arc::new(corio_sync::prim::Mutex::new(Vec::new()));
    let theirs = told.clone();
    let runtime = RuntimeBuilder::new_multi_thread()
        .worker_threads(1)
        .blocking_threshold(ms(10))
        .on_long_poll(move |poll| theirs.lock().push(poll.id))
        .build()
        .unwrap();
    let ids = runtime.block_on(async {
        spawn(async move {
            let spin_until_told = move |who| {
                let start = Instant::now();
                while !told.lock().contains(&who) && start.elapsed() < ms(20_000) {
                    std::thread::sleep(ms(1));
                }
                let seen = told.lock().contains(&who);
                assert!(seen, "nobody has told of {who:?}");
            };
            let ours = spin_until_told.clone();
            let child = eager(async move { spin_until_told(current().id()) });
            child.await.unwrap();
            ours(current().id());
        })
        .await
    });
    ids.unwrap();
}

#[test]
fn many_at_once_on_all_workers() {
    let runtime = RuntimeBuilder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let done = Count::default();
        let spawners: Vec<_> = (0..50_u64)
            .map(|i| {
                let done = done.clone();
                spawn(async move {
                    let children: Vec<_> = (0..50_u64)
                        .map(|j| {
                            let done = done.clone();
                            eager(async move {
                                for _ in 0..(i + j) % 3 {
                                    yield_now().await;
                                }
                                if (i + j) % 7 == 0 {
                                    sleep(ms(1)).await;
                                }
                                done.add();
                            })
                        })
                        .collect();
                    for (j, child) in children.into_iter().enumerate() {
                        if j % 5 == 0 {
                            drop(child);
                        } else {
                            child.await.unwrap();
                        }
                    }
                })
            })
            .collect();
        for spawner in spawners {
            spawner.await.unwrap();
        }
        while done.get() < 2500 {
            sleep(ms(1)).await;
        }
    });
}

#[test]
fn a_failing_first_poll_in_a_group_body_of_a_task_on_a_worker() {
    on_both(|| async {
        let error = task_group(|group: TaskGroup<u32>| async move {
            let child = group.builder().eager(true).spawn(async { Err::<(), _>(7) });
            assert!(child.is_finished() && group.is_empty());
            pending::<Result<(), u32>>().await
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures()[0].error(), Some(&7));
    });
}
