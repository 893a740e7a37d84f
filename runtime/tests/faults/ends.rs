//! The ends of threads, of the process, and what a panic hook may do.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use corio_runtime::runtime::Runtime;
use corio_runtime::time::sleep;
use corio_runtime::{Handle, introspect, spawn, spawn_blocking, task, yield_now};
use corio_sync::prim::thread;

use crate::kit::{multi, single};
use crate::roles::{self, say};
use crate::support::{LONG, bounded};

thread_local! {
    static SLOT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// What a thread may keep until it ends.
fn keepsakes(runtime: Runtime) -> Vec<Box<dyn Any>> {
    let (task, done, armed) = runtime.block_on(async {
        let mut armed = sleep(LONG);
        poll_fn(|cx| Poll::Ready(Pin::new(&mut armed).poll(cx).is_pending())).await;
        let done = spawn(async { vec![1] });
        yield_now().await;
        (spawn(sleep(LONG)), done, armed)
    });
    let handle = runtime.handle().clone();
    vec![Box::new(runtime), Box::new(task), Box::new(done), Box::new(armed), Box::new(handle)]
}

#[test]
fn l02_what_a_thread_local_keeps_is_dropped_when_the_thread_ends() {
    for make in [single as fn() -> Runtime, || multi(2)] {
        for slot_first in [false, true] {
            for first in 0..5 {
                let ended = Arc::new(AtomicBool::new(false));
                let ends = ended.clone();
                bounded(1 << 20, move || {
                    // What is made first is destroyed first or last: both happen.
                    if slot_first {
                        SLOT.with(|_| ());
                    }
                    let mut kept = keepsakes(make());
                    kept.rotate_left(first);
                    kept.push(Box::new(SetsInDrop(ends)));
                    SLOT.with(|slot| slot.borrow_mut().extend(kept));
                });
                assert!(ended.load(Ordering::SeqCst));
            }
        }
    }
}

#[test]
fn l02_each_keepsake_alone_outlives_its_runtime_in_a_thread_local() {
    for make in [single as fn() -> Runtime, || multi(2)] {
        for slot_first in [false, true] {
            for only in 1..5 {
                bounded(1 << 20, move || {
                    if slot_first {
                        SLOT.with(|_| ());
                    }
                    let kept = keepsakes(make()).swap_remove(only);
                    SLOT.with(|slot| slot.borrow_mut().push(kept));
                });
            }
        }
    }
}

struct SetsInDrop(Arc<AtomicBool>);

impl Drop for SetsInDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Ends the process from inside a task, with everything under way.
pub(crate) fn exits_from_a_task() {
    multi(4).block_on(async {
        for i in 0..100 {
            drop(spawn(async move {
                loop {
                    if i % 10 == 0 {
                        sleep(Duration::from_micros(50)).await;
                    }
                    yield_now().await;
                }
            }));
        }
        drop(spawn_blocking(|| thread::sleep(LONG)));
        say("ready");
        yield_now().await;
        drop(spawn(async {
            yield_now().await;
            std::process::exit(7);
        }));
        pending::<()>().await;
    });
}

#[test]
fn l09_the_process_may_exit_while_workers_run() {
    for _ in 0..50 {
        assert_eq!(roles::start("exits").end().code(), Some(7));
    }
}

/// Has a panic hook that uses the runtime it is called in.
pub(crate) fn has_a_busy_panic_hook() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = calls.clone();
    std::panic::set_hook(Box::new(move |_| {
        assert!(!introspect::dump().is_empty());
        let handle = Handle::current();
        let _ = handle.metrics();
        let _ = format!("{handle:?} {:?}", task::try_current());
        let counts = counts.clone();
        drop(handle.spawn(async move { _ = counts.fetch_add(1, Ordering::SeqCst) }));
    }));
    say("ready");
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async {
            let before = calls.load(Ordering::SeqCst);
            for _ in 0..20 {
                let task = spawn(async {
                    yield_now().await;
                    panic!("as planned");
                });
                assert!(task.await.map(|(): ()| ()).unwrap_err().is_panic());
                drop(spawn(async { panic!("as planned, unawaited") }));
            }
            while calls.load(Ordering::SeqCst) < before + 40 {
                sleep(Duration::from_millis(1)).await;
            }
        });
    }
    let _ = std::panic::take_hook();
    say("all done");
}

#[test]
fn l10_a_panic_hook_may_use_the_runtime() {
    let mut child = roles::start("busy panic hook");
    assert!(child.says("all done"));
    assert!(child.end().success());
}
