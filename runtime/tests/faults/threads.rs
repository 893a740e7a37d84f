//! The blocking pool, and threads that cannot be had or must not wait.

use std::fs::File;
use std::future::pending;
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::time::sleep;
use corio_runtime::{Handle, spawn, spawn_blocking, spawn_local, yield_now};

use crate::kit::{multi, single};
use crate::roles::{self, say};
use crate::support::bounded;

/// Puts stderr into a file until it is told to give it back. (A pipe might fill up.)
struct Stderr(File, i32);

impl Stderr {
    fn catch() -> Self {
        let path = std::env::temp_dir().join(format!("corio-faults-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        // SAFETY: the calls take numbers, of descriptors that are open.
        let kept = unsafe { libc::dup(2) };
        assert!(kept >= 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
        Self(file, kept)
    }

    fn give_back(mut self) -> String {
        // SAFETY: as above.
        assert_eq!(unsafe { libc::dup2(self.1, 2) }, 2);
        let mut said = String::new();
        self.0.rewind().unwrap();
        self.0.read_to_string(&mut said).unwrap();
        said
    }
}

/// Runs where no stack is to be had for a thread.
pub(crate) fn has_no_threads() {
    let stderr = Stderr::catch();
    let runtime =
        Builder::new_multi_thread().worker_threads(4).thread_stack_size(1 << 46).build().unwrap();
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for round in 0..10 {
            let tasks: Vec<_> = (0..100)
                .map(|i| {
                    spawn(async move {
                        yield_now().await;
                        sleep(Duration::from_micros(100)).await;
                        i + round
                    })
                })
                .collect();
            for task in tasks {
                sum += task.await.unwrap();
            }
        }
        sum
    });
    drop(runtime);
    let said = stderr.give_back();
    assert_eq!(sum, 10 * 4950 + 100 * 45);
    assert!(said.contains("cannot start worker thread"), "{:?}", said.lines().next());
    say("all done");
}

#[test]
fn b02_without_worker_threads_the_thread_in_block_on_does_everything() {
    let mut child = roles::start("has no threads");
    assert!(child.says("all done"));
    assert!(child.end().success());
}

#[test]
fn b04_b05_a_saturated_pool_is_seen_and_stops_no_timer() {
    for builder in [Builder::new_current_thread(), Builder::new_multi_thread().worker_threads(2)] {
        let runtime = builder.max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (open, gate) = mpsc::channel::<()>();
            let first = spawn_blocking(move || gate.recv().unwrap());
            let chained: Vec<_> = (0..5).map(|i| spawn_blocking(move || i)).collect();
            sleep(Duration::from_millis(20)).await;
            let metrics = Handle::current().metrics();
            assert_eq!((metrics.blocking_threads, metrics.queued_blocking_calls), (1, 5));
            assert!(metrics.oldest_queued_blocking_call >= Some(Duration::from_millis(10)));
            assert!(chained.iter().all(|call| !call.is_finished()));
            for _ in 0..10 {
                spawn(sleep(Duration::from_millis(1))).await.unwrap();
            }
            open.send(()).unwrap();
            first.await.unwrap();
            for (i, call) in chained.into_iter().enumerate() {
                assert_eq!(call.await.unwrap(), i);
            }
            let metrics = Handle::current().metrics();
            assert_eq!(metrics.queued_blocking_calls, 0);
            assert_eq!(metrics.oldest_queued_blocking_call, None);
        });
    }
}

/// Tries a `block_on` and tells what comes of it: a result, or the panic's words.
fn nested(handle: &Handle) -> Result<u32, String> {
    catch_unwind(AssertUnwindSafe(|| {
        handle.block_on(async {
            yield_now().await;
            spawn(async { 7 }).await.unwrap()
        })
    }))
    .map_err(|payload| match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast::<&str>().map_or_else(|_| String::new(), |s| (*s).into()),
    })
}

#[test]
fn b07_a_nested_block_on_works_or_says_why_not() {
    let others: [fn() -> Runtime; 4] = [single, || multi(1), || multi(2), || multi(4)];
    for make_outer in others {
        for make_inner in [None, Some(single as fn() -> Runtime), Some(|| multi(2))] {
            let outcomes = bounded(2 << 20, move || {
                let outer = make_outer();
                let inner = make_inner.map(|make| make());
                let target = inner.as_ref().map_or(outer.handle(), Runtime::handle).clone();
                let (tell, told) = mpsc::channel();
                let tries = |place: &'static str| {
                    let (tell, target) = (tell.clone(), target.clone());
                    move || tell.send((place, nested(&target))).unwrap()
                };
                outer.block_on(async {
                    tries("main")();
                    let f = tries("task");
                    spawn(async move { f() }).await.unwrap();
                    let f = tries("local task");
                    spawn_local(async move { f() }).await.unwrap();
                    let f = tries("on_done");
                    let task = spawn(yield_now());
                    task.on_done(f);
                    task.await.unwrap();
                    let later =
                        Handle::current().call_later(Duration::from_millis(1), tries("timer"));
                    while !later.is_finished() {
                        sleep(Duration::from_millis(1)).await;
                    }
                    spawn_blocking(tries("blocking")).await.unwrap();
                    struct InDrop<F: FnMut()>(F);
                    impl<F: FnMut()> Drop for InDrop<F> {
                        fn drop(&mut self) {
                            (self.0)();
                        }
                    }
                    let in_drop = InDrop(tries("drop"));
                    let task = spawn(async move {
                        let _in_drop = in_drop;
                        pending::<()>().await;
                    });
                    yield_now().await;
                    sleep(Duration::from_millis(1)).await;
                    task.cancel();
                    assert!(task.await.is_err());
                });
                drop((outer, inner));
                told.try_iter().collect::<Vec<_>>()
            });
            assert_eq!(outcomes.len(), 7, "{outcomes:?}");
            for (place, outcome) in outcomes {
                match outcome {
                    Ok(result) => assert_eq!(result, 7, "{place}"),
                    Err(words) => {
                        assert!(words.contains("block_on"), "{place}: {words:?}");
                        assert_ne!(place, "blocking", "{words:?}");
                    }
                }
            }
        }
    }
}
