//! Timers, mostly on virtual time: an hour takes no time, and ends to the nanosecond.

use std::time::Duration;

use corio::time::{self, Instant, MissedTick, interval, interval_at};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

#[corio::test(start_paused = true)]
async fn sleeps_end_in_order_and_on_time() {
    let start = Instant::now();
    let (order, mut slept) = corio::sync::mpsc::unbounded();
    for seconds in [3_600, 1, 86_400, 60] {
        let order = order.clone();
        drop(corio::spawn(async move {
            corio::sleep(SECOND * seconds).await;
            order.send((seconds, Instant::now())).unwrap();
        }));
    }
    drop(order);
    for seconds in [1, 60, 3_600, 86_400] {
        assert_eq!(slept.recv().await, Some((seconds, start + SECOND * seconds)));
    }
    assert_eq!(slept.recv().await, None);
}

#[corio::test(start_paused = true)]
async fn a_timeout_gives_the_result_or_says_how_long_it_waited() {
    assert_eq!(corio::timeout(SECOND, async { 7 }).await.unwrap(), 7);
    let start = Instant::now();
    let elapsed = corio::timeout(SECOND * 90, std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(start.elapsed(), SECOND * 90);
    assert_eq!(elapsed.limit(), Some(SECOND * 90));
    assert!(elapsed.to_string().contains("90s"), "{elapsed}");
    assert!(corio::timeout_at(start, std::future::pending::<()>()).await.is_err());
    assert_eq!(corio::timeout_at(start, async { 8 }).await.unwrap(), 8, "what is ready wins");
    assert_eq!(corio::move_on_after(SECOND, std::future::pending::<()>()).await, None);
    assert_eq!(corio::timeout(Duration::ZERO, async { 9 }).await.unwrap(), 9);
}

#[corio::test(start_paused = true)]
async fn a_timeout_of_forever_is_no_overflow() {
    assert_eq!(corio::timeout(Duration::MAX, corio::sleep(SECOND)).await.ok(), Some(()));
    let mut forever = Box::pin(corio::sleep(Duration::MAX));
    assert!(corio::timeout(SECOND, &mut forever).await.is_err());
    assert!(!forever.is_elapsed());
}

#[corio::test(start_paused = true)]
async fn a_sleep_may_be_put_off_and_brought_forward() {
    let start = Instant::now();
    let mut sleep = corio::sleep(SECOND * 10);
    assert!(corio::timeout(SECOND, &mut sleep).await.is_err());
    sleep.reset(start + SECOND * 20);
    assert!(corio::timeout(SECOND * 15, &mut sleep).await.is_err());
    assert_eq!(start.elapsed(), SECOND * 16);
    sleep.reset(start + SECOND * 17);
    (&mut sleep).await;
    assert_eq!(start.elapsed(), SECOND * 17);
    assert!(sleep.is_elapsed());
    sleep.reset(start + SECOND * 18);
    assert!(!sleep.is_elapsed());
    sleep.await;
    assert_eq!(start.elapsed(), SECOND * 18);
}

#[corio::test(start_paused = true)]
async fn an_interval_ticks_at_once_and_then_each_period() {
    let start = Instant::now();
    let mut ticks = interval(SECOND);
    for i in 0..5 {
        assert_eq!(ticks.tick().await, start + SECOND * i);
    }
    let mut later = interval_at(start + SECOND * 10, SECOND);
    assert_eq!(later.tick().await, start + SECOND * 10);
}

#[corio::test(start_paused = true)]
async fn what_an_interval_missed_is_made_up_for_as_it_is_told() {
    for (missed, expected) in [
        (MissedTick::Burst, [2_000, 3_000, 4_000, 5_000]),
        (MissedTick::Delay, [2_000, 4_500, 5_500, 6_500]),
        (MissedTick::Skip, [2_000, 4_000, 5_000, 6_000]),
    ] {
        let start = Instant::now();
        let mut ticks = interval_at(start + SECOND, SECOND);
        ticks.set_missed_tick(missed);
        ticks.tick().await;
        // Somebody is busy until 3.5 s.
        time::advance(MILLI * 2_500).await;
        let mut at = Vec::new();
        for _ in 0..4 {
            at.push(ticks.tick().await.duration_since(start).as_millis());
        }
        assert_eq!(at, expected, "{missed:?}");
    }
}

#[corio::test(start_paused = true)]
async fn advancing_runs_what_is_due_on_the_way() {
    let task = corio::spawn(async {
        corio::sleep(SECOND).await;
        corio::sleep(SECOND).await;
        Instant::now()
    });
    let start = Instant::now();
    time::advance(SECOND * 10).await;
    assert_eq!(start.elapsed(), SECOND * 10);
    assert_eq!(task.await.unwrap(), start + SECOND * 2);
}

#[corio::test]
async fn time_may_be_paused_and_resumed() {
    time::pause();
    let start = Instant::now();
    corio::sleep(SECOND * 3_600).await;
    assert_eq!(start.elapsed(), SECOND * 3_600);
    time::resume();
    corio::sleep(MILLI).await;
    assert!(start.elapsed() >= SECOND * 3_600 + MILLI);
}

#[corio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_timers_are_never_early() {
    let tasks: Vec<_> = (0..200_u32)
        .map(|i| {
            corio::spawn(async move {
                let (start, wanted) = (std::time::Instant::now(), Duration::from_micros(50) * i);
                corio::sleep(wanted).await;
                (start.elapsed(), wanted)
            })
        })
        .collect();
    for task in tasks {
        let (slept, wanted) = task.await.unwrap();
        assert!(slept >= wanted, "{slept:?} of {wanted:?}");
    }
}

#[corio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_move_between_tasks_and_threads() {
    // Armed in one task, awaited in another, dropped in a third.
    let mut sleep = Box::pin(corio::sleep(MILLI * 2));
    assert!(corio::timeout(Duration::ZERO, &mut sleep).await.is_err());
    corio::spawn(sleep).await.unwrap();
    let mut endless = Box::pin(corio::sleep(SECOND * 3_600));
    assert!(corio::timeout(MILLI, &mut endless).await.is_err());
    corio::spawn_blocking(move || drop(endless)).await.unwrap();
}

/// A limit of zero asks once, whatever the task has done before in the same poll.
#[corio::test]
async fn w10_no_time_at_all_is_enough_for_what_is_ready() {
    let (sender, mut receiver) = corio::sync::mpsc::unbounded();
    for n in 0..1000 {
        sender.send(n).unwrap();
    }
    let mut count = 0;
    while let Ok(Some(n)) = corio::timeout(Duration::ZERO, receiver.recv()).await {
        assert_eq!(n, count);
        count += 1;
    }
    assert_eq!(count, 1000);
}
