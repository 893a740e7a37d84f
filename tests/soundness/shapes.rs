//! Values of every shape pass through the channels, and are dropped once.

use std::fmt::Debug;
use std::num::{NonZeroU8, NonZeroU64};
use std::rc::Rc;
use std::sync::Arc;

use corio::queue::{LifoQueue, PriorityQueue, Queue, Shutdown};
use corio::sync::{broadcast, channel, mpsc, oneshot, watch};

use crate::common::{multi, on_all, single};

/// Sends values through every kind of channel in which they need only be moved, a few at a time.
async fn through_all<T>(mut values: Vec<T>) -> Vec<T> {
    let count = values.len();
    let (sender, mut receiver) = mpsc::channel(2);
    let mut received = Vec::new();
    let sending = async {
        for value in values.drain(..) {
            assert!(sender.send(value).await.is_ok());
        }
    };
    let receiving = async {
        while received.len() < count {
            received.push(receiver.recv().await.unwrap());
        }
    };
    corio::join!(sending, receiving);
    assert!(receiver.try_recv().is_err());

    let (sender, mut receiver) = mpsc::unbounded();
    for value in received.drain(..) {
        assert!(sender.send(value).is_ok());
    }
    assert_eq!(receiver.recv_many(&mut values, usize::MAX).await, count);

    let (sender, receiver) = channel::bounded(count);
    for value in values.drain(..) {
        assert!(sender.try_send(value).is_ok());
    }
    while let Ok(value) = receiver.try_recv() {
        received.push(value);
    }

    for value in received.drain(..) {
        let (sender, mut receiver) = oneshot::channel();
        assert!(receiver.try_recv().is_err());
        assert!(sender.send(value).is_ok());
        values.push(receiver.await.unwrap());
    }

    let (fifo, lifo) = (Queue::bounded(count), LifoQueue::unbounded());
    for value in values.drain(..) {
        assert!(fifo.try_put(value).is_ok());
    }
    while let Ok(value) = fifo.try_get() {
        assert!(lifo.put(value).await.is_ok());
    }
    while let Ok(value) = lifo.try_get() {
        received.insert(0, value);
    }

    // A watched value is replaced, and what was there comes back.
    let (sender, receiver) = watch::channel(received.remove(0));
    for value in received.drain(..) {
        values.push(sender.send_replace(value));
    }
    drop((sender, receiver));
    values
}

/// Sends values to two receivers, one of which is behind.
async fn broadcast_all<T: Clone + PartialEq + Debug>(values: &[T]) {
    let (sender, mut quick) = broadcast::channel(2);
    let mut slow = sender.subscribe();
    for value in values {
        assert!(sender.send(value.clone()).is_ok());
        assert_eq!(quick.recv().await.as_ref(), Ok(value));
    }
    assert_eq!(slow.recv().await, Err(broadcast::RecvError::Lagged(values.len() as u64 - 2)));
    assert_eq!(slow.recv().await.as_ref(), Ok(&values[values.len() - 2]));
}

/// All of the above; the last value of `through_all` stays with the watch channel.
async fn check<T: Clone + PartialEq + Debug>(values: Vec<T>) {
    let through = through_all(values.clone()).await;
    assert_eq!(through, values[..through.len()]);
    assert_eq!(through.len(), values.len() - 1);
    broadcast_all(&values).await;
}

#[test]
fn u07_values_without_a_pattern_of_zeros_pass_through() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let texts: Vec<String> = (0..9).map(|i| i.to_string()).collect();
            // References to what is in this function, and others.
            check(texts.iter().collect()).await;
            check(texts.iter().map(String::as_str).collect()).await;
            check((1..9).map(|i| NonZeroU64::new(i).unwrap()).collect()).await;
            check((1..9).map(|i| NonZeroU8::new(i).unwrap()).collect()).await;
            check((1..9_u64).map(Box::new).collect()).await;
            check(vec![(); 9]).await;
            check(vec![[0_u64; 0]; 9]).await;
            check((0..9).map(|i| if i % 2 == 0 { Some(Rc::new(i)) } else { None }).collect()).await;
            check(vec![true, false, true, true, false]).await;
            check(vec![std::cmp::Ordering::Less, std::cmp::Ordering::Greater, "b".cmp("b")]).await;
            let functions = (0..9_u64).map(|i| Box::new(move || i) as Box<dyn Fn() -> u64>);
            let called: Vec<_> =
                through_all(functions.collect()).await.iter().map(|function| function()).collect();
            assert_eq!(called, [0, 1, 2, 3, 4, 5, 6, 7]);

            let least = PriorityQueue::unbounded();
            for text in texts.iter().rev() {
                least.put((NonZeroU8::MIN, text)).await.unwrap();
            }
            for text in &texts {
                assert_eq!(least.get().await.unwrap().1, text);
            }
        });
    }
}

#[test]
fn u07_what_is_left_in_a_channel_is_dropped_once() {
    on_all(|| async {
        let value = Arc::new(());
        for left in 0..70 {
            let copies = || std::iter::repeat_n(value.clone(), left);
            let (sender, receiver) = mpsc::unbounded();
            let (bounded, other) = channel::bounded(100);
            let queue = Queue::unbounded();
            let (all, first) = broadcast::channel(16);
            for ((one, two), (three, four)) in copies().zip(copies()).zip(copies().zip(copies())) {
                sender.send(one).unwrap();
                bounded.try_send(two).unwrap();
                queue.try_put(three).unwrap();
                all.send(four).unwrap();
            }
            let (once, unheard) = oneshot::channel();
            once.send(value.clone()).unwrap();
            let (watched, _) = watch::channel(value.clone());
            if left % 2 == 0 {
                drop((sender, bounded, all));
                drop((receiver, other, first, unheard));
            } else {
                drop((receiver, other, first, unheard));
                drop((sender, bounded, all));
            }
            queue.shutdown(Shutdown::Immediate);
            drop((queue, watched));
            assert_eq!(Arc::strong_count(&value), 1, "{left} were left");
        }
    });
}
