//! Everything at once, bounded in time: spawns, wakes, cancels, timers and cleanups from all sides,
//! counted at the end.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{TaskGroup, finally, task_group};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{Runtime, spawn, spawn_blocking, spawn_local, yield_now};

/// Fewer rounds where a sanitizer or valgrind makes each slow.
fn rounds(n: usize) -> usize {
    std::env::var("CORIO_STRESS").ok().and_then(|s| s.parse().ok()).unwrap_or(1) * n
}

struct Rng(u64);

impl Rng {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[derive(Default)]
struct Counts {
    started: AtomicUsize,
    ended: AtomicUsize,
    entered: AtomicUsize,
    cleaned: AtomicUsize,
}

struct Alive(Arc<Counts>);

impl Alive {
    fn new(counts: &Arc<Counts>) -> Self {
        counts.started.fetch_add(1, Ordering::SeqCst);
        Self(counts.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

fn tree(seed: u64, depth: u32, counts: Arc<Counts>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let alive = Alive::new(&counts);
        let mut rng = Rng(seed | 1);
        for _ in 0..rng.next(4) {
            let (seed, inner) = (rng.next(u64::MAX), counts.clone());
            if depth == 0 {
                yield_now().await;
                continue;
            }
            match rng.next(8) {
                0 => drop(spawn(tree(seed, depth - 1, inner)).await),
                1 => {
                    let task = spawn(tree(seed, depth - 1, inner));
                    yield_now().await;
                    task.cancel();
                    let _ = task.await;
                }
                2 => {
                    let limit = Duration::from_micros(rng.next(300));
                    let _ = timeout(limit, tree(seed, depth - 1, inner)).await;
                }
                3 => {
                    let clean = counts.clone();
                    let body = async move {
                        inner.entered.fetch_add(1, Ordering::SeqCst);
                        tree(seed, depth - 1, inner.clone()).await;
                    };
                    finally(body, move || async move {
                        yield_now().await;
                        clean.cleaned.fetch_add(1, Ordering::SeqCst);
                    })
                    .await;
                }
                4 => {
                    let fails = rng.next(3) == 0;
                    let _ = task_group(|group: TaskGroup<()>| async move {
                        for i in 0..3 {
                            drop(group.spawn(tree(seed.wrapping_add(i), depth - 1, inner.clone())));
                        }
                        if fails { Err(()) } else { Ok(()) }
                    })
                    .await;
                }
                5 => {
                    let seen = spawn_blocking(move || Alive::new(&inner)).await;
                    drop(seen);
                }
                6 => sleep(Duration::from_micros(rng.next(200))).await,
                _ => drop(spawn(tree(seed, depth - 1, inner))),
            }
        }
        drop(alive);
    })
}

fn runtimes() -> [Runtime; 4] {
    let multi = |n| Builder::new_multi_thread().worker_threads(n).build().unwrap();
    [Builder::new_current_thread().build().unwrap(), multi(1), multi(2), multi(8)]
}

#[test]
fn trees_of_tasks_end_completely() {
    for round in 0..rounds(30) as u64 {
        for runtime in runtimes() {
            let counts = Arc::new(Counts::default());
            runtime.block_on(tree(
                0x9E37_79B9_7F4A_7C15u64.wrapping_mul(round + 1),
                6,
                counts.clone(),
            ));
            drop(runtime);
            let get = |n: &AtomicUsize| n.load(Ordering::SeqCst);
            assert_eq!(get(&counts.started), get(&counts.ended));
            assert_eq!(get(&counts.entered), get(&counts.cleaned));
            assert_eq!(Arc::strong_count(&counts), 1);
        }
    }
}

/// A future that gives its waker to a thread outside, which wakes it again and again.
struct Woken {
    wakers: std::sync::mpsc::Sender<Waker>,
    left: usize,
}

impl Future for Woken {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.left -= 1;
        self.wakers.send(cx.waker().clone()).unwrap();
        Poll::Pending
    }
}

#[test]
fn w20_wakes_from_outside_are_never_lost() {
    for runtime in runtimes() {
        let (wakers, to_wake) = std::sync::mpsc::channel::<Waker>();
        let to_wake = Arc::new(corio_sync::prim::Mutex::new(to_wake));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let to_wake = to_wake.clone();
                std::thread::spawn(move || {
                    loop {
                        let Ok(waker) = to_wake.lock().recv() else { return };
                        waker.wake_by_ref();
                        waker.wake();
                    }
                })
            })
            .collect();
        runtime.block_on(async move {
            let tasks: Vec<_> = (0..20)
                .map(|_| spawn(Woken { wakers: wakers.clone(), left: rounds(200) }))
                .chain(
                    (0..5)
                        .map(|_| spawn_local(Woken { wakers: wakers.clone(), left: rounds(200) })),
                )
                .collect();
            drop(wakers);
            for task in tasks {
                task.await.unwrap();
            }
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn w18_wakes_during_and_after_the_end_of_a_runtime() {
    for _ in 0..rounds(5) {
        for runtime in runtimes() {
            let wakers = Arc::new(corio_sync::prim::Mutex::new(Vec::new()));
            runtime.block_on(async {
                for _ in 0..200 {
                    let wakers = wakers.clone();
                    drop(spawn(std::future::poll_fn(move |cx| {
                        wakers.lock().push(cx.waker().clone());
                        Poll::<()>::Pending
                    })));
                }
                while wakers.lock().len() < 200 {
                    yield_now().await;
                }
            });
            let wakers = std::mem::take(&mut *wakers.lock());
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let wakers = wakers.clone();
                    std::thread::spawn(move || {
                        for _ in 0..20 {
                            wakers.iter().for_each(Waker::wake_by_ref);
                        }
                    })
                })
                .collect();
            drop(runtime);
            wakers.iter().for_each(Waker::wake_by_ref);
            threads.into_iter().for_each(|t| t.join().unwrap());
        }
    }
}

#[test]
fn l05_spawns_race_with_the_end_of_a_runtime() {
    for round in 0..rounds(20) {
        for runtime in runtimes() {
            let counts = Arc::new(Counts::default());
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (handle, counts) = (runtime.handle().clone(), counts.clone());
                    std::thread::spawn(move || {
                        for i in 0..200 {
                            let alive = Alive::new(&counts);
                            drop(handle.spawn(async move {
                                let _alive = alive;
                                if i % 3 == 0 {
                                    pending::<()>().await;
                                }
                                yield_now().await;
                            }));
                        }
                    })
                })
                .collect();
            runtime.block_on(async {
                for _ in 0..round {
                    yield_now().await;
                }
            });
            drop(runtime);
            threads.into_iter().for_each(|t| t.join().unwrap());
            assert_eq!(counts.started.load(Ordering::SeqCst), counts.ended.load(Ordering::SeqCst));
        }
    }
}
