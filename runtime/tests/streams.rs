//! Streams: what becomes of items and of work when somebody stops asking, and how they share a task and its time.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::stream::{Stream, StreamExt, Yielder, generate, iter, try_generate};
use corio_runtime::structured::{finally, gather};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::prim::Arc;
use corio_sync::{mpsc, oneshot};

/// Runs `future` in virtual time.
fn run<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread().start_paused(true).build().unwrap().block_on(future)
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

async fn after(count: u64) -> u64 {
    sleep(ms(count)).await;
    count
}

/// Polls `stream` once.
async fn poll_once<S: Stream>(mut stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    poll_fn(|cx| Poll::Ready(stream.as_mut().poll_next(cx))).await
}

#[test]
fn a_next_that_is_dropped_loses_nothing() {
    run(async {
        let mut then = pin!(iter([30, 20, 10]).then(after));
        let mut ordered = pin!(iter([30, 20, 10]).map(after).buffered(2));
        let mut unordered = pin!(iter([30, 20, 10]).map(after).buffer_unordered(2));
        let mut chunks = pin!(iter([30, 20, 10]).then(after).chunks(2));
        let mut seen = (vec![], vec![], vec![], vec![]);
        // Each wait is given up again and again.
        while seen.0.len() < 3 || seen.1.len() < 3 || seen.2.len() < 3 || seen.3.len() < 2 {
            seen.0.extend(timeout(ms(1), then.next()).await.ok().flatten());
            seen.1.extend(timeout(ms(1), ordered.next()).await.ok().flatten());
            seen.2.extend(timeout(ms(1), unordered.next()).await.ok().flatten());
            seen.3.extend(timeout(ms(1), chunks.next()).await.ok().flatten());
        }
        assert_eq!((seen.0, seen.1), (vec![30, 20, 10], vec![30, 20, 10]));
        assert_eq!((seen.2, seen.3), (vec![20, 30, 10], vec![vec![30, 20], vec![10]]));
        assert_eq!(then.next().await, None);
        assert_eq!(ordered.next().await, None);
        assert_eq!(unordered.next().await, None);
        assert_eq!(chunks.next().await, None);
    });
}

/// Notes how many of its futures are under way.
#[derive(Clone, Default)]
struct Crowd(Rc<Cell<(usize, usize)>>);

impl Crowd {
    async fn with(self, count: u64) -> u64 {
        let (now, most) = self.0.get();
        self.0.set((now + 1, most.max(now + 1)));
        sleep(ms(count)).await;
        let (now, most) = self.0.get();
        self.0.set((now - 1, most));
        count
    }

    fn most(&self) -> usize {
        self.0.take().1
    }
}

#[test]
fn so_many_run_at_once_and_no_more() {
    run(async {
        let crowd = Crowd::default();
        let start = Instant::now();
        let work = || iter((0..100).map(|n| 10 + n % 7)).map(|n| crowd.clone().with(n));
        let ordered: Vec<_> = work().buffered(10).collect().await;
        assert_eq!(ordered, (0..100).map(|n| 10 + n % 7).collect::<Vec<_>>());
        assert_eq!(crowd.most(), 10);
        let mut unordered: Vec<_> = work().buffer_unordered(10).collect().await;
        unordered.sort_unstable();
        let mut expected = ordered;
        expected.sort_unstable();
        assert_eq!((unordered, crowd.most()), (expected, 10));
        let done = Cell::new(0);
        let each = iter(0..100).for_each_concurrent(10, |_| async {
            crowd.clone().with(10).await;
            done.set(done.get() + 1);
        });
        each.await;
        assert_eq!((done.get(), crowd.most()), (100, 10));
        iter(0..100)
            .for_each_concurrent(None, |_| async {
                crowd.clone().with(10).await;
            })
            .await;
        assert_eq!(crowd.most(), 100);
        assert!(start.elapsed() < ms(1000), "they run side by side");
    });
}

#[test]
fn a_stream_that_is_always_ready_leaves_its_task_a_turn() {
    struct Endless;
    impl Stream for Endless {
        type Item = u8;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
            Poll::Ready(Some(0))
        }
    }
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let each = Endless.for_each_concurrent(None, |_| async {});
        assert!(timeout(ms(5), each).await.is_err());
        let each = Endless.for_each_concurrent(None, |_| std::future::pending::<()>());
        assert!(timeout(ms(5), each).await.is_err());
        let started = |_| async { yield_now().await };
        let unordered = Endless.map(started).buffer_unordered(usize::MAX).collect::<Vec<_>>();
        assert!(timeout(ms(5), unordered).await.is_err());
        let ordered = Endless.map(started).buffered(usize::MAX).collect::<Vec<_>>();
        assert!(timeout(ms(5), ordered).await.is_err());
    });
}

#[test]
fn items_are_changed_chosen_and_counted() {
    run(async {
        let some: Vec<_> =
            iter(0..20).skip(2).filter(|n| n % 3 == 0).enumerate().take(3).collect().await;
        assert_eq!(some, [(0, 3), (1, 6), (2, 9)]);
        let whiles: Vec<_> = iter([1, 2, 9, 1]).take_while(|n| *n < 5).collect().await;
        assert_eq!(whiles, [1, 2]);
        let chained: String = iter(["a", "b"]).chain(iter(["c"])).collect().await;
        assert_eq!(chained, "abc");
        let pairs: Vec<_> = iter(1..).zip(iter(["a", "b"])).collect().await;
        assert_eq!(pairs, [(1, "a"), (2, "b")]);
        assert_eq!(iter(1..=4).fold(0, |sum, n| sum + n).await, 10);
        assert_eq!(iter([1, 2, 3]).size_hint(), (3, Some(3)));
        assert_eq!(iter([1, 2, 3]).skip(1).take(5).filter(|_| true).size_hint(), (0, Some(2)));
        let seen = RefCell::new(Vec::new());
        let note = |n| seen.borrow_mut().push(n);
        iter([20, 10]).for_each(|n| async move { note(after(n).await) }).await;
        assert_eq!(*seen.borrow(), [20, 10]);
    });
}

#[test]
fn a_stream_that_has_ended_stays_so() {
    run(async {
        let mut merged = iter([1]).merge(iter([2]));
        let mut taken = iter(1..).take(1);
        let mut whiles = iter(1..).take_while(|n| *n < 2);
        let mut zipped = iter(1..).zip(iter([1]));
        assert!(merged.next().await.is_some() && merged.next().await.is_some());
        assert!(taken.next().await.is_some() && whiles.next().await.is_some());
        assert!(zipped.next().await.is_some());
        for _ in 0..3 {
            assert!(merged.next().await.is_none() && taken.next().await.is_none());
            assert!(whiles.next().await.is_none() && zipped.next().await.is_none());
        }
    });
}

#[test]
fn merged_streams_take_turns_and_neither_is_held_up() {
    run(async {
        let merged: Vec<_> = iter([1, 3, 5]).merge(iter([2, 4])).collect().await;
        assert_eq!(merged, [1, 2, 3, 4, 5]);
        let slow = iter([25, 25]).then(after);
        let quick = iter([10, 10, 10]).then(after);
        assert_eq!(slow.merge(quick).collect::<Vec<_>>().await, [10, 10, 25, 10, 25]);
    });
}

#[test]
fn both_sides_of_a_pair_are_waited_for_at_once() {
    run(async {
        let start = Instant::now();
        let pairs = iter([30, 30]).then(after).zip(iter([30, 30]).then(after));
        assert_eq!(pairs.collect::<Vec<_>>().await.len(), 2);
        assert_eq!(start.elapsed(), ms(60));
    });
}

#[test]
fn a_late_item_is_told_each_time_and_comes_all_the_same() {
    run(async {
        let mut stream = pin!(iter([5, 25, 5]).then(after).timeout(ms(10)));
        let mut seen = Vec::new();
        while let Some(item) = stream.next().await {
            seen.push(item.map_err(|elapsed| elapsed.limit()));
        }
        let late = Err(Some(ms(10)));
        assert_eq!(seen, [Ok(5), late, late, Ok(25), Ok(5)]);
    });
}

#[test]
fn a_throttled_stream_keeps_its_distance() {
    run(async {
        let start = Instant::now();
        let mut stream = pin!(iter(0..3).throttle(ms(100)));
        for expected in [0, 100, 200] {
            assert!(stream.next().await.is_some());
            assert_eq!(start.elapsed(), ms(expected));
        }
        assert_eq!(stream.next().await, None);
    });
}

/// What is always ready lets other tasks run, whatever goes through it.
#[test]
fn an_endless_stream_gives_way() {
    run(async {
        for way in 0..5 {
            let (tell, told) = oneshot::channel::<()>();
            let over = Rc::new(Cell::new(false));
            drop(spawn(async move { tell.send(()) }));
            let sees = over.clone();
            drop(corio_runtime::spawn_local(async move {
                told.await.unwrap();
                sees.set(true);
            }));
            let endless = iter(0_u64..).take_while(|_| !over.get());
            match way {
                0 => assert!(endless.filter(|_| false).collect::<Vec<_>>().await.is_empty()),
                1 => assert!(endless.fold(0, |count, _| count + 1).await > 0),
                2 => endless.for_each(|_| async {}).await,
                3 => assert!(endless.chunks(usize::MAX).collect::<Vec<_>>().await.len() == 1),
                _ => assert!(endless.skip(usize::MAX).next().await.is_none()),
            }
        }
    });
}

#[test]
fn receivers_are_streams() {
    run(async {
        let (sender, receiver) = mpsc::channel(2);
        let sending = spawn(async move {
            for n in 0..10 {
                sender.send(n).await.unwrap();
            }
        });
        let even = receiver.filter(|n| n % 2 == 0).map(|n| n * 10);
        assert_eq!(even.collect::<Vec<_>>().await, [0, 20, 40, 60, 80]);
        sending.await.unwrap();
    });
}

#[test]
fn a_generator_runs_only_as_far_as_it_is_asked() {
    run(async {
        let steps = Rc::new(Cell::new(0));
        let noted = steps.clone();
        let mut stream = Box::pin(generate(|y| async move {
            for n in 1.. {
                noted.set(n);
                y.emit(n).await;
            }
        }));
        assert_eq!(steps.get(), 0);
        for n in 1..4 {
            assert_eq!(stream.next().await, Some(n));
            yield_now().await;
            assert_eq!(steps.get(), n);
        }
        drop(stream);
        assert_eq!(Rc::strong_count(&steps), 1, "the body goes with its stream");
    });
}

/// Dropped in the middle, or left at its end, its cleanups run.
#[test]
fn a_generator_cleans_up() {
    run(async {
        for items in [1, 9] {
            let cleaned = Arc::new(corio_sync::prim::AtomicBool::new(false));
            let tells = cleaned.clone();
            let task = spawn(async move {
                let stream = generate(|y: Yielder<u32>| async move {
                    let body = async {
                        for n in 0..5 {
                            y.emit(n).await;
                        }
                    };
                    finally(body, move || async move {
                        sleep(ms(10)).await;
                        // Ordering: Relaxed, the end of the task publishes it.
                        tells.store(true, corio_sync::prim::Ordering::Relaxed);
                    })
                    .await;
                });
                stream.take(items).collect::<Vec<_>>().await.len()
            });
            assert_eq!(task.await.unwrap(), items.min(5));
            // Ordering: Relaxed, as above.
            assert!(cleaned.load(corio_sync::prim::Ordering::Relaxed));
        }
    });
}

#[test]
fn close_waits_for_the_cleanups_of_what_it_drops() {
    run(async {
        let start = Instant::now();
        let body = |count: u64| async move {
            let waits = async { std::future::pending::<u64>().await };
            finally(waits, move || async move { drop(after(count).await.to_string()) }).await
        };
        let mut generator = Box::pin(generate(move |y| async move {
            y.emit(0).await;
            y.emit(body(10).await).await;
        }));
        assert_eq!(generator.next().await, Some(0));
        assert!(poll_once(generator.as_mut()).await.is_pending());
        generator.close().await;
        assert_eq!(start.elapsed(), ms(10));
        let mut several = Box::pin(iter([30, 20]).map(body).buffered(2));
        assert!(poll_once(several.as_mut()).await.is_pending());
        several.close().await;
        assert_eq!(start.elapsed(), ms(40));
        iter([1]).close().await;
    });
}

#[test]
fn several_parts_of_a_generator_may_emit() {
    run(async {
        // Concurrently within it.
        let stream = generate(|y| async move {
            gather((0..5).map(|n| y.emit(n))).await;
        });
        let mut items: Vec<_> = stream.collect().await;
        items.sort_unstable();
        assert_eq!(items, [0, 1, 2, 3, 4]);
        // In tasks of their own, of which one goes on when nobody listens any more.
        let (over, ended) = oneshot::channel();
        let mut stream = Box::pin(generate(|y| async move {
            let y = Arc::new(y);
            let tasks: Vec<_> = (0..5)
                .map(|n| {
                    let y = y.clone();
                    spawn(async move { y.emit(n).await })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            drop(spawn(async move {
                for n in 5..50 {
                    y.emit(n).await;
                }
                over.send(()).unwrap();
            }));
            std::future::pending::<()>().await;
        }));
        let mut items: Vec<_> = Vec::new();
        while items.len() < 7 {
            items.extend(stream.next().await);
        }
        items.sort_unstable();
        assert_eq!(items, [0, 1, 2, 3, 4, 5, 6]);
        assert!(poll_once(stream.as_mut()).await != Poll::Ready(None));
        drop(stream);
        ended.await.unwrap();
    });
}

#[test]
fn an_item_emitted_beside_the_stream_in_the_task_that_polls_it_comes() {
    for emitter_first in [true, false] {
        run(async {
            let mut moved_out = None;
            let mut numbers = generate(|y| {
                moved_out = Some(y);
                std::future::pending::<()>()
            });
            let y = moved_out.unwrap();
            let mut emitting = pin!(async {
                y.emit(1).await;
                y.emit(2).await;
            });
            let mut taking = pin!(async { (numbers.next().await, numbers.next().await) });
            let both = poll_fn(|cx| {
                if emitter_first {
                    let _ = emitting.as_mut().poll(cx);
                }
                let taken = taking.as_mut().poll(cx);
                if !emitter_first && taken.is_pending() {
                    let _ = emitting.as_mut().poll(cx);
                }
                taken
            });
            assert_eq!(timeout(ms(1000), both).await, Ok((Some(1), Some(2))));
        });
    }
}

#[test]
fn an_item_whose_emit_is_given_up_does_not_come() {
    run(async {
        let stream = generate(|y| async move {
            let (mut first, mut second) = (Box::pin(y.emit("first")), Box::pin(y.emit("second")));
            // Both are begun, and the one whose item is in place is dropped before anybody sees it.
            poll_fn(|cx| {
                let _ = (first.as_mut().poll(cx), second.as_mut().poll(cx));
                Poll::Ready(())
            })
            .await;
            drop(first);
            second.await;
        });
        assert_eq!(stream.collect::<Vec<_>>().await, ["second"]);
    });
}

#[test]
fn an_error_is_the_last_item() {
    run(async {
        let stream = try_generate(|y| async move {
            y.emit(1).await;
            Err::<(), _>("broken")?;
            y.emit(2).await;
            Ok(())
        });
        assert_eq!(stream.collect::<Vec<_>>().await, [Ok(1), Err("broken")]);
        let stream = try_generate(|y| async move {
            y.emit(1).await;
            Ok::<_, ()>(())
        });
        assert_eq!(stream.collect::<Vec<_>>().await, [Ok(1)]);
    });
}

#[test]
fn what_would_never_come_is_refused() {
    let message = |f: fn()| {
        let payload = std::panic::catch_unwind(f).unwrap_err();
        payload.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned())
    };
    assert!(message(|| drop(iter([1]).chunks(0))).contains("ask for at least 1"));
    assert!(message(|| drop(iter([after(1)]).buffered(0))).contains("allow at least 1"));
    assert!(message(|| drop(iter([after(1)]).buffer_unordered(0))).contains("allow at least 1"));
}

#[test]
fn streams_of_what_may_be_sent_may_be_sent() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    run(async {
        let stream = send(generate(|y| async move { y.emit(after(1).await).await }));
        let stream = send(send(stream.map(after).buffered(2)).timeout(ms(100)).chunks(1));
        assert_eq!(spawn(stream.collect::<Vec<_>>()).await.unwrap(), [[Ok(1)]]);
    });
}

/// Goes through `stream` and counts what is left at each step: a hint is never wrong.
async fn check_hint<S: Stream>(what: &str, exact: bool, stream: S) {
    let mut stream = pin!(stream);
    let mut hints = vec![stream.size_hint()];
    while stream.next().await.is_some() {
        hints.push(stream.size_hint());
    }
    let count = hints.len() - 1;
    hints.push(stream.size_hint());
    for (taken, (low, high)) in hints.into_iter().enumerate() {
        let left = count.saturating_sub(taken);
        assert!(low <= left, "{what}: {left} left, and at least {low} said");
        assert!(high.is_none_or(|high| left <= high), "{what}: {left} left, {high:?} said");
        assert!(!exact || (low, high) == (left, Some(left)), "{what}: {left}, {low} to {high:?}");
    }
}

/// A stream that gives way before each item, so that others are asked in between.
fn slow(n: usize) -> impl Stream<Item = usize> {
    iter(0..n).then(|i| async move {
        for _ in 0..i % 3 {
            yield_now().await;
        }
        i
    })
}

#[test]
fn a_hint_holds_at_every_item() {
    run(async {
        for n in [0, 1, 2, 3, 7, 10] {
            check_hint("iter", true, iter(0..n)).await;
            check_hint("map", true, slow(n).map(|i| i + 1)).await;
            check_hint("then", true, slow(n)).await;
            check_hint("enumerate", true, slow(n).enumerate()).await;
            check_hint("filter", false, slow(n).filter(|i| i % 2 == 0)).await;
            check_hint("filter_map", false, slow(n).filter_map(|i| (i > 2).then_some(i))).await;
            check_hint("take_while", false, slow(n).take_while(|i| *i < 4)).await;
            check_hint("throttle", true, slow(n).throttle(ms(1))).await;
            let late = iter(0..n).then(|i| async move { after(i as u64 * 5).await });
            check_hint("timeout", false, late.timeout(ms(7))).await;
            check_hint("filtered", false, slow(n).filter(|i| i % 3 > 0).chunks(2)).await;
            let emitted = move |y: Yielder<usize>| async move {
                for i in 0..n {
                    y.emit(i).await;
                }
            };
            check_hint("generate", false, generate(emitted)).await;
            let failing = move |y: Yielder<usize>| async move {
                y.emit(n).await;
                Err(n)
            };
            check_hint("try_generate", false, try_generate(failing)).await;
            for m in [0, 1, 2, 3, 5, 20] {
                check_hint("take", true, slow(n).take(m)).await;
                check_hint("skip", true, slow(n).skip(m)).await;
                check_hint("chain", true, slow(n).chain(slow(m))).await;
                check_hint("merge", true, slow(n).merge(slow(m))).await;
                check_hint("zip", true, slow(n).zip(slow(m))).await;
                let chosen = slow(m).filter(|i| i % 2 == 0);
                check_hint("zip of some", false, slow(n).zip(chosen)).await;
                let chosen = slow(m).filter(|i| i % 2 == 0);
                check_hint("merge of some", false, slow(n).merge(chosen)).await;
                if m > 0 {
                    check_hint("chunks", true, slow(n).chunks(m)).await;
                    let futures = || iter(0..n as u64).map(|i| after(10 - i % 7));
                    check_hint("buffered", true, futures().buffered(m)).await;
                    check_hint("buffer_unordered", true, futures().buffer_unordered(m)).await;
                }
            }
        }
    });
}

#[test]
fn a_hint_does_not_overflow() {
    run(async {
        let endless = || iter(std::iter::repeat(1));
        assert_eq!(endless().size_hint(), (usize::MAX, None));
        assert_eq!(endless().chain(endless()).size_hint(), (usize::MAX, None));
        assert_eq!(endless().merge(iter([1])).size_hint(), (usize::MAX, None));
        assert_eq!(endless().zip(iter([1, 2])).size_hint(), (2, Some(2)));
        let most = usize::MAX;
        assert_eq!(iter(0..most).chain(iter([1])).size_hint(), (most, None));
        assert_eq!(iter(0..most).chunks(most).size_hint(), (1, Some(1)));
        assert_eq!(endless().chunks(2).size_hint(), (most.div_ceil(2), None));
    });
}
