//! All of many futures, or the first error.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use corio_runtime::structured::{gather, try_gather};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};

use crate::kit::{Count, cleans_up_as, cleans_up_in, ms, on_all, settle};

/// A future of a test's, in a box.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<u32, String>> + Send>>;

#[test]
fn ga_01_outputs_are_in_the_order_of_the_futures() {
    on_all(|| async {
        let outputs = gather((0..20u64).map(|i| async move {
            sleep(ms((20 - i) % 7)).await;
            i
        }))
        .await;
        assert_eq!(outputs, (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn ga_02_nothing_to_gather_is_ready_at_once() {
    on_all(|| async {
        assert!(gather(Vec::<std::future::Ready<()>>::new()).await.is_empty());
        assert_eq!(try_gather(Vec::<std::future::Ready<Result<(), ()>>>::new()).await, Ok(vec![]));
    });
}

#[test]
fn ga_07_the_first_error_drops_the_rest_and_waits_for_their_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let mut futures: Vec<Work> = Vec::new();
        for _ in 0..10 {
            futures.push(Box::pin(cleans_up_as(cleaned.clone())));
        }
        futures.push(Box::pin(async {
            sleep(ms(2)).await;
            Err("broken".to_owned())
        }));
        assert_eq!(try_gather(futures).await, Err("broken".to_owned()));
        assert_eq!(cleaned.get(), 10);
    });
}

#[test]
fn ga_09_results_can_be_gathered_with_their_errors() {
    on_all(|| async {
        let all =
            gather([1, 2, 3].map(|i| async move { if i == 2 { Err(i) } else { Ok(i) } })).await;
        assert_eq!(all, [Ok(1), Err(2), Ok(3)]);
    });
}

#[test]
fn ga_13_cancelling_the_task_drops_the_members_and_runs_their_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(async move { gather((0..5).map(|_| cleans_up_in(theirs.clone()))).await });
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(cleaned.get(), 5);
    });
}

#[test]
fn ga_20_futures_that_are_ready_are_gathered_in_one_poll() {
    on_all(|| async {
        let mut all = pin!(gather((0..50).map(std::future::ready)));
        poll_fn(|cx| {
            assert!(all.as_mut().poll(cx).is_ready());
            Poll::Ready(())
        })
        .await;
    });
}

#[test]
fn ga_22_nested_gathers() {
    on_all(|| async {
        let nested = gather((0..40).map(|i| {
            gather((0..40).map(move |j| async move {
                yield_now().await;
                i * j
            }))
        }))
        .await;
        assert_eq!(nested[39][39], 39 * 39);
    });
}

#[test]
fn gathers_nested_deeper_than_the_budget_get_to_their_end() {
    on_all(|| async {
        let mut deep: Pin<Box<dyn Future<Output = u32>>> = Box::pin(async {
            yield_now().await;
            0
        });
        for _ in 0..300 {
            let inner = deep;
            deep = Box::pin(async move { gather([inner]).await[0] + 1 });
        }
        assert_eq!(deep.await, 300);
    });
}

/// A future that counts its polls and is ready when it has been told.
struct Told {
    polls: Count,
    told: Arc<(AtomicUsize, std::sync::Mutex<Vec<Waker>>)>,
    me: usize,
}

impl Future for Told {
    type Output = usize;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        self.polls.add();
        if self.told.0.load(Ordering::SeqCst) > self.me {
            return Poll::Ready(self.me);
        }
        let mut wakers = self.told.1.lock().unwrap();
        if wakers.len() <= self.me {
            wakers.resize(self.me + 1, Waker::noop().clone());
        }
        wakers[self.me] = cx.waker().clone();
        Poll::Pending
    }
}

#[test]
fn only_woken_futures_are_polled() {
    on_all(|| async {
        const N: usize = 1000;
        let polls = Count::default();
        let told = Arc::new((AtomicUsize::new(0), std::sync::Mutex::new(Vec::new())));
        let futures = (0..N).map(|me| Told { polls: polls.clone(), told: told.clone(), me });
        let all = spawn(gather(futures.collect::<Vec<_>>()));
        for i in 0..N {
            let waker = loop {
                let waker = told.1.lock().unwrap().get(i).cloned();
                match waker {
                    Some(waker) => break waker,
                    None => sleep(ms(1)).await,
                }
            };
            told.0.store(i + 1, Ordering::SeqCst);
            waker.wake();
            if i % 10 == 0 {
                yield_now().await;
            }
        }
        assert_eq!(all.await.unwrap(), (0..N).collect::<Vec<_>>());
        assert!(polls.get() <= 2 * N, "{} polls for {N} futures", polls.get());
    });
}

#[test]
fn a_gather_of_busy_futures_lets_others_run() {
    on_all(|| async {
        let others = Count::default();
        let theirs = others.clone();
        let other = spawn(async move {
            loop {
                theirs.add();
                yield_now().await;
            }
        });
        gather((0..20_000).map(|_| async {})).await;
        other.cancel();
        let _ = other.await;
        assert!(others.get() > 10, "{} turns", others.get());
    });
}

#[test]
fn ga_24_a_panicking_member_drops_the_others() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(async move {
            let mut members: Vec<Work> = vec![Box::pin(cleans_up_as(theirs))];
            members.push(Box::pin(async {
                yield_now().await;
                panic!("as planned")
            }));
            gather(members).await
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(cleaned.get(), 1);
    });
}

#[test]
fn wakers_outlive_the_gather() {
    on_all(|| async {
        let kept = Arc::new(std::sync::Mutex::new(Vec::new()));
        let theirs = kept.clone();
        let waiting = gather((0..10).map(move |_| {
            let kept = theirs.clone();
            poll_fn(move |cx| {
                kept.lock().unwrap().push(cx.waker().clone());
                Poll::<()>::Pending
            })
        }));
        assert!(timeout(ms(1), waiting).await.is_err());
        for waker in kept.lock().unwrap().drain(..) {
            waker.wake_by_ref();
            waker.wake();
        }
    });
}
