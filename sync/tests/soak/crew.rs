//! Tasks and threads that work on one primitive, and a watchdog that names it if they do not end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use corio_sync::prim::{AtomicBool, AtomicUsize, Mutex, Ordering, Parker, thread};

/// So many threads drive the tasks; those that block come on top.
const THREADS: usize = 3;
/// A round takes milliseconds. One that takes so long does not end.
const STUCK: Duration = Duration::from_secs(60);

/// Numbers that look random, and are the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Awaits `future`; half the time only for some polls, after which it is dropped: `None`.
    pub(crate) async fn maybe<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        if self.once_in(2) { Some(future.await) } else { self.briefly(future).await }
    }

    /// Awaits `future` for some polls. After the last one it lies there for a turn, in which it may well be
    /// chosen, and is dropped without having run.
    pub(crate) async fn briefly<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut polls = 1 + self.below(3);
        let mut future = pin!(future);
        poll_fn(|cx| {
            if polls == 0 {
                return Poll::Ready(None);
            }
            polls -= 1;
            let poll = future.as_mut().poll(cx).map(Some);
            if poll.is_pending() {
                cx.waker().wake_by_ref();
            }
            poll
        })
        .await
    }

    /// Awaits what `make` makes, as often as it takes until one is not dropped.
    pub(crate) async fn stubborn<T, F: Future<Output = T>>(&mut self, make: impl Fn() -> F) -> T {
        loop {
            if let Some(output) = self.maybe(make()).await {
                return output;
            }
            yield_now().await;
        }
    }
}

/// Lets the other tasks of the thread run.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Those who take part in a round.
pub(crate) struct Crew<'a> {
    random: Random,
    tasks: Vec<Work<'a>>,
    threads: Vec<Box<dyn FnOnce() + Send + 'a>>,
}

impl<'a> Crew<'a> {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), tasks: Vec::new(), threads: Vec::new() }
    }

    /// Random numbers for one who takes part.
    pub(crate) fn random(&mut self) -> Random {
        Random::new(self.random.0 ^ self.random.below(1 << 30) as u64)
    }

    pub(crate) fn task(&mut self, work: impl Future<Output = ()> + Send + 'a) {
        self.tasks.push(Box::pin(work));
    }

    /// Somebody who blocks a thread of its own.
    pub(crate) fn thread(&mut self, work: impl FnOnce() + Send + 'a) {
        self.threads.push(Box::new(work));
    }

    /// Lets all work, and waits until they have ended.
    pub(crate) fn run(self) {
        let mut shares: Vec<Vec<Work<'a>>> = (0..THREADS).map(|_| Vec::new()).collect();
        for (i, task) in self.tasks.into_iter().enumerate() {
            shares[i % THREADS].push(task);
        }
        thread::scope(|s| {
            let drivers = shares.into_iter().map(|share| s.spawn(move || drive(share)));
            let mut threads: Vec<_> = drivers.collect();
            threads.extend(self.threads.into_iter().map(|work| s.spawn(work)));
            // Joined by hand: the end of a scope is an order that ThreadSanitizer does not see.
            threads.into_iter().for_each(|thread| thread.join().expect("work has failed"));
        });
    }
}

/// A task's wish to be polled.
struct Flag {
    woken: AtomicBool,
    thread: Arc<Parker>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// Polls the tasks that were woken, and nothing else, until all are done.
fn drive(tasks: Vec<Work<'_>>) {
    let parker = Arc::new(Parker::new());
    let mut tasks: Vec<_> = tasks
        .into_iter()
        .map(|task| (task, Arc::new(Flag { woken: AtomicBool::new(true), thread: parker.clone() })))
        .collect();
    while !tasks.is_empty() {
        let mut ran = false;
        tasks.retain_mut(|(task, flag)| {
            if !flag.woken.swap(false, Ordering::SeqCst) {
                return true;
            }
            ran = true;
            let waker = Waker::from(flag.clone());
            task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
        });
        if !ran && !tasks.is_empty() {
            parker.park();
        }
    }
}

/// Ends the process if a round does not end, with the name of what it was about.
pub(crate) struct Watchdog {
    round: Arc<(Mutex<String>, AtomicUsize, AtomicBool)>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watchdog {
    pub(crate) fn start() -> Self {
        let round =
            Arc::new((Mutex::new(String::new()), AtomicUsize::new(0), AtomicBool::new(false)));
        let watched = round.clone();
        let thread = thread::spawn(move || {
            let (mut last, mut since) = (0, Instant::now());
            while !watched.2.load(Ordering::SeqCst) {
                thread::park_timeout(Duration::from_millis(500));
                let now = watched.1.load(Ordering::SeqCst);
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > STUCK {
                    eprintln!("stuck for {STUCK:?}: {}", watched.0.lock());
                    std::process::abort();
                }
            }
        });
        Self { round, thread: Some(thread) }
    }

    /// A round of `name` begins.
    pub(crate) fn begin(&self, name: &str, seed: u64) {
        *self.round.0.lock() = format!("{name}, seed {seed}");
        self.round.1.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.round.2.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
