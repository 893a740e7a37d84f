//! Beats in virtual time.

use std::future::poll_fn;
use std::pin::pin;

use super::super::sleep;
use super::super::testing::block_on_paused;
use super::*;

const MS: Duration = Duration::from_millis(1);

/// When ticks come, in ms, with a period of 100 ms and a stall of 250 ms before the third.
async fn ticks(missed: MissedTick) -> Vec<u128> {
    let start = Instant::now();
    let mut beat = interval(100 * MS);
    beat.set_missed_tick(missed);
    assert_eq!(beat.missed_tick(), missed);
    let mut seen = Vec::new();
    for i in 0..7 {
        if i == 2 {
            sleep(350 * MS).await;
        }
        beat.tick().await;
        seen.push(start.elapsed().as_millis());
    }
    seen
}

#[test]
fn m07_missed_ticks_are_made_up_for_as_documented() {
    block_on_paused(async {
        let burst = ticks(MissedTick::Burst).await;
        assert_eq!(burst, [0, 100, 450, 450, 450, 500, 600]);
        let delay = ticks(MissedTick::Delay).await;
        assert_eq!(delay, [0, 100, 450, 550, 650, 750, 850]);
        let skip = ticks(MissedTick::Skip).await;
        assert_eq!(skip, [0, 100, 450, 500, 600, 700, 800]);
    });
}

#[test]
fn m07_an_hour_of_silence_makes_one_tick_where_bursts_are_off() {
    block_on_paused(async {
        for missed in [MissedTick::Delay, MissedTick::Skip] {
            let mut beat = interval(10 * MS);
            beat.set_missed_tick(missed);
            beat.tick().await;
            sleep(Duration::from_secs(3600)).await;
            let now = Instant::now();
            beat.tick().await;
            assert_eq!(Instant::now(), now);
            beat.tick().await;
            // The hour is a multiple of the period: a tick on the beat is not a missed one.
            let next = if missed == MissedTick::Skip { Duration::ZERO } else { 10 * MS };
            assert_eq!(now.elapsed(), next);
        }
    });
}

#[test]
fn m07_the_next_tick_after_any_lateness() {
    let due = Instant::now();
    let period = 100 * MS;
    for late in (0..1000).map(|i| i * 7 * MS / 3) {
        let now = due + late;
        assert_eq!(MissedTick::Burst.next(due, now, period), due + period);
        let skip = MissedTick::Skip.next(due, now, period);
        assert!(skip >= now && skip > due);
        assert_eq!((skip - due).as_nanos() % period.as_nanos(), 0);
        assert!(skip - now <= period);
        let delay = MissedTick::Delay.next(due, now, period);
        assert_eq!(delay, if late > 5 * MS { now + period } else { due + period });
    }
}

#[test]
fn m01_a_period_too_long_to_express_ticks_once() {
    block_on_paused(async {
        for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
            let mut beat = interval(Duration::MAX);
            beat.set_missed_tick(missed);
            beat.tick().await;
            sleep(Duration::from_secs(1_000_000_000)).await;
            let mut tick = pin!(beat.tick());
            let polled = poll_fn(|cx| Poll::Ready(tick.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
        }
    });
}

#[test]
fn a_dropped_wait_loses_no_tick() {
    block_on_paused(async {
        let start = Instant::now() + 10 * MS;
        let mut beat = interval_at(start, 10 * MS);
        for _ in 0..3 {
            poll_fn(|cx| {
                assert!(pin!(beat.tick()).poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(beat.tick().await, start);
        beat.reset();
        assert_eq!(beat.tick().await, start + 10 * MS);
        beat.reset_at(start + 500 * MS);
        assert_eq!(beat.tick().await, start + 500 * MS);
        assert_eq!(beat.period(), 10 * MS);
        assert!(format!("{beat:?}").contains("period"));
    });
}

#[test]
fn an_interval_is_a_stream() {
    block_on_paused(async {
        let start = Instant::now();
        let mut beat = interval(MS);
        for i in 0..3 {
            let item = poll_fn(|cx| Pin::new(&mut beat).poll_next(cx)).await;
            assert_eq!(item, Some(start + i * MS));
        }
    });
}

#[test]
#[should_panic(expected = "must not be zero (0ns)")]
fn a_period_of_zero_is_refused() {
    drop(interval(Duration::ZERO));
}
