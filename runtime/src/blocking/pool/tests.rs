//! The pool with real threads, and models of its races below.

#[cfg(not(corio_loom))]
use corio_sync::prim::AtomicBool;
use corio_sync::prim::{AtomicUsize, Ordering};

use super::*;

/// What ran and what was refused.
#[derive(Debug, Default)]
struct Tally {
    run: AtomicUsize,
    refused: AtomicUsize,
}

/// A job that counts how it ends, and calls `f` if it is run.
fn job(tally: &Arc<Tally>, f: impl FnOnce() + Send + 'static) -> Job {
    struct Refused(Arc<Tally>, bool);
    impl Drop for Refused {
        fn drop(&mut self) {
            if !self.1 {
                // Ordering: AcqRel, the tests read what happened before.
                self.0.refused.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
    let mut refused = Refused(tally.clone(), false);
    Job::from_fn(move || {
        refused.1 = true;
        // Ordering: AcqRel, as above.
        refused.0.run.fetch_add(1, Ordering::AcqRel);
        f();
    })
}

impl Tally {
    /// (run, refused)
    fn get(&self) -> (usize, usize) {
        // Ordering: Acquire pairs with the AcqRel above.
        (self.run.load(Ordering::Acquire), self.refused.load(Ordering::Acquire))
    }
}

impl Pool {
    /// Closes the pool and waits for its threads for no longer than `timeout`, or for ever.
    fn shutdown(&self, timeout: Option<Duration>) -> Vec<String> {
        self.close();
        self.join(timeout.and_then(|t| Instant::now().checked_add(t)))
    }
}

#[cfg(not(corio_loom))]
mod real {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn pool(max_threads: usize) -> Pool {
        Pool::new(Config { max_threads, keep_alive: LONG, ..Config::default() })
    }

    /// Waits for a fact.
    fn until(mut fact: impl FnMut() -> bool) {
        let start = Instant::now();
        while !fact() {
            assert!(start.elapsed() < LONG, "waited for too long");
            thread::yield_now();
        }
    }

    fn no_thread() -> io::Error {
        io::Error::from(io::ErrorKind::WouldBlock)
    }

    #[test]
    fn a_pool_starts_no_thread_before_its_first_job() {
        let pool = pool(4);
        assert_eq!(pool.counts(), Counts::default());
        assert!(pool.shutdown(None).is_empty());
    }

    #[test]
    fn an_idle_thread_is_used_again() {
        let (pool, tally) = (pool(4), Arc::new(Tally::default()));
        for i in 1..=100 {
            pool.submit(job(&tally, || {})).unwrap();
            until(|| pool.counts().idle == 1 && tally.get().0 == i);
        }
        assert_eq!(pool.counts().threads, 1);
        assert!(pool.shutdown(None).is_empty());
        assert_eq!((tally.get(), pool.counts().threads), ((100, 0), 0));
    }

    #[test]
    fn b05_beyond_the_bound_jobs_queue_in_order_and_the_wait_can_be_seen() {
        let (pool, tally) = (pool(1), Arc::new(Tally::default()));
        let (go, gate) = mpsc::channel::<()>();
        pool.submit(job(&tally, move || gate.recv().unwrap())).unwrap();
        assert_eq!(pool.oldest_queued(), None);
        let (log, order) = mpsc::channel();
        for i in 0..5 {
            let log = log.clone();
            pool.submit(job(&tally, move || log.send(i).unwrap())).unwrap();
        }
        until(|| tally.get().0 == 1);
        let counts = pool.counts();
        assert_eq!((counts.threads, counts.queued, counts.running()), (1, 5, 1));
        assert!(counts.is_busy());
        until(|| pool.oldest_queued().unwrap() > Duration::ZERO);
        go.send(()).unwrap();
        let order: Vec<i32> = order.iter().take(5).collect();
        assert_eq!(order, [0, 1, 2, 3, 4]);
        until(|| !pool.counts().is_busy());
        assert!(pool.shutdown(None).is_empty());
    }

    #[test]
    fn a_job_that_panics_does_not_lose_its_thread() {
        let (pool, tally) = (pool(1), Arc::new(Tally::default()));
        for _ in 0..3 {
            pool.submit(job(&tally, || panic!("planted"))).unwrap();
        }
        pool.submit(job(&tally, || {})).unwrap();
        until(|| tally.get().0 == 4);
        assert!(pool.shutdown(None).is_empty());
    }

    #[test]
    fn b01_with_no_thread_at_all_the_job_comes_back_with_the_error() {
        let spawn: Spawn = Box::new(|_, _| Err(no_thread()));
        let pool = Pool::new(Config { spawn, ..Config::default() });
        let tally = Arc::new(Tally::default());
        let SpawnRefused(job, error) = pool.submit(job(&tally, || {})).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(error.to_string().contains("limit on threads"), "{error}");
        assert_eq!((tally.get(), pool.counts()), ((0, 0), Counts::default()));
        drop(job);
        assert_eq!(tally.get(), (0, 1));
        assert!(pool.shutdown(None).is_empty());
    }

    #[test]
    fn b01_with_some_thread_the_job_waits_for_it() {
        let first = AtomicBool::new(true);
        let spawn: Spawn = Box::new(move |builder, main| {
            // Ordering: Relaxed, a flag of the test.
            if first.swap(false, Ordering::Relaxed) {
                builder.spawn(main)
            } else {
                Err(no_thread())
            }
        });
        let pool = Pool::new(Config { spawn, keep_alive: LONG, ..Config::default() });
        let tally = Arc::new(Tally::default());
        let (go, gate) = mpsc::channel::<()>();
        pool.submit(job(&tally, move || gate.recv().unwrap())).unwrap();
        pool.submit(job(&tally, || {})).unwrap();
        let counts = pool.counts();
        assert_eq!((counts.threads, counts.queued), (1, 1));
        go.send(()).unwrap();
        until(|| tally.get() == (2, 0));
        assert!(pool.shutdown(None).is_empty());
    }

    #[test]
    fn b01_jobs_that_counted_on_a_start_which_fails_are_refused() {
        // The first start is still going on when the second one fails, and then fails too.
        let (entered, at_first) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let first = Mutex::new(Some((entered, gate)));
        let spawn: Spawn = Box::new(move |_, _| {
            let is_first = first.lock().take();
            if let Some((entered, gate)) = is_first {
                entered.send(()).unwrap();
                gate.recv().unwrap();
            }
            Err(no_thread())
        });
        let pool = Arc::new(Pool::new(Config { spawn, ..Config::default() }));
        let tally = Arc::new(Tally::default());
        let (other, ours) = (pool.clone(), job(&tally, || {}));
        let submitting = thread::Builder::new()
            .spawn(move || other.submit(ours).map_err(|SpawnRefused(job, _)| drop(job)))
            .unwrap();
        at_first.recv().unwrap();
        pool.submit(job(&tally, || {})).unwrap();
        assert_eq!(pool.counts().queued, 1);
        go.send(()).unwrap();
        assert_eq!(submitting.join().unwrap(), Err(()));
        assert_eq!((tally.get(), pool.counts()), ((0, 2), Counts::default()));
    }

    #[test]
    fn b03_a_job_pushed_while_the_last_thread_gives_up_runs() {
        let keep_alive = Duration::from_micros(50);
        let pool = Pool::new(Config { keep_alive, max_threads: 1, ..Config::default() });
        let tally = Arc::new(Tally::default());
        for i in 1..=3_000 {
            pool.submit(job(&tally, || {})).unwrap();
            until(|| tally.get().0 == i);
            // Around the moment when the time is up.
            let start = Instant::now();
            while start.elapsed() < keep_alive + Duration::from_nanos(i as u64 * 10) {
                thread::yield_now();
            }
        }
        until(|| pool.counts().threads == 0);
        assert!(pool.shutdown(None).is_empty());
    }

    #[test]
    fn b06_shutdown_is_bounded_and_names_who_is_stuck() {
        let names = AtomicUsize::new(0);
        let name = Box::new(move || {
            // Ordering: Relaxed, a counter.
            format!("blocking-{}", names.fetch_add(1, Ordering::Relaxed))
        });
        let pool = Pool::new(Config { name, max_threads: 2, ..Config::default() });
        let tally = Arc::new(Tally::default());
        let (go, gate) = mpsc::channel::<()>();
        pool.submit(job(&tally, move || gate.recv().unwrap())).unwrap();
        pool.submit(job(&tally, || {})).unwrap();
        until(|| tally.get().0 == 2 && pool.counts().idle == 1);
        let (go_too, gate) = mpsc::channel::<()>();
        pool.submit(job(&tally, move || gate.recv().unwrap())).unwrap();
        pool.submit(job(&tally, || {})).unwrap();
        until(|| tally.get().0 == 3);
        go_too.send(()).unwrap();
        until(|| tally.get().0 == 4 && pool.counts().idle == 1);
        let stuck = pool.shutdown(Some(Duration::ZERO));
        assert!(stuck.contains(&"blocking-0".to_owned()), "{stuck:?}");
        let SpawnRefused(job, error) = pool.submit(job(&tally, || {})).unwrap_err();
        assert!(error.to_string().contains("shutting down"));
        drop(job);
        go.send(()).unwrap();
        assert!(pool.join(None).is_empty());
        assert_eq!((tally.get(), pool.counts()), ((4, 1), Counts::default()));
    }

    #[test]
    fn what_may_be_left_is_not_waited_for() {
        for queued in [false, true] {
            let (pool, tally) = (pool(1), Arc::new(Tally::default()));
            let ((begun, has_begun), (go, gate)) = (mpsc::channel(), mpsc::channel::<()>());
            let mut left = job(&tally, move || {
                begun.send(()).unwrap();
                gate.recv().unwrap();
            });
            left.may_be_left = true;
            if queued {
                // It is taken from the queue, and by a thread that has had another job.
                pool.submit(job(&tally, || {})).unwrap();
            }
            pool.submit(left).unwrap();
            has_begun.recv().unwrap();
            assert_eq!(pool.counts().running(), 1);
            assert!(pool.shutdown(None).is_empty());
            go.send(()).unwrap();
            until(|| pool.counts() == Counts::default());
        }
    }

    #[test]
    fn a_thread_is_waited_for_again_when_what_may_be_left_has_ended() {
        let (pool, tally) = (pool(1), Arc::new(Tally::default()));
        let mut left = job(&tally, || {});
        left.may_be_left = true;
        pool.submit(left).unwrap();
        let (go, gate) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        pool.submit(job(&tally, move || {
            begun.send(()).unwrap();
            gate.recv().unwrap();
        }))
        .unwrap();
        has_begun.recv().unwrap();
        assert_eq!(pool.shutdown(Some(Duration::ZERO)).len(), 1);
        go.send(()).unwrap();
        assert!(pool.join(None).is_empty());
    }

    #[test]
    fn closing_refuses_what_is_queued_and_lets_run_what_runs() {
        let (pool, tally) = (pool(1), Arc::new(Tally::default()));
        let (go, gate) = mpsc::channel::<()>();
        pool.submit(job(&tally, move || gate.recv().unwrap())).unwrap();
        for _ in 0..3 {
            pool.submit(job(&tally, || {})).unwrap();
        }
        pool.close();
        assert_eq!(tally.get().1, 3);
        go.send(()).unwrap();
        assert!(pool.join(Instant::now().checked_add(LONG)).is_empty());
        assert_eq!(tally.get(), (1, 3));
    }

    #[test]
    fn a_pool_may_be_shut_down_on_its_own_thread() {
        let (pool, tally) = (Arc::new(pool(2)), Arc::new(Tally::default()));
        let (done, result) = mpsc::channel();
        let ours = pool.clone();
        pool.submit(job(&tally, move || done.send(ours.shutdown(None)).unwrap())).unwrap();
        assert!(result.recv().unwrap().is_empty());
        assert!(pool.shutdown(None).is_empty());
    }

    #[test]
    fn callbacks_are_called_and_may_panic() {
        let (log, seen) = mpsc::channel();
        let callback = |text: &'static str, panics: bool| {
            let log = log.clone();
            let call: Callback = Box::new(move || {
                log.send(text).unwrap();
                assert!(!panics, "planted");
            });
            Some(call)
        };
        let pool = Pool::new(Config {
            on_start: callback("start", true),
            on_stop: callback("stop", true),
            on_idle: callback("idle", false),
            stack_size: Some(256 * 1024),
            ..Config::default()
        });
        let job_log = log.clone();
        pool.submit(Job::from_fn(move || job_log.send("job").unwrap())).unwrap();
        let order: Vec<_> = seen.iter().take(3).collect();
        assert_eq!(order, ["start", "job", "idle"]);
        assert!(pool.shutdown(None).is_empty());
        assert_eq!(seen.recv().unwrap(), "stop");
    }

    #[test]
    fn a_storm_from_many_threads_loses_nothing() {
        let keep_alive = Duration::from_micros(200);
        let pool = Pool::new(Config { keep_alive, max_threads: 4, ..Config::default() });
        let (pool, tally) = (Arc::new(pool), Arc::new(Tally::default()));
        let submitters: Vec<_> = (0..4)
            .map(|_| {
                let (pool, tally) = (pool.clone(), tally.clone());
                let submit = move || {
                    for i in 0..2_000 {
                        pool.submit(job(&tally, || {})).unwrap();
                        if i % 64 == 0 {
                            thread::sleep(keep_alive);
                        }
                    }
                };
                thread::Builder::new().spawn(submit).unwrap()
            })
            .collect();
        submitters.into_iter().for_each(|s| s.join().unwrap());
        until(|| tally.get() == (8_000, 0));
        assert!(pool.counts().threads <= 4);
        assert!(pool.shutdown(None).is_empty());
    }
}

#[cfg(corio_loom)]
mod models {
    use super::*;

    fn model(f: impl Fn() + Send + Sync + 'static) {
        let mut model = loom::model::Builder::new();
        // Each more preemption multiplies the runs; races of two threads show up with fewer.
        model.preemption_bound = Some(2);
        model.check(f);
    }

    fn pool() -> Pool {
        Pool::new(Config { max_threads: 1, ..Config::default() })
    }

    #[test]
    fn loom_b03_a_job_is_handed_over_while_the_thread_gives_up() {
        model(|| {
            let (pool, tally) = (pool(), Arc::new(Tally::default()));
            pool.submit(job(&tally, || {})).unwrap();
            // In a model the thread's time may be up at any moment.
            pool.submit(job(&tally, || {})).unwrap();
            pool.close();
            assert!(pool.join(None).is_empty());
            let (run, refused) = tally.get();
            assert_eq!(run + refused, 2);
        });
    }

    #[test]
    fn loom_b03_every_job_of_an_open_pool_runs() {
        model(|| {
            let (pool, tally) = (pool(), Arc::new(Tally::default()));
            let last = Arc::new(Parker::new());
            let done = last.clone();
            pool.submit(job(&tally, || {})).unwrap();
            pool.submit(job(&tally, move || done.unpark())).unwrap();
            // Deadlocks, which the model reports, if the job was left behind.
            last.park();
            assert_eq!(tally.get(), (2, 0));
            assert!(pool.shutdown(None).is_empty());
        });
    }

    #[test]
    fn loom_shutdown_races_with_a_submit() {
        model(|| {
            let (pool, tally) = (Arc::new(pool()), Arc::new(Tally::default()));
            let (other, ours) = (pool.clone(), job(&tally, || {}));
            let submitting = thread::spawn(move || drop(other.submit(ours)));
            pool.close();
            submitting.join().unwrap();
            assert!(pool.join(None).is_empty());
            let (run, refused) = tally.get();
            assert_eq!(run + refused, 1);
        });
    }

    #[test]
    fn loom_b01_two_starts_fail_and_no_job_is_left_behind() {
        model(|| {
            let spawn: Spawn = Box::new(|_, _| Err(io::ErrorKind::WouldBlock.into()));
            let pool = Arc::new(Pool::new(Config { spawn, ..Config::default() }));
            let tally = Arc::new(Tally::default());
            let (other, ours) = (pool.clone(), job(&tally, || {}));
            let submitting = thread::spawn(move || drop(other.submit(ours)));
            drop(pool.submit(job(&tally, || {})));
            submitting.join().unwrap();
            assert_eq!(tally.get(), (0, 2));
        });
    }
}
