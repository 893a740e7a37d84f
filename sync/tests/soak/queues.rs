//! Queues.

use std::fmt::Debug;

use corio_sync::prim::{AtomicUsize, Mutex as StdMutex, Ordering::SeqCst};
use corio_sync::queue::*;

use crate::crew::{Crew, yield_now};

const PUTTERS: usize = 4;
const ITEMS: usize = 50;

/// Putters and getters that drop their waits; `join` ends when all is worked off, and then the queue does.
fn worked_off<S>(seed: u64) -> usize
where
    S: Storage<Item = usize> + Default + Debug + Send,
{
    let queue = QueueOf::<S>::bounded(1 + seed as usize % 4);
    let got = StdMutex::new(Vec::new());
    let (queue, got) = (&queue, &got);
    let putting = &AtomicUsize::new(PUTTERS);
    let mut crew = Crew::new(seed);
    for putter in 0..PUTTERS {
        let mut random = crew.random();
        crew.task(async move {
            for i in 0..ITEMS {
                random.stubborn(|| queue.put(putter * ITEMS + i)).await.unwrap();
            }
            if putting.fetch_sub(1, SeqCst) == 1 {
                queue.join().await;
                queue.shutdown(Shutdown::Graceful);
            }
        });
    }
    for getter in 0..4 {
        let mut random = crew.random();
        if getter == 0 {
            crew.thread(move || {
                while let Ok(item) = queue.get_blocking() {
                    got.lock().push(item);
                    queue.task_done().unwrap();
                }
            });
            continue;
        }
        crew.task(async move {
            loop {
                match random.maybe(queue.get()).await {
                    Some(Ok(item)) => {
                        got.lock().push(item);
                        if random.once_in(2) {
                            yield_now().await;
                        }
                        queue.task_done().unwrap();
                    }
                    Some(Err(_)) => break,
                    None => yield_now().await,
                }
            }
        });
    }
    crew.run();
    let mut got = std::mem::take(&mut *got.lock());
    got.sort_unstable();
    assert!(got.into_iter().eq(0..PUTTERS * ITEMS), "lost or doubled");
    assert!(queue.task_done().is_err());
    PUTTERS * ITEMS
}

pub(crate) fn fifo(seed: u64) -> usize {
    worked_off::<Fifo<usize>>(seed)
}

pub(crate) fn lifo(seed: u64) -> usize {
    worked_off::<Lifo<usize>>(seed)
}

pub(crate) fn priority(seed: u64) -> usize {
    worked_off::<Priority<usize>>(seed)
}

/// The queue is shut down in the middle, one way or the other: everybody ends, and each item that was put in
/// was got, unless the shutdown dropped it.
pub(crate) fn shut_down(seed: u64) -> usize {
    let (queue, graceful) = (Queue::bounded(3), seed % 2 == 0);
    let (put, got) = (&AtomicUsize::new(0), &AtomicUsize::new(0));
    let queue = &queue;
    let mut crew = Crew::new(seed);
    for _ in 0..PUTTERS {
        let mut random = crew.random();
        crew.task(async move {
            for _ in 0..ITEMS {
                match random.maybe(queue.put(1)).await {
                    Some(Ok(())) => drop(put.fetch_add(1, SeqCst)),
                    Some(Err(_)) => return,
                    None => yield_now().await,
                }
            }
        });
    }
    for _ in 0..3 {
        let mut random = crew.random();
        crew.task(async move {
            loop {
                match random.maybe(queue.get()).await {
                    Some(Ok(item)) => {
                        got.fetch_add(item, SeqCst);
                        queue.task_done().unwrap();
                    }
                    Some(Err(_)) => return,
                    None => yield_now().await,
                }
            }
        });
    }
    let mut random = crew.random();
    crew.task(async move {
        for _ in 0..random.below(200) {
            yield_now().await;
        }
        queue.shutdown(if graceful { Shutdown::Graceful } else { Shutdown::Immediate });
        queue.join().await;
    });
    crew.run();
    assert_eq!((queue.len(), queue.unfinished()), (0, 0));
    let (put, got) = (put.load(SeqCst), got.load(SeqCst));
    assert!(if graceful { got == put } else { got <= put }, "{got} of {put}");
    PUTTERS * ITEMS
}
