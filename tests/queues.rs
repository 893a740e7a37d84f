//! Queues, as asyncio has them: many producers, many consumers, an end, and a count of what is done.

mod common;

use std::time::Duration;

use common::on_all;
use corio::queue::{LifoQueue, PriorityQueue, Queue, Shutdown};

#[test]
fn producers_and_consumers() {
    on_all(|| async {
        let queue = Queue::bounded(3);
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                corio::spawn(async move {
                    let mut sum = 0;
                    while let Ok(number) = queue.get().await {
                        assert!(queue.len() <= 3);
                        sum += number;
                        queue.task_done().unwrap();
                    }
                    sum
                })
            })
            .collect();
        let producers: Vec<_> = (0..4_u64)
            .map(|i| {
                let queue = queue.clone();
                corio::spawn(async move {
                    for j in 0..100 {
                        queue.put(i * 100 + j).await.unwrap();
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.await.unwrap();
        }
        queue.join().await;
        queue.shutdown(Shutdown::Graceful);
        let mut sum = 0;
        for consumer in consumers {
            sum += consumer.await.unwrap();
        }
        assert_eq!(sum, 399 * 400 / 2);
        assert!(queue.task_done().is_err(), "more done than there was");
        assert_eq!(queue.put(1).await.unwrap_err().into_inner(), 1);
    });
}

#[test]
fn three_orders() {
    on_all(|| async {
        let (fifo, lifo, least) =
            (Queue::unbounded(), LifoQueue::unbounded(), PriorityQueue::unbounded());
        for number in [2, 3, 1] {
            fifo.put(number).await.unwrap();
            lifo.put(number).await.unwrap();
            least.put(number).await.unwrap();
        }
        let mut got = Vec::new();
        for _ in 0..3 {
            got.push((
                fifo.get().await.unwrap(),
                lifo.get().await.unwrap(),
                least.get().await.unwrap(),
            ));
        }
        assert_eq!(got, [(2, 1, 1), (3, 3, 2), (1, 2, 3)]);
    });
}

#[test]
fn a_full_and_an_empty_queue() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        assert!(queue.try_get().is_err());
        queue.try_put("one").unwrap();
        assert!(queue.is_full());
        assert_eq!(queue.try_put("two").unwrap_err().into_inner(), "two");
        assert!(corio::timeout(Duration::from_millis(1), queue.put("late")).await.is_err());
        assert_eq!(queue.get().await.unwrap(), "one");
        assert!(corio::timeout(Duration::from_millis(1), queue.get()).await.is_err());
        assert!(queue.is_empty(), "what gave up has put nothing");
    });
}

#[test]
fn an_immediate_end_throws_away_and_wakes_everybody() {
    on_all(|| async {
        let queue = Queue::<u8>::bounded(1);
        let waiting = {
            let queue = queue.clone();
            corio::spawn(async move { queue.get().await })
        };
        corio::yield_now().await;
        queue.shutdown(Shutdown::Immediate);
        assert!(waiting.await.unwrap().is_err());
        queue.join().await;
    });
}

#[test]
fn a_queue_between_threads_and_tasks() {
    on_all(|| async {
        let queue = Queue::bounded(2);
        let thread = {
            let queue = queue.clone();
            corio::spawn_blocking(move || {
                for i in 0..50 {
                    queue.put_blocking(i).unwrap();
                }
                queue.shutdown(Shutdown::Graceful);
            })
        };
        let mut got = Vec::new();
        while let Ok(i) = queue.get().await {
            got.push(i);
        }
        assert_eq!(got, (0..50).collect::<Vec<_>>());
        thread.await.unwrap();
    });
}
