//! Queues.

use std::fmt::Debug;

use crate::kit::queue::*;
use crate::kit::*;

/// The three orders, each of which a test goes through.
macro_rules! each_kind {
    ($test:ident) => {
        on_all(|| async {
            $test::<Fifo<u32>>().await;
            $test::<Lifo<u32>>().await;
            $test::<Priority<u32>>().await;
        })
    };
}

/// What a kind of queue must be for these tests.
trait Kind: Storage<Item = u32> + Default + Debug + Send + 'static {}
impl<S: Storage<Item = u32> + Default + Debug + Send + 'static> Kind for S {}

#[test]
fn q_03_an_empty_queue_says_so() {
    on_all(|| async {
        let queue = Queue::<u8>::bounded(2);
        assert!(queue.is_empty() && !queue.is_full());
        assert_eq!((queue.len(), queue.try_get()), (0, Err(TryGetError::Empty)));
    });
}

/// A blocked getter returns the item that is put in afterwards, once it runs again.
#[test]
fn q_07_a_blocked_getter_gets_what_is_put_in_later() {
    on_all(|| async {
        let queue = Queue::unbounded();
        let theirs = queue.clone();
        let getter = blocked(async move { theirs.get().await }).await;
        queue.try_put(5).unwrap();
        assert_eq!(getter.output().await, Ok(5));
    });
}

/// Blocked getters are served in the order in which they came.
#[test]
fn q_08_blocked_getters_are_served_in_order() {
    on_all(|| async {
        let queue = Queue::unbounded();
        let mut getters = Vec::new();
        for _ in 0..4 {
            let theirs = queue.clone();
            getters.push(blocked(async move { theirs.get().await }).await);
        }
        for (item, getter) in getters.into_iter().enumerate() {
            queue.try_put(item).unwrap();
            assert_eq!(getter.output().await, Ok(item));
        }
    });
}

/// A thousand items go through a queue with room for one, in order.
#[test]
fn q_11_a_thousand_items_pass_a_queue_of_one_in_order() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        let theirs = queue.clone();
        let putter = spawn(async move {
            for item in 0..1000 {
                theirs.put(item).await.unwrap();
            }
        });
        for item in 0..1000 {
            assert_eq!(queue.get().await, Ok(item));
        }
        putter.output().await;
    });
}

/// The text form tells the bound, the items, who waits, and what is unfinished.
#[test]
fn q_12_the_text_form_tells_the_state() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        queue.try_put(1).unwrap();
        let _putters = [waiting(queue.put(2)).await, waiting(queue.put(3)).await];
        let text = format!("{queue:?}");
        for part in ["len: 1", "capacity: 1", "waiting_senders: 2", "unfinished: 1"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        let queue = Queue::<u8>::unbounded();
        let _getter = waiting(queue.get()).await;
        assert!(format!("{queue:?}").contains("waiting_receivers: 1"));
    });
}

/// The first of two getters is woken, and cancelled before it runs: the second gets the item.
#[test]
fn q_14_a_woken_getter_that_is_cancelled_passes_its_item_on() {
    on_all(|| async {
        let queue = Queue::unbounded();
        let first = waiting(queue.get()).await;
        let theirs = queue.clone();
        let second = blocked(async move { theirs.get().await }).await;
        queue.try_put(7).unwrap();
        drop(first);
        assert_eq!(second.output().await, Ok(7));
    });
}

/// Of many getters all but one are cancelled: that one is served, and nobody is left in the line.
#[test]
fn q_15_the_getter_that_stays_is_served() {
    on_all(|| async {
        let queue = Queue::unbounded();
        let mut getters = Vec::new();
        for _ in 0..20 {
            let theirs = queue.clone();
            getters.push(blocked(async move { theirs.get().await }).await);
        }
        let last = getters.pop().unwrap();
        for getter in getters {
            assert!(getter.cancel().await.is_none());
        }
        queue.try_put(3).unwrap();
        assert_eq!(last.output().await, Ok(3));
        assert!(format!("{queue:?}").contains("waiting_receivers: 0"));
    });
}

/// Gets that time out again and again leave nobody in the line.
#[test]
fn q_16_gets_that_time_out_leave_no_trace() {
    on_all(|| async {
        let queue = Queue::<u8>::unbounded();
        for _ in 0..5 {
            assert!(timeout(SHORT, queue.get()).await.is_none());
            assert!(format!("{queue:?}").contains("waiting_receivers: 0"));
        }
    });
}

/// A putter that was woken for a slot and is cancelled offers the slot to the next.
#[test]
fn q_18_a_woken_putter_that_is_cancelled_passes_its_slot_on() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        queue.try_put(0).unwrap();
        let first = waiting(queue.put(1)).await;
        let theirs = queue.clone();
        let second = blocked(async move { theirs.put(2).await }).await;
        assert_eq!(queue.try_get(), Ok(0));
        drop(first);
        second.output().await.unwrap();
        assert_eq!((queue.try_get(), queue.try_get()), (Ok(2), Err(TryGetError::Empty)));
    });
}

/// Puts that are cancelled again and again leave nobody in the line.
#[test]
fn q_19_cancelled_puts_leave_no_trace() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        queue.try_put(0).unwrap();
        for item in 1..6 {
            let theirs = queue.clone();
            let putter = blocked(async move { theirs.put(item).await }).await;
            assert!(putter.cancel().await.is_none());
            assert!(format!("{queue:?}").contains("waiting_senders: 0"));
        }
        assert_eq!((queue.try_get(), queue.len()), (Ok(0), 0));
    });
}

/// Cancelling a putter that has left the line already, because a slot was offered to it, is no error.
#[test]
fn q_20_cancelling_a_putter_that_was_served_is_no_error() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        queue.try_put(0).unwrap();
        let putter = waiting(queue.put(1)).await;
        assert_eq!(queue.try_get(), Ok(0));
        assert!(queue.try_put(2).is_err(), "the slot is the putter's");
        drop(putter);
        queue.try_put(2).unwrap();
        assert_eq!(queue.try_get(), Ok(2));
    });
}

/// A cancelled getter with nothing to pass on wakes nobody.
#[test]
fn q_21_a_cancelled_getter_without_an_item_wakes_nobody() {
    on_all(|| async {
        let queue = Queue::unbounded();
        let first = waiting(queue.get()).await;
        let mut second = waiting(queue.get()).await;
        queue.try_put(1).unwrap();
        queue.shutdown(Shutdown::Immediate);
        drop(first);
        assert!(now(second.as_mut()).await.is_err(), "woken by the shutdown, without an item");
        let queue = Queue::<u8>::unbounded();
        let first = waiting(queue.get()).await;
        let mut second = waiting(queue.get()).await;
        drop(first);
        assert!(poll_once(second.as_mut()).await.is_pending());
    });
}

/// Of two blocked putters the first is cancelled: after one get the second one's item is in.
#[test]
fn q_22_the_second_putters_item_enters() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        queue.try_put(0).unwrap();
        let (a, b) = (queue.clone(), queue.clone());
        let first = blocked(async move { a.put(1).await }).await;
        let second = blocked(async move { b.put(2).await }).await;
        assert!(first.cancel().await.is_none());
        assert_eq!(queue.get().await, Ok(0));
        second.output().await.unwrap();
        assert_eq!(queue.get().await, Ok(2));
    });
}

/// A getter that is cancelled before it was woken takes nothing.
#[test]
fn q_23_a_getter_cancelled_before_it_was_woken_takes_nothing() {
    on_all(|| async {
        let queue = Queue::unbounded();
        let getter = waiting(queue.get()).await;
        drop(getter);
        queue.try_put(1).unwrap();
        queue.try_put(2).unwrap();
        assert_eq!((queue.len(), queue.try_get(), queue.try_get()), (2, Ok(1), Ok(2)));
    });
}

async fn counts_what_was_put<S: Kind>() {
    let queue = QueueOf::<S>::unbounded();
    now(queue.join()).await;
    for item in 0..3 {
        queue.try_put(item).unwrap();
    }
    let theirs = queue.clone();
    let join = blocked(async move { theirs.join().await }).await;
    for done in 0..3 {
        queue.get().await.unwrap();
        settle().await;
        assert!(!join.is_finished(), "got is not done");
        assert_eq!(queue.unfinished(), 3 - done);
        queue.task_done().unwrap();
    }
    join.output().await;
    assert!(queue.task_done().is_err());
    // After zero another item makes it wait again.
    queue.try_put(9).unwrap();
    drop(waiting(queue.join()).await);
}

/// `join` of a queue that was never used returns at once; else it waits for one `task_done` for each
/// item that was put in, and again for items that come later; the same for all kinds.
#[test]
fn q_25_26_28_29_join_waits_for_each_item_that_was_put() {
    each_kind!(counts_what_was_put);
}

/// All who wait in `join` go on together.
#[test]
fn q_27_all_joiners_go_on_together() {
    on_all(|| async {
        let queue = Queue::unbounded();
        queue.try_put(1).unwrap();
        let mut joiners = Vec::new();
        for _ in 0..4 {
            let theirs = queue.clone();
            joiners.push(blocked(async move { theirs.join().await }).await);
        }
        queue.get().await.unwrap();
        queue.task_done().unwrap();
        for joiner in joiners {
            joiner.output().await;
        }
    });
}

/// Cancelling one who waits in `join` changes nothing in what is counted.
#[test]
fn q_30_a_cancelled_joiner_leaves_the_count_alone() {
    on_all(|| async {
        let queue = Queue::unbounded();
        queue.try_put(1).unwrap();
        let (a, b) = (queue.clone(), queue.clone());
        let cancelled = blocked(async move { a.join().await }).await;
        let stays = blocked(async move { b.join().await }).await;
        assert!(cancelled.cancel().await.is_none());
        assert_eq!(queue.unfinished(), 1);
        queue.task_done().unwrap();
        stays.output().await;
    });
}

async fn graceful<S: Kind>() {
    let queue = QueueOf::<S>::bounded(2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let theirs = queue.clone();
    let putter = blocked(async move { theirs.put(3).await }).await;
    queue.shutdown(Shutdown::Graceful);
    assert_eq!(putter.output().await.unwrap_err().into_inner(), 3, "with its item");
    let theirs = queue.clone();
    let join = blocked(async move { theirs.join().await }).await;
    let mut got = [queue.get().await.unwrap(), queue.get().await.unwrap()];
    got.sort();
    assert_eq!(got, [1, 2]);
    assert!(queue.get().await.is_err() && queue.try_get() == Err(TryGetError::ShutDown));
    queue.task_done().unwrap();
    settle().await;
    assert!(!join.is_finished(), "one item is not done");
    queue.task_done().unwrap();
    join.output().await;
    assert!(queue.task_done().is_err(), "one too many");
}

/// A graceful shutdown refuses blocked putters and lets what is in the queue come out; `join` waits for
/// that, and one `task_done` too many is an error.
#[test]
fn q_32_33_a_graceful_shutdown_drains() {
    each_kind!(graceful);
}

async fn immediate<S: Kind>() {
    // Nothing was taken: everything counts as done, and the joiners go on.
    let queue = QueueOf::<S>::unbounded();
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let theirs = queue.clone();
    let join = blocked(async move { theirs.join().await }).await;
    queue.shutdown(Shutdown::Immediate);
    assert_eq!((queue.len(), queue.unfinished()), (0, 0));
    join.output().await;
    // One was taken: `join` waits for that one.
    let queue = QueueOf::<S>::unbounded();
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    queue.get().await.unwrap();
    let theirs = queue.clone();
    let join = blocked(async move { theirs.join().await }).await;
    queue.shutdown(Shutdown::Immediate);
    settle().await;
    assert!(!join.is_finished());
    queue.task_done().unwrap();
    join.output().await;
    assert!(queue.task_done().is_err(), "a second one");
}

/// An immediate shutdown empties the queue at once and counts what it dropped as done, but not what was
/// got before.
#[test]
fn q_34_35_an_immediate_shutdown_empties() {
    each_kind!(immediate);
}

async fn in_any_order<S: Kind>() {
    let queue = QueueOf::<S>::unbounded();
    queue.try_put(1).unwrap();
    queue.shutdown(Shutdown::Graceful);
    queue.shutdown(Shutdown::Graceful);
    assert_eq!(queue.len(), 1);
    queue.shutdown(Shutdown::Immediate);
    assert_eq!(queue.len(), 0);
    queue.shutdown(Shutdown::Graceful);
    queue.shutdown(Shutdown::Immediate);
    assert!(queue.is_shut_down() && queue.unfinished() == 0);
}

/// Immediate after graceful drains the rest; graceful after immediate changes nothing; each may be called
/// twice.
#[test]
fn q_36_shutdowns_may_follow_one_another() {
    each_kind!(in_any_order);
}

/// A put is refused for the shutdown, whether there is room or not.
#[test]
fn q_37_the_shutdown_is_looked_at_before_the_room() {
    on_all(|| async {
        for filled in [0, 1] {
            let queue = Queue::bounded(1);
            (0..filled).for_each(|item| queue.try_put(item).unwrap());
            queue.shutdown(Shutdown::Graceful);
            assert_eq!(queue.try_put(8), Err(TryPutError::ShutDown(8)));
            assert_eq!(now(queue.put(9)).await.unwrap_err().into_inner(), 9);
        }
    });
}

/// A putter that was woken for a slot when the queue is shut down has put nothing.
#[test]
fn q_40_a_woken_putter_puts_nothing_after_a_shutdown() {
    on_all(|| async {
        let queue = Queue::bounded(1);
        queue.try_put(0).unwrap();
        let mut putter = waiting(queue.put(1)).await;
        assert_eq!(queue.try_get(), Ok(0));
        queue.shutdown(Shutdown::Graceful);
        assert_eq!(now(putter.as_mut()).await.unwrap_err().into_inner(), 1);
        assert_eq!((queue.len(), queue.try_get()), (0, Err(TryGetError::ShutDown)));
    });
}

async fn all_getters_end<S: Kind>() {
    for how in [Shutdown::Graceful, Shutdown::Immediate] {
        let queue = QueueOf::<S>::unbounded();
        let mut getters = Vec::new();
        for _ in 0..3 {
            let theirs = queue.clone();
            getters.push(blocked(async move { theirs.get().await }).await);
        }
        queue.shutdown(how);
        for getter in getters {
            assert!(getter.output().await.is_err());
        }
    }
}

/// A shutdown releases every blocked getter with the error.
#[test]
fn q_41_a_shutdown_releases_all_getters() {
    each_kind!(all_getters_end);
}
