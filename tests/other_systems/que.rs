//! The queue module of threads.

use std::sync::Arc;

use crate::kit::queue::*;
use crate::kit::*;

/// What is put in comes out in the queue's order.
#[test]
fn que_01_each_kind_has_its_order() {
    on_all(|| async {
        let queue = Queue::unbounded();
        queue.put("hello").await.unwrap();
        queue.put("world").await.unwrap();
        assert_eq!((queue.get().await, queue.get().await), (Ok("hello"), Ok("world")));
        let (least, latest) = (PriorityQueue::unbounded(), LifoQueue::unbounded());
        for item in [111, 333, 222] {
            least.put(item).await.unwrap();
            latest.put(item).await.unwrap();
        }
        let mut got = Vec::new();
        for _ in 0..3 {
            got.push((least.get().await.unwrap(), latest.get().await.unwrap()));
        }
        assert_eq!(got, [(111, 222), (222, 333), (333, 111)]);
    });
}

/// Compares by its first half alone.
#[derive(Debug)]
struct Rank(u32, &'static str);

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Rank {}
impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// Equal items come out as they went in; they need not be comparable in any other way.
#[test]
fn que_02_equal_priorities_keep_their_order() {
    on_all(|| async {
        let queue = PriorityQueue::unbounded();
        for item in [Rank(2, "c"), Rank(1, "a"), Rank(2, "d"), Rank(1, "b"), Rank(2, "e")] {
            queue.put(item).await.unwrap();
        }
        let mut got = String::new();
        while let Ok(item) = queue.try_get() {
            got.push_str(item.1);
        }
        assert_eq!(got, "abcde");
    });
}

/// A refused item is in the error; empty is told from shut down.
#[test]
fn que_03_the_try_forms_say_why() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        assert_eq!(queue.try_get(), Err(TryGetError::Empty));
        queue.try_put("first").unwrap();
        assert_eq!(queue.try_put("second"), Err(TryPutError::Full("second")));
        queue.shutdown(Shutdown::Immediate);
        assert_eq!(queue.try_put("third"), Err(TryPutError::ShutDown("third")));
        assert_eq!(queue.try_get(), Err(TryGetError::ShutDown));
    });
}

/// Two joins, of a task and of another, end when each item was reported; one report too many is an error.
#[test]
fn que_06_two_joins_end_together() {
    on_all(|| async {
        let queue = Queue::unbounded();
        (0..3).for_each(|item| queue.try_put(item).unwrap());
        let (a, b) = (queue.clone(), queue.clone());
        let joins = [
            blocked(async move { a.join().await }).await,
            blocked(async move { b.join().await }).await,
        ];
        for _ in 0..3 {
            assert!(!joins[0].is_finished() && !joins[1].is_finished());
            queue.get().await.unwrap();
            queue.task_done().unwrap();
        }
        for join in joins {
            join.output().await;
        }
        let error = queue.task_done().unwrap_err().to_string();
        assert!(error.contains("0 items unfinished"), "{error}");
    });
}

/// Graceful: puts fail at once, blocked putters get their items back, blocked getters wake, and what is in
/// the queue still comes out; for tasks and threads.
#[test]
fn que_07_a_graceful_shutdown_wakes_everybody() {
    on_all(|| async {
        let empty = Queue::<u32>::bounded(1);
        let (a, b) = (empty.clone(), empty.clone());
        let task = blocked(async move { a.get().await }).await;
        let thread = on_thread(move || b.get_blocking());
        empty.shutdown(Shutdown::Graceful);
        assert!(task.output().await.is_err() && thread.await.is_err());

        let full = Queue::bounded(1);
        full.put(1).await.unwrap();
        let (a, b) = (full.clone(), full.clone());
        let task = blocked(async move { a.put(2).await }).await;
        let thread = on_thread(move || b.put_blocking(3));
        full.shutdown(Shutdown::Graceful);
        assert_eq!(task.output().await.unwrap_err().into_inner(), 2);
        assert_eq!(thread.await.unwrap_err().into_inner(), 3);
        assert!(full.put(4).await.is_err());
        assert_eq!(full.get().await, Ok(1));
        assert!(full.get().await.is_err());
    });
}

/// Immediate: what is in the queue counts as done, `join` ends when what was taken is reported, and one
/// report more is an error; graceful afterwards changes nothing.
#[test]
fn que_08_an_immediate_shutdown_drops_what_is_left() {
    on_all(|| async {
        let queue = Queue::unbounded();
        (0..4).for_each(|item| queue.try_put(item).unwrap());
        queue.get().await.unwrap();
        let theirs = queue.clone();
        let join = blocked(async move { theirs.join().await }).await;
        queue.shutdown(Shutdown::Graceful);
        assert_eq!(queue.len(), 3);
        queue.shutdown(Shutdown::Immediate);
        queue.shutdown(Shutdown::Graceful);
        settle().await;
        assert_eq!((queue.len(), join.is_finished()), (0, false));
        queue.task_done().unwrap();
        join.output().await;
        assert!(queue.task_done().is_err());
    });
}

/// Fifty producers and fifty consumers: no item is lost or doubled, and each producer's order is kept.
#[test]
fn que_10_fifty_producers_and_fifty_consumers() {
    on_all(|| async {
        let queue = Queue::bounded(16);
        let mut producers = Vec::new();
        for producer in 0..50_u32 {
            let queue = queue.clone();
            producers.push(spawn(async move {
                for item in 0..40 {
                    queue.put((producer, item)).await.unwrap();
                }
            }));
        }
        let mut consumers = Vec::new();
        for _ in 0..50 {
            let queue = queue.clone();
            consumers.push(spawn(async move {
                let mut got = Vec::new();
                while let Ok(item) = queue.get().await {
                    got.push(item);
                }
                got
            }));
        }
        for producer in producers {
            producer.output().await;
        }
        queue.shutdown(Shutdown::Graceful);
        let mut all = Vec::new();
        for consumer in consumers {
            let got = consumer.output().await;
            for producer in 0..50 {
                let of_one = got.iter().filter(|item| item.0 == producer);
                assert!(of_one.is_sorted(), "the order of {producer}");
            }
            all.extend(got);
        }
        all.sort_unstable();
        assert_eq!(all.len(), 2000);
        all.dedup();
        assert_eq!(all.len(), 2000, "doubled");
    });
}

/// An item that was got is not kept alive by the queue.
#[test]
fn que_12_a_got_item_is_not_kept() {
    on_all(|| async {
        let (fifo, least) = (Queue::bounded(4), PriorityQueue::bounded(4));
        let item = Arc::new(1);
        fifo.put(item.clone()).await.unwrap();
        least.put(item.clone()).await.unwrap();
        assert_eq!(Arc::strong_count(&item), 3);
        drop((fifo.get().await, least.get().await));
        assert_eq!(Arc::strong_count(&item), 1);
    });
}
