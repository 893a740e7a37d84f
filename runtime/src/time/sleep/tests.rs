//! Sleeps in virtual time, and a few in real time.

use std::pin::pin;
use std::sync::Arc;
use std::task::Wake;

use corio_sync::prim::Parker;

use super::super::testing::{block_on, block_on_paused, fire_due, poll_once, runtime, timers_len};
use super::*;
use crate::runtime::{Builder, Runtime};
use crate::time::timeout;

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Durations at the borders of whatever they are stored in.
fn boundary_durations() -> Vec<Duration> {
    let mut all = vec![
        Duration::MAX,
        Duration::from_secs(u64::MAX),
        Duration::from_secs(u64::MAX / 10),
        Duration::from_secs(i64::MAX as u64),
        Duration::from_nanos(u64::MAX),
        Duration::from_nanos(u64::MAX - 65_535),
        Duration::from_millis(u64::MAX),
        Duration::from_secs(60 * 60 * 24 * 25),
    ];
    all.extend((0..64).map(|shift| Duration::from_nanos(1 << shift)));
    all
}

#[test]
fn a_sleep_in_virtual_time_takes_exactly_as_long_as_it_says() {
    block_on_paused(async {
        for nanos in [1, 65_535, 65_536, 1_000_000, 10_000_000, 3_600_000_000_007] {
            let start = Instant::now();
            sleep(Duration::from_nanos(nanos)).await;
            assert_eq!(start.elapsed(), Duration::from_nanos(nanos));
        }
    });
}

#[test]
fn m06_a_sleep_in_real_time_is_never_early() {
    block_on(async {
        for micros in (0..200).map(|i| i * 13) {
            let wait = Duration::from_micros(micros);
            let start = std::time::Instant::now();
            sleep(wait).await;
            assert!(start.elapsed() >= wait);
        }
    });
}

#[test]
fn m01_every_duration_is_accepted_everywhere() {
    block_on(async {
        for d in boundary_durations() {
            let mut nap = pin!(sleep(d));
            assert!(poll_once(nap.as_mut()).is_pending(), "{d:?}");
            nap.reset(Instant::now() + Duration::MAX);
            assert!(poll_once(nap.as_mut()).is_pending());
            let later = nap.deadline() + d;
            nap.reset(later);
            assert!(poll_once(nap.as_mut()).is_pending());
            nap.reset(Instant::now() + d.saturating_add(HOUR));
            assert!(poll_once(nap.as_mut()).is_pending());
            assert!(!format!("{nap:?}").is_empty());
        }
    });
}

#[test]
fn m02_far_deadlines_do_not_keep_near_ones_from_firing() {
    block_on_paused(async {
        let mut far: Vec<_> = boundary_durations()
            .into_iter()
            .map(|d| Box::pin(sleep(d.saturating_add(HOUR))))
            .collect();
        for nap in &mut far {
            assert!(poll_once(nap.as_mut()).is_pending());
        }
        for _ in 0..100 {
            let start = Instant::now();
            sleep(MS).await;
            assert_eq!(start.elapsed(), MS);
        }
    });
}

#[test]
fn m14_a_zero_sleep_yields_once() {
    block_on(async {
        let mut nap = pin!(sleep(Duration::ZERO));
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            polls += 1;
            nap.as_mut().poll(cx)
        })
        .await;
        assert_eq!(polls, 2);
    });
}

#[test]
fn a_deadline_in_the_past_is_ready_at_the_first_poll() {
    let now = Instant::now();
    for past in [now, now - MS, now - Duration::MAX] {
        // Needs no runtime either.
        let mut nap = pin!(sleep_until(past));
        assert!(nap.is_elapsed());
        assert!(poll_once(nap.as_mut()).is_ready());
        assert!(poll_once(nap.as_mut()).is_ready(), "ready again until it is reset");
    }
}

#[test]
fn a_reset_moves_the_deadline_both_ways_and_rearms() {
    block_on_paused(async {
        let start = Instant::now();
        let mut nap = pin!(sleep(HOUR));
        assert!(poll_once(nap.as_mut()).is_pending());
        nap.reset(start + 2 * HOUR);
        nap.reset(start + MS);
        nap.reset(start + 3 * MS);
        assert_eq!(nap.deadline(), start + 3 * MS);
        nap.as_mut().await;
        assert_eq!(start.elapsed(), 3 * MS);
        assert!(nap.is_elapsed());
        nap.reset(start + 5 * MS);
        assert!(!nap.is_elapsed());
        nap.as_mut().await;
        assert_eq!(start.elapsed(), 5 * MS);
    });
}

#[test]
fn a_reset_to_the_past_wakes_the_task() {
    block_on_paused(async {
        let mut nap = pin!(sleep(HOUR));
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            let polled = nap.as_mut().poll(cx);
            polls += 1;
            if polls == 1 {
                nap.as_mut().reset(Instant::now() - MS);
            }
            polled
        })
        .await;
        assert_eq!(polls, 2);
    });
}

#[test]
fn m04_a_reset_after_firing_fires_again() {
    block_on_paused(async {
        let clock = context::current_clock().unwrap();
        let mut nap = pin!(sleep(MS));
        assert!(poll_once(nap.as_mut()).is_pending());
        clock.advance_to(clock.now_ns() + 1_000_000);
        assert_eq!(fire_due(), 1);
        // Fired, but the sleep has not heard of it.
        nap.reset(Instant::now() + MS);
        assert!(poll_once(nap.as_mut()).is_pending());
        clock.advance_to(clock.now_ns() + 1_000_000);
        assert_eq!(fire_due(), 1);
        assert!(poll_once(nap.as_mut()).is_ready());
    });
}

#[test]
fn m10_a_million_sleeps_made_and_dropped_leave_nothing() {
    block_on(async {
        let before = context::current_timers().unwrap().next_deadline_ns();
        for _ in 0..1_000_000 {
            assert!(poll_once(pin!(sleep(HOUR))).is_pending());
        }
        assert_eq!(context::current_timers().unwrap().next_deadline_ns(), before);
    });
}

#[test]
fn m15_a_sleep_stays_where_it_was_registered() {
    let (a, b) = (runtime(), runtime());
    let mut nap = pin!(sleep(HOUR));
    let poll_in = |rt: &Runtime, nap: Pin<&mut Sleep>| {
        let _in = rt.handle().enter();
        let before = timers_len();
        assert!(poll_once(nap).is_pending());
        timers_len() - before
    };
    assert_eq!(poll_in(&a, nap.as_mut()), 1);
    assert_eq!(poll_in(&b, nap.as_mut()), 0);
    // When its runtime is gone, the one that polls it takes it over.
    drop(a);
    assert_eq!(poll_in(&b, nap.as_mut()), 1);
}

#[test]
#[should_panic(expected = "no corio runtime on this thread")]
fn m15_a_sleep_that_outlives_its_runtime_says_so() {
    let rt = runtime();
    let mut nap = pin!(sleep(HOUR));
    {
        let _in = rt.handle().enter();
        assert!(poll_once(nap.as_mut()).is_pending());
    }
    drop(rt);
    let _ = poll_once(nap.as_mut());
}

#[test]
fn a_sleep_moves_between_threads() {
    block_on(async {
        let mut nap = Box::pin(sleep(HOUR));
        assert!(poll_once(nap.as_mut()).is_pending());
        let timers = context::current_timers().unwrap();
        corio_sync::prim::thread::spawn(move || {
            timers.fire(u64::MAX - 1, usize::MAX);
            assert!(poll_once(nap.as_mut()).is_ready());
        })
        .join()
        .unwrap();
    });
}

#[test]
fn m03_a_core_that_sleeps_is_told_of_an_earlier_timer() {
    struct Unpark(Parker);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    // Runs on a thread that has entered the runtime but runs no core.
    let nap_there = || {
        for micros in (0..300).map(|i| i % 100) {
            let parker = Arc::new(Unpark(Parker::new()));
            let waker = parker.clone().into();
            let mut nap = pin!(sleep(Duration::from_micros(micros)));
            while nap.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                assert!(parker.0.park_timeout(HOUR / 60), "the core slept over a timer");
            }
        }
    };
    for rt in [Builder::new_current_thread().build(), Builder::new_multi_thread().build()] {
        rt.unwrap().block_on(async {
            // Without it and with it: a core with a later timer, and one without any.
            crate::spawn_blocking(nap_there).await.unwrap();
            let later = timeout(HOUR, crate::spawn_blocking(nap_there));
            later.await.unwrap().unwrap();
        });
    }
}

#[test]
fn a_poll_with_the_same_waker_clones_nothing() {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let nobody = Arc::new(Nobody);
    let waker = nobody.clone().into();
    let mut cx = Context::from_waker(&waker);
    block_on(async {
        let mut nap = pin!(sleep(HOUR));
        for _ in 0..3 {
            assert!(nap.as_mut().poll(&mut cx).is_pending());
            assert_eq!(Arc::strong_count(&nobody), 3);
        }
    });
    assert_eq!(Arc::strong_count(&nobody), 2);
}

#[test]
fn what_a_sleep_is() {
    fn is<T: Send + Sync + Unpin + fmt::Debug + 'static>() {}
    is::<Sleep>();
    assert!(size_of::<Sleep>() <= 40);
}
