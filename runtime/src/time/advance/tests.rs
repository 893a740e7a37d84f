//! Steering a clock by hand.

use std::future::{pending, poll_fn};
use std::pin::pin;

use super::super::testing::{block_on, block_on_paused, poll_once};
use super::super::{sleep, timeout};
use super::*;
use crate::runtime::Builder;

const MS: Duration = Duration::from_millis(1);

#[test]
fn an_advance_moves_time_by_exactly_what_it_says() {
    block_on_paused(async {
        let start = Instant::now();
        advance(Duration::from_nanos(1)).await;
        advance(10 * MS).await;
        advance(Duration::ZERO).await;
        assert_eq!(start.elapsed(), 10 * MS + Duration::from_nanos(1));
    });
}

#[test]
fn a_timer_in_between_sees_its_own_time() {
    block_on_paused(async {
        let start = Instant::now();
        let mut nap = pin!(sleep(3 * MS));
        let mut step = pin!(advance(10 * MS));
        let mut seen = None;
        poll_fn(|cx| {
            if seen.is_none() && nap.as_mut().poll(cx).is_ready() {
                seen = Some(start.elapsed());
            }
            step.as_mut().poll(cx)
        })
        .await;
        assert_eq!((seen, start.elapsed()), (Some(3 * MS), 10 * MS));
    });
}

#[test]
fn a_dropped_advance_forces_nothing_any_more() {
    block_on_paused(async {
        let clock = context::current_clock().unwrap();
        let mut step = Box::pin(advance(10 * MS));
        assert!(poll_once(step.as_mut()).is_pending());
        assert!(format!("{step:?}").contains("true"));
        drop(step);
        assert!(!clock.jump(Some(clock.now_ns() + 1), true));
    });
}

#[test]
fn resumed_time_runs_on() {
    block_on_paused(async {
        let start = Instant::now();
        advance(Duration::from_secs(3600)).await;
        resume();
        sleep(MS).await;
        assert!(start.elapsed() >= Duration::from_secs(3600) + MS);
        pause();
        assert!(timeout(MS, pending::<()>()).await.is_err());
    });
}

#[test]
#[should_panic(expected = "time is not paused here")]
fn advancing_a_running_clock_is_refused() {
    block_on(advance(MS));
}

#[test]
#[should_panic(expected = "no corio runtime on this thread")]
fn pausing_outside_a_runtime_is_refused() {
    pause();
}

#[test]
#[should_panic(expected = "current-thread")]
fn pausing_a_clock_that_many_threads_follow_is_refused() {
    let rt = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let _in = rt.handle().enter();
    pause();
}
