//! Tasks that are dropped, also in the middle of a panic or of one another.

use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::gather;
use corio_runtime::time::sleep;
use corio_runtime::{Task, spawn, spawn_blocking, spawn_local, yield_now};
use corio_sync::prim::Mutex;

use crate::kit::{multi, single};
use crate::support::{CHAIN, Link, SMALL_STACK, bounded, until};

struct PanicsInDrop(Arc<AtomicUsize>);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("as planned, in Drop");
    }
}

#[test]
fn t03_an_output_whose_drop_panics_harms_nobody() {
    for runtime in [single(), multi(1), multi(2)] {
        let dropped = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            for _ in 0..10 {
                // The handle goes first: the output is dropped where the task completes.
                let output = PanicsInDrop(dropped.clone());
                let before = spawn(async move {
                    yield_now().await;
                    output
                });
                drop(before);
                // The handle goes last, and the output with it.
                let output = PanicsInDrop(dropped.clone());
                let after = spawn(async move { output });
                while !after.is_finished() {
                    yield_now().await;
                }
                catch_unwind(AssertUnwindSafe(|| drop(after))).expect("it is contained");
            }
            while dropped.load(Ordering::SeqCst) < 20 {
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(spawn(async { 7 }).await.unwrap(), 7);
        });
        drop(runtime);
        assert_eq!(dropped.load(Ordering::SeqCst), 20);
    }
}

#[test]
fn t06_l07_hooks_that_panic_cost_no_thread() {
    let calls = Arc::new(AtomicUsize::new(0));
    let panics = || {
        let calls = calls.clone();
        move || {
            calls.fetch_add(1, Ordering::SeqCst);
            panic!("as planned, in a hook");
        }
    };
    let (at_start, at_stop, at_panic) = (panics(), panics(), panics());
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .on_thread_start(at_start)
        .on_thread_stop(at_stop)
        .on_panic(move |_| at_panic())
        .build()
        .unwrap();
    let work = async || {
        let tasks: Vec<_> = (0..200)
            .map(|i| {
                spawn(async move {
                    yield_now().await;
                    spawn_blocking(move || i).await.unwrap()
                })
            })
            .collect();
        for (i, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), i);
        }
    };
    runtime.block_on(work());
    let before = runtime.metrics().worker_threads;
    runtime.block_on(async {
        for _ in 0..20 {
            drop(spawn(async { panic!("as planned, unawaited") }));
        }
        work().await;
    });
    until(|| runtime.metrics().tasks == 0);
    assert!(runtime.metrics().worker_threads >= before);
    let before_the_end = calls.load(Ordering::SeqCst);
    assert!(before_the_end >= 20 + before, "{before_the_end} calls");
    drop(runtime);
    assert!(calls.load(Ordering::SeqCst) > before_the_end);
}

#[test]
fn t05_t06_an_iterator_that_panics_in_gather_leaves_nothing_behind() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    for runtime in [single(), multi(2)] {
        let dropped = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            for n in 0..10 {
                let futures = (0..20).map(|i| {
                    assert!(i != n, "as planned, in an iterator");
                    let counted = Counted(dropped.clone());
                    async move {
                        let _counted = counted;
                        pending::<()>().await;
                    }
                });
                assert!(catch_unwind(AssertUnwindSafe(|| drop(gather(futures)))).is_err());
            }
            while dropped.load(Ordering::SeqCst) < (0..10).sum() {
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(gather([1, 2].map(|i| async move { i })).await, [1, 2]);
        });
        until(|| runtime.metrics().tasks == 0);
        assert_eq!(dropped.load(Ordering::SeqCst), (0..10).sum());
    }
}

#[test]
fn t09_a_waker_that_is_kept_does_not_keep_the_future() {
    for runtime in [single(), multi(2)] {
        // Kept here, not forgotten, so that a leak checker finds nothing.
        let kept: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let weak: Vec<Weak<[u8; 4096]>> = runtime.block_on(async {
            let mut weak = Vec::new();
            for cancelled in [false, true] {
                let memory = Arc::new([0; 4096]);
                weak.push(Arc::downgrade(&memory));
                let kept = kept.clone();
                let task = spawn(async move {
                    let _memory = memory;
                    poll_fn(|cx| {
                        kept.lock().push(cx.waker().clone());
                        Poll::Ready(())
                    })
                    .await;
                    if cancelled {
                        pending::<()>().await;
                    }
                });
                yield_now().await;
                sleep(Duration::from_millis(5)).await;
                if cancelled {
                    task.cancel();
                }
                assert_eq!(task.await.is_err(), cancelled);
            }
            weak
        });
        assert!(!kept.lock().is_empty());
        assert!(weak.iter().all(|memory| memory.upgrade().is_none()));
        drop(runtime);
        for waker in kept.lock().drain(..) {
            waker.wake();
        }
    }
}

#[test]
fn t11_a_chain_of_tasks_that_own_one_another_is_dropped_without_recursion() {
    for runtime in [single(), multi(2)] {
        bounded(SMALL_STACK, move || {
            let (tell, told) = mpsc::channel();
            runtime.block_on(async {
                let mut last: Link = None;
                for _ in 0..CHAIN {
                    // The handle of the one before, and its waker.
                    let waker = told.try_recv().ok();
                    let (owned, tell) = (last.take(), tell.clone());
                    let task: Task<()> = spawn(async move {
                        let _owned: (Link, Option<Waker>) = (owned, waker);
                        poll_fn(|cx| {
                            let _ = tell.send(cx.waker().clone());
                            Poll::<()>::Pending
                        })
                        .await;
                    });
                    yield_now().await;
                    last = Some(Box::new(task));
                }
            });
            // Cancels and drops them all, on this thread for the one flavour.
            drop(runtime);
        });
    }
}

#[test]
fn t11_a_chain_of_guards_that_cancel_one_another_is_dropped_without_recursion() {
    for runtime in [single(), multi(2)] {
        bounded(SMALL_STACK, move || {
            runtime.block_on(async {
                let ended = Arc::new(AtomicUsize::new(0));
                struct Ends(Arc<AtomicUsize>);
                impl Drop for Ends {
                    fn drop(&mut self) {
                        self.0.fetch_add(1, Ordering::SeqCst);
                    }
                }
                let mut last: Link = None;
                for _ in 0..CHAIN {
                    let (owned, ends) = (last.take(), Ends(ended.clone()));
                    let task: Task<()> = spawn(async move {
                        let _owned = (ends, owned);
                        pending::<()>().await;
                    });
                    last = Some(Box::new(task.cancel_on_drop()));
                }
                yield_now().await;
                drop(last);
                while ended.load(Ordering::SeqCst) < CHAIN {
                    sleep(Duration::from_millis(1)).await;
                }
            });
        });
    }
}

#[test]
fn t14_futures_lie_where_their_alignment_wants_them() {
    #[repr(align(4096))]
    struct Page(u8);
    #[repr(align(64))]
    struct Line(u8);
    struct Nothing;

    fn check<T>(at: &T) {
        assert_eq!((&raw const *at).addr() % align_of::<T>(), 0);
    }

    struct Checks<T>(T, bool);
    impl<T: Unpin + Default> Future for Checks<T> {
        type Output = T;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
            check(&*self);
            check(&self.0);
            if !std::mem::replace(&mut self.1, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(T::default())
        }
    }
    impl Default for Page {
        fn default() -> Self {
            Self(7)
        }
    }
    impl Default for Line {
        fn default() -> Self {
            Self(7)
        }
    }
    impl Future for Nothing {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            for _ in 0..20 {
                assert_eq!(spawn(Checks(Page(1), false)).await.unwrap().0, 7);
                assert_eq!(spawn_local(Checks(Page(1), false)).await.unwrap().0, 7);
                assert_eq!(spawn(Checks(Line(1), false)).await.unwrap().0, 7);
                assert_eq!(spawn_local(Checks(Line(1), false)).await.unwrap().0, 7);
                spawn(Nothing).await.unwrap();
                spawn_local(Nothing).await.unwrap();
                let page = Page(1);
                let page = spawn_blocking(move || {
                    check(&page);
                    page
                });
                check(&page.await.unwrap());
            }
        });
        assert_eq!(runtime.block_on(Checks(Page(1), false)).0, 7);
        runtime.block_on(Nothing);
    }
}
