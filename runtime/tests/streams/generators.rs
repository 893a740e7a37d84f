//! Streams that an async block emits.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use corio_runtime::stream::{StreamExt, Yielder, generate, iter, try_generate};
use corio_runtime::structured::{finally, gather};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::oneshot;
use corio_sync::prim::Arc;

use crate::kit::ms;
use crate::support::{after, poll_once, run};

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
