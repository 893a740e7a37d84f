//! Locks, channels and queues inside tasks: fair, cancel safe, and waking whom they should.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use crate::kit::queue::{Queue, Shutdown};
use crate::kit::sync::*;
use crate::kit::*;

#[test]
fn a_mutex_guards_and_is_fair() {
    on_all(|| async {
        let total = Arc::new(Mutex::new(0_u64));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let total = total.clone();
                spawn(async move {
                    for _ in 0..50 {
                        let mut total = total.lock().await;
                        let before = *total;
                        yield_now().await;
                        *total = before + 1;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.output().await;
        }
        assert_eq!(*total.lock().await, 1000);
    });
}

#[test]
fn waiters_get_the_lock_in_the_order_in_which_they_asked() {
    on_all(|| async {
        let log = Log::default();
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().await;
        let mut tasks = Vec::new();
        for name in ["first", "second", "third"] {
            let (lock, log) = (lock.clone(), log.clone());
            let task = async move {
                let _held = lock.lock().await;
                log.add(name);
            };
            tasks.push(blocked(task).await);
        }
        drop(held);
        for task in tasks {
            task.output().await;
        }
        assert_eq!(log.get(), ["first", "second", "third"]);
    });
}

#[test]
fn a_cancelled_waiter_passes_its_turn_on() {
    on_all(|| async {
        let lock = Arc::new(Mutex::new(()));
        for _ in 0..100 {
            let held = lock.lock().await;
            let mut waiters = Vec::new();
            for _ in 0..3 {
                let lock = lock.clone();
                waiters.push(spawn(async move { drop(lock.lock().await) }));
            }
            yield_now().await;
            drop(held);
            // Perhaps just as it is given the lock.
            let _ = waiters.remove(0).cancel().await;
            for waiter in waiters {
                waiter.output().await;
            }
        }
        assert!(lock.try_lock().is_ok());
    });
}

#[test]
fn readers_share_and_writers_do_not() {
    on_all(|| async {
        let lock = Arc::new(RwLock::new(1));
        let (one, two) = (lock.read().await, lock.read().await);
        assert!(lock.try_write().is_err());
        let writer = lock.clone();
        let writer = spawn(async move { *writer.write().await += 1 });
        assert_eq!(*one + *two, 2);
        drop((one, two));
        writer.output().await;
        assert_eq!(*lock.read().await, 2);
    });
}

#[test]
fn a_semaphore_lets_so_many_in() {
    on_all(|| async {
        let semaphore = Arc::new(Semaphore::new(3));
        let inside = Arc::new(Mutex::new((0, 0)));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (semaphore, inside) = (semaphore.clone(), inside.clone());
                spawn(async move {
                    let _permit = semaphore.acquire().await.unwrap();
                    {
                        let mut inside = inside.lock().await;
                        inside.0 += 1;
                        inside.1 = inside.1.max(inside.0);
                    }
                    yield_now().await;
                    inside.lock().await.0 -= 1;
                })
            })
            .collect();
        for task in tasks {
            task.output().await;
        }
        let (now, most) = *inside.lock().await;
        assert!(now == 0 && most <= 3, "{now} {most}");
        assert_eq!(semaphore.available_permits(), 3);
        semaphore.close();
        assert!(semaphore.acquire().await.is_err());

        let bounded = BoundedSemaphore::new(1);
        assert!(bounded.release(1).is_err(), "a permit too many");
    });
}

#[test]
fn an_event_and_a_notification() {
    on_all(|| async {
        let (event, notify) = (Arc::new(Event::new()), Arc::new(Notify::new()));
        let waiting: Vec<_> = (0..5)
            .map(|_| {
                let event = event.clone();
                spawn(async move { event.wait().await })
            })
            .collect();
        yield_now().await;
        event.set();
        for task in waiting {
            task.output().await;
        }
        event.wait().await;

        // A notification that came first is kept; one only.
        notify.notify_one();
        notify.notify_one();
        notify.notified().await;
        assert!(timeout(SHORT, notify.notified()).await.is_none());
        let (one, two) = (notify.clone(), notify.clone());
        let waiting = [one, two].map(|n| spawn(async move { n.notified().await }));
        while !waiting.iter().all(Running::is_finished) {
            notify.notify_waiters();
            yield_now().await;
        }
    });
}

#[test]
fn a_condition_is_waited_for() {
    on_all(|| async {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let theirs = shared.clone();
        let waiter = spawn(async move {
            let (number, changed) = &*theirs;
            let guard = number.lock().await;
            *changed.wait_for(guard, |number| *number >= 3).await
        });
        let (number, changed) = &*shared;
        for _ in 0..3 {
            *number.lock().await += 1;
            changed.notify_all();
            yield_now().await;
        }
        assert_eq!(waiter.output().await, 3);
    });
}

#[test]
fn a_bounded_channel_holds_senders_back() {
    on_all(|| async {
        let (sender, mut receiver) = mpsc::channel(2);
        let sending: Vec<_> = (0..4)
            .map(|i| {
                let sender = sender.clone();
                spawn(async move {
                    for j in 0..100 {
                        sender.send(i * 100 + j).await.unwrap();
                    }
                })
            })
            .collect();
        drop(sender);
        let mut got = Vec::new();
        while let Some(number) = receiver.recv().await {
            assert!(receiver.len() <= 2);
            got.push(number);
        }
        // In order from each sender, and nothing is lost.
        for i in 0..4 {
            let from_one: Vec<_> = got.iter().copied().filter(|n| n / 100 == i).collect();
            assert_eq!(from_one, (i * 100..(i + 1) * 100).collect::<Vec<_>>());
        }
        for task in sending {
            task.output().await;
        }
    });
}

#[test]
fn a_send_that_is_dropped_sends_nothing_and_one_that_fails_gives_back() {
    on_all(|| async {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.send("kept").await.unwrap();
        let late = timeout(SHORT, sender.send("dropped")).await;
        assert!(late.is_none());
        assert_eq!(receiver.recv().await, Some("kept"));
        assert!(receiver.try_recv().is_err());
        drop(receiver);
        assert_eq!(sender.send("back").await.unwrap_err().into_inner(), "back");
    });
}

#[test]
fn oneshots_and_threads() {
    on_all(|| async {
        let (sender, receiver) = oneshot::channel();
        let sent = on_thread(move || sender.send(5));
        assert_eq!((receiver.await, sent.await), (Ok(5), Ok(())));
        let (sender, receiver) = oneshot::channel::<()>();
        drop(sender);
        assert!(receiver.await.is_err());
        let (sender, receiver) = oneshot::channel();
        drop(receiver);
        assert_eq!(sender.send(6), Err(6));

        let (sender, mut receiver) = mpsc::channel(1);
        let thread = on_thread(move || {
            (0..100).for_each(|i| sender.blocking_send(i).unwrap());
        });
        let mut sum = 0;
        while let Some(i) = receiver.recv().await {
            sum += i;
        }
        thread.await;
        assert_eq!(sum, 4950);
    });
}

#[test]
fn producers_and_consumers() {
    on_all(|| async {
        let queue = Queue::bounded(3);
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                spawn(async move {
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
                spawn(async move {
                    for j in 0..100 {
                        queue.put(i * 100 + j).await.unwrap();
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.output().await;
        }
        queue.join().await;
        queue.shutdown(Shutdown::Graceful);
        let mut sum = 0;
        for consumer in consumers {
            sum += consumer.output().await;
        }
        assert_eq!(sum, 399 * 400 / 2);
        assert!(queue.task_done().is_err(), "more done than there was");
        assert_eq!(queue.put(1).await.unwrap_err().into_inner(), 1);
    });
}

#[test]
fn a_queue_between_threads_and_tasks() {
    on_all(|| async {
        let queue = Queue::bounded(2);
        let thread = {
            let queue = queue.clone();
            on_thread(move || {
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
        thread.await;
    });
}

/// Who stands in the line for a lock has it after those before it, however eager the others are.
#[test]
fn s18_nobody_waits_for_more_than_those_before_it() {
    const TASKS: usize = 8;
    on_all(|| async {
        let (lock, turns) = (Arc::new(Mutex::new(())), Arc::new(AtomicUsize::new(0)));
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            let (lock, turns) = (lock.clone(), turns.clone());
            tasks.push(spawn(async move {
                for _ in 0..40 {
                    let mut wait = Box::pin(lock.lock());
                    let guard = match poll_once(wait.as_mut()).await {
                        Poll::Ready(guard) => guard,
                        Poll::Pending => {
                            let since = turns.load(SeqCst);
                            let guard = wait.await;
                            let passed = turns.load(SeqCst) - since;
                            assert!(passed <= TASKS, "{passed} turns before its own");
                            guard
                        }
                    };
                    turns.fetch_add(1, SeqCst);
                    yield_now().await;
                    drop(guard);
                    // Eager: it tries to pass the others, too.
                    drop(lock.try_lock());
                }
            }));
        }
        for task in tasks {
            task.output().await;
        }
        assert_eq!(turns.load(SeqCst), TASKS * 40);
    });
}
