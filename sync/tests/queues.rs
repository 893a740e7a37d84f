//! The queues, with asyncio's cases.

mod kit;

use std::sync::Arc;
use std::time::{Duration, Instant};

use corio_sync::prim::thread;
use corio_sync::queue::*;
use kit::*;

#[test]
fn q_01_an_unbounded_queue_is_never_full() {
    let queue = Queue::unbounded();
    (0..1000).for_each(|i| queue.try_put(i).unwrap());
    assert!(!queue.is_full());
    assert_eq!((queue.len(), queue.capacity()), (1000, None));
}

#[test]
fn q_02_q_03_full_and_empty_are_told() {
    let queue = Queue::bounded(2);
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    assert!(queue.is_full());
    assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
    assert_eq!(queue.try_get(), Ok(1));
    assert!(!queue.is_full());
}

#[test]
fn q_05_que_01_que_02_each_kind_has_its_order() {
    let queue = PriorityQueue::unbounded();
    [(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd')]
        .into_iter()
        .for_each(|item| queue.try_put(Rank(item)).unwrap());
    let out = [(); 4].map(|()| queue.try_get().unwrap().0.1);
    assert_eq!(out, ['b', 'd', 'a', 'c'], "equal ones as they came");
    let stack = LifoQueue::unbounded();
    [111, 333, 222].into_iter().for_each(|n| stack.try_put(n).unwrap());
    assert_eq!([(); 3].map(|()| stack.try_get().unwrap()), [222, 333, 111]);
}

/// Compares by its number alone.
struct Rank((u32, char));

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
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
        self.0.0.cmp(&other.0.0)
    }
}

#[test]
fn q_06_q_07_q_08_getters_are_served_in_order() {
    let queue = Queue::unbounded();
    now(queue.put(0)).unwrap();
    assert_eq!(now(queue.get()), Ok(0));
    let mut tasks = [(); 3].map(|()| waiting(queue.get()));
    for (i, task) in tasks.iter_mut().enumerate() {
        queue.try_put(i).unwrap();
        assert_eq!(task.output(), Ok(i));
    }
}

#[test]
fn q_09_putters_are_served_in_order_one_for_each_slot() {
    let queue = Queue::bounded(1);
    queue.try_put(0).unwrap();
    let mut tasks = [1, 2, 3].map(|n| waiting(queue.put(n)));
    for i in 0..3 {
        assert_eq!(queue.try_get(), Ok(i));
        tasks[i].output().unwrap();
        assert!(tasks[i + 1..].iter().all(|t| !t.is_woken()));
    }
}

#[test]
fn q_13_q_14_q_15_cancelled_getters_pass_their_turn_on() {
    let queue = Queue::unbounded();
    let mut tasks: Vec<_> = (0..20).map(|_| waiting(queue.get())).collect();
    queue.try_put(1).unwrap();
    assert!(tasks[0].is_woken());
    tasks[..19].iter_mut().for_each(Spawned::cancel);
    assert_eq!(tasks[19].output(), Ok(1));
}

#[test]
fn q_17_q_18_q_22_cancelled_putters_put_nothing_and_pass_their_slot_on() {
    let queue = Queue::bounded(1);
    queue.try_put(0).unwrap();
    let (mut a, mut b) = (waiting(queue.put(1)), waiting(queue.put(2)));
    queue.try_get().unwrap();
    a.cancel();
    b.output().unwrap();
    assert_eq!((queue.try_get(), queue.try_get()), (Ok(2), Err(TryGetError::Empty)));
}

#[test]
fn q_24_q_28_join_counts_what_was_put() {
    let queue = Queue::unbounded();
    assert!(queue.task_done().is_err());
    now(queue.join());
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let (mut a, mut b) = (waiting(queue.join()), waiting(queue.join()));
    let mut cancelled = waiting(queue.join());
    cancelled.cancel();
    queue.task_done().unwrap();
    assert!(!a.is_woken());
    queue.task_done().unwrap();
    a.output();
    b.output();
    assert!(queue.task_done().is_err());
    queue.try_put(3).unwrap();
    drop(waiting(queue.join()));
}

fn q_31_to_q_41<S: Storage<Item = u32> + Default>() {
    // Empty: all getters end.
    let queue = QueueOf::<S>::bounded(1);
    let (mut a, mut b) = (waiting(queue.get()), waiting(queue.get()));
    queue.shutdown(Shutdown::Graceful);
    assert!(a.output().is_err() && b.output().is_err());
    assert!(now(queue.put(1)).is_err() && now(queue.get()).is_err());
    assert_eq!(queue.try_put(1), Err(TryPutError::ShutDown(1)), "though there is room");
    assert_eq!(queue.try_get(), Err(TryGetError::ShutDown));
    now(queue.join());

    // With items: putters get theirs back, the rest comes out, join waits for it.
    let queue = QueueOf::<S>::bounded(1);
    queue.try_put(1).unwrap();
    let mut putter = waiting(queue.put(2));
    queue.shutdown(Shutdown::Graceful);
    assert_eq!(putter.output().unwrap_err().into_inner(), 2);
    let mut join = waiting(queue.join());
    assert_eq!(now(queue.get()), Ok(1));
    assert!(now(queue.get()).is_err());
    queue.task_done().unwrap();
    join.output();
    assert!(queue.task_done().is_err());

    // At once: what is in it counts as done, what was got does not.
    let queue = QueueOf::<S>::unbounded();
    [1, 2, 3].into_iter().for_each(|n| queue.try_put(n).unwrap());
    queue.try_get().unwrap();
    let mut join = waiting(queue.join());
    queue.shutdown(Shutdown::Graceful);
    queue.shutdown(Shutdown::Immediate);
    queue.shutdown(Shutdown::Graceful);
    assert_eq!((queue.len(), queue.unfinished()), (0, 1));
    assert!(!join.is_woken());
    queue.task_done().unwrap();
    join.output();
    assert!(queue.task_done().is_err());
}

#[test]
fn q_42_shutdown_is_the_same_for_all_kinds() {
    q_31_to_q_41::<Fifo<u32>>();
    q_31_to_q_41::<Lifo<u32>>();
    q_31_to_q_41::<Priority<u32>>();
}

#[test]
fn q_38_a_getter_that_was_promised_an_item_gets_it_after_a_graceful_shutdown() {
    let queue = Queue::unbounded();
    let mut first = waiting(queue.get());
    queue.try_put(1).unwrap();
    queue.shutdown(Shutdown::Graceful);
    let mut late = waiting(queue.get());
    assert_eq!(first.output(), Ok(1));
    assert!(late.output().is_err(), "the last item is gone");
}

#[test]
fn q_39_q_40_not_after_an_immediate_one_nor_does_a_putter_put() {
    let queue = Queue::bounded(1);
    let mut getter = waiting(queue.get());
    queue.try_put(1).unwrap();
    queue.shutdown(Shutdown::Immediate);
    assert!(getter.output().is_err());
    let queue = Queue::bounded(1);
    queue.try_put(1).unwrap();
    let mut putter = waiting(queue.put(2));
    queue.try_get().unwrap();
    queue.shutdown(Shutdown::Graceful);
    assert_eq!(putter.output().unwrap_err().into_inner(), 2);
    assert!(queue.is_empty());
}

#[test]
fn q_44_an_item_promised_to_a_getter_that_gives_up_stays() {
    let queue = Queue::unbounded();
    let mut getter = waiting(queue.get());
    queue.try_put(1).unwrap();
    getter.cancel();
    assert_eq!((queue.len(), queue.try_get()), (1, Ok(1)));
}

#[test]
fn que_04_timeouts_change_nothing() {
    let queue = Queue::bounded(1);
    let wait = Duration::from_millis(3);
    let start = Instant::now();
    assert_eq!(queue.get_timeout(wait), Err(GetTimeoutError::Timeout));
    queue.try_put(1).unwrap();
    assert_eq!(queue.put_timeout(2, wait), Err(PutTimeoutError::Timeout(2)));
    assert!(start.elapsed() >= 2 * wait);
    assert_eq!((queue.len(), queue.get_timeout(Duration::MAX)), (1, Ok(1)));
    queue.put_timeout(3, Duration::ZERO).unwrap();
    queue.shutdown(Shutdown::Immediate);
    assert_eq!(queue.get_timeout(wait), Err(GetTimeoutError::ShutDown));
    assert_eq!(queue.put_timeout(4, wait), Err(PutTimeoutError::ShutDown(4)));
}

#[test]
fn que_05_threads_and_tasks_wait_in_one_line() {
    let queue = Queue::unbounded();
    let mut task = waiting(queue.get());
    let other = queue.clone();
    let thread = thread::spawn(move || other.get_blocking());
    queue.try_put("first").unwrap();
    queue.try_put("second").unwrap();
    assert_eq!(task.output(), Ok("first"));
    assert_eq!(thread.join().unwrap(), Ok("second"));
}

#[test]
fn que_09_que_10_nothing_is_lost_between_many_threads() {
    let queue = Queue::bounded(8);
    let puts: Vec<_> = (0..8u64)
        .map(|t| {
            let queue = queue.clone();
            thread::spawn(move || {
                (0..500).for_each(|i| queue.put_blocking(t << 32 | i).unwrap());
            })
        })
        .collect();
    let gets: Vec<_> = (0..8)
        .map(|_| {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut got = Vec::new();
                while let Ok(item) = block_on(queue.get()) {
                    got.push(item);
                    queue.task_done().unwrap();
                }
                got
            })
        })
        .collect();
    puts.into_iter().for_each(|t| t.join().unwrap());
    queue.shutdown(Shutdown::Graceful);
    block_on(queue.join());
    let mut all = Vec::new();
    for thread in gets {
        let got = thread.join().unwrap();
        for t in 0..8 {
            let of_one: Vec<_> = got.iter().filter(|item| *item >> 32 == t).collect();
            assert!(of_one.is_sorted(), "the order of one producer is kept");
        }
        all.extend(got);
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4000);
}

#[test]
fn que_11_que_12_an_item_may_use_its_queue_when_it_is_dropped() {
    struct Again(Queue<Again>, bool);
    impl Drop for Again {
        fn drop(&mut self) {
            if self.1 {
                let _ = self.0.try_put(Again(self.0.clone(), false));
            }
        }
    }
    let queue = Queue::unbounded();
    queue.try_put(Again(queue.clone(), true)).unwrap();
    drop(queue.try_get());
    assert_eq!(queue.len(), 1);
    queue.shutdown(Shutdown::Immediate);
    let queue = Queue::unbounded();
    let item = Arc::new(());
    queue.try_put(item.clone()).unwrap();
    drop(queue.try_get());
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn que_13_a_storage_that_panics_leaves_the_queue_whole() {
    #[derive(Default)]
    struct Picky(Vec<u32>);
    impl Storage for Picky {
        type Item = u32;
        fn push(&mut self, item: u32) {
            assert!(item != 13, "not this one");
            self.0.push(item);
        }
        fn pop(&mut self) -> Option<u32> {
            self.0.pop()
        }
        fn len(&self) -> usize {
            self.0.len()
        }
        fn clear(&mut self) -> Self {
            std::mem::take(self)
        }
    }
    let queue = QueueOf::with_storage(Picky::default(), Some(1));
    assert!(panics(|| queue.try_put(13).unwrap()));
    queue.try_put(1).unwrap();
    let (mut a, mut b) = (waiting(queue.put(13)), waiting(queue.put(2)));
    queue.try_get().unwrap();
    assert!(panics(|| assert!(a.poll().is_ready())));
    drop(a);
    b.output().unwrap();
    assert_eq!((queue.len(), queue.unfinished()), (1, 2));
}

/// 2 and 13 cannot be compared.
#[derive(Debug, PartialEq, Eq)]
struct Fussy(u32);

impl PartialOrd for Fussy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fussy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        assert!([(2, 13), (13, 2)].iter().all(|two| *two != (self.0, other.0)), "not these");
        self.0.cmp(&other.0)
    }
}

/// A heap has taken the item before it compares it: it counts, as it comes out again.
#[test]
fn que_13_a_comparison_that_panics_leaves_the_count_right() {
    let queue = PriorityQueue::unbounded();
    queue.try_put(Fussy(2)).unwrap();
    assert!(panics(|| queue.try_put(Fussy(13)).unwrap()));
    assert_eq!((queue.len(), queue.unfinished()), (2, 2));
    queue.shutdown(Shutdown::Immediate);
    assert_eq!((queue.len(), queue.unfinished()), (0, 0));
    assert!(now(queue.get()).is_err());
    now(queue.join());
}

#[test]
fn que_13_a_comparison_that_panics_leaves_nobody_waiting_for_what_is_there() {
    let queue = PriorityQueue::unbounded();
    let (mut first, mut second) = (waiting(queue.get()), waiting(queue.get()));
    queue.try_put(Fussy(2)).unwrap();
    assert!(panics(|| queue.try_put(Fussy(13)).unwrap()));
    let mut got = [first.output().unwrap().0, second.output().unwrap().0];
    got.sort_unstable();
    assert_eq!(got, [2, 13]);

    // What is being taken is lost, and its place is free for who waits.
    let queue = PriorityQueue::bounded(3);
    [1, 2, 3].into_iter().for_each(|n| queue.try_put(Fussy(n)).unwrap());
    let mut third = waiting(queue.put(Fussy(13)));
    drop(queue.try_get());
    assert!(panics(|| drop(third.poll())), "2 is in the queue");
    drop(third);
    assert_eq!(queue.len(), 3);
}

#[test]
fn que_15_no_room_at_all_is_refused() {
    assert!(panics(|| drop(Queue::<u8>::bounded(0))));
}

#[test]
fn a_queue_is_a_stream_until_it_is_shut_down() {
    use futures_core::Stream;
    let queue = Queue::unbounded();
    let mut stream = queue.stream();
    let mut next =
        waiting(std::future::poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx)));
    queue.try_put(1).unwrap();
    assert_eq!(next.output(), Some(1));
    queue.shutdown(Shutdown::Graceful);
    drop(next);
    assert_eq!(now(std::future::poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx))), None);
}
