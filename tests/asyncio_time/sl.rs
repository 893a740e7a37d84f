//! sleep.

use std::future::pending;
use std::time::Duration;

use corio::time::{Instant, sleep, sleep_until};
use corio::{Handle, spawn, timeout};

use crate::common::{LONG, Log};
use crate::kit::{secs, timers};

/// `sleep(0)` gives way once: what was queued before it has run when it returns, what came later not.
#[corio::test(start_paused = true)]
async fn sl_01_a_sleep_of_nothing_gives_way_once() {
    let log = Log::default();
    let (first, second) = (log.clone(), log.clone());
    Handle::current().call_soon(move || {
        first.add("queued before");
        Handle::current().call_soon(move || second.add("queued later"));
    });
    let start = Instant::now();
    sleep(Duration::ZERO).await;
    assert_eq!((log.get(), start.elapsed()), (vec!["queued before".to_owned()], Duration::ZERO));
    sleep(Duration::ZERO).await;
    assert_eq!(log.get(), ["queued before", "queued later"]);
}

/// A moment in the past is no wait and no error.
#[corio::test(start_paused = true)]
async fn sl_02_a_moment_in_the_past_is_no_wait() {
    let start = Instant::now();
    sleep_until(start - secs(5)).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// No sleep ends early, by the machine's clock.
#[corio::test]
async fn sl_05_no_sleep_ends_early() {
    for micros in (0..4000).step_by(97) {
        let (start, d) = (std::time::Instant::now(), Duration::from_micros(micros));
        sleep(d).await;
        assert!(start.elapsed() >= d, "{d:?}");
    }
}

/// Cancelling a sleeper takes no time, and its timer is gone.
#[corio::test(start_paused = true)]
async fn sl_06_a_cancelled_sleeper_ends_at_once() {
    let start = Instant::now();
    let sleeper = spawn(sleep(secs(100)));
    corio::yield_now().await;
    assert_eq!(timers(), 1);
    sleeper.cancel();
    assert!(sleeper.await.unwrap_err().is_cancelled());
    assert_eq!((start.elapsed(), timers()), (Duration::ZERO, 0));
}

/// Sleeps end in the order of their deadlines, whatever the order in which they began.
#[corio::test(start_paused = true)]
async fn sl_07_sleeps_end_in_the_order_of_their_deadlines() {
    let log = Log::default();
    let sleepers = ["5", "1", "4", "2", "3"].map(|name| {
        let log = log.clone();
        spawn(async move {
            sleep(secs(name.parse().unwrap())).await;
            log.add(name);
        })
    });
    for sleeper in sleepers {
        sleeper.await.unwrap();
    }
    assert_eq!(log.get(), ["1", "2", "3", "4", "5"]);
}

/// A sleep may be as long as one likes, or for ever.
#[corio::test(start_paused = true)]
async fn sl_08_a_sleep_may_be_for_ever() {
    let start = Instant::now();
    assert!(timeout(secs(5), sleep(Duration::MAX)).await.is_err());
    // Three hundred years.
    let long = secs(300 * 366 * 24 * 3600);
    sleep(long).await;
    assert_eq!(start.elapsed(), secs(5) + long);
}

/// In virtual time a sleep for ever that nothing can end fails the test, and says what waits.
#[test]
fn sl_08_virtual_time_that_stands_still_for_good_is_a_failure() {
    #[corio::main(flavor = "current_thread", start_paused = true)]
    async fn main() {
        drop(spawn(pending::<()>()));
        sleep(Duration::MAX).await;
    }
    // On a thread of its own, so that this test ends also when it does not.
    let (ended, has_ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(std::panic::catch_unwind(main)));
    let panic = has_ended.recv_timeout(LONG).expect("it hangs").unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("stands still for good") && text.contains("waiting on sleep"), "{text}");
    assert!(text.contains("sl.rs"), "{text}");
}

/// Where another thread may still wake a task, or spawn one, virtual time waits for it.
#[corio::test(start_paused = true)]
async fn sl_08_what_another_thread_may_wake_is_waited_for() {
    let (send, receive) = corio::sync::oneshot::channel();
    let handle = Handle::current();
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        handle.spawn(async move { send.send(7).unwrap() })
    });
    assert_eq!(timeout(Duration::MAX, receive).await.unwrap().unwrap(), 7);
    other.join().unwrap().await.unwrap();
}

/// Time may be moved as far as it goes: what is due on the way runs, and the call returns.
#[corio::test(start_paused = true)]
async fn sl_08_time_may_be_moved_as_far_as_it_goes() {
    let start = Instant::now();
    let sleeper = spawn(sleep(secs(1_000_000_000)));
    corio::time::advance(Duration::MAX).await;
    assert!(sleeper.is_finished());
    assert!(start.elapsed() > secs(500 * 365 * 24 * 3600));
}

/// Two tasks that sleep for nothing take turns.
#[corio::test(start_paused = true)]
async fn sl_09_two_tasks_that_sleep_for_nothing_take_turns() {
    let log = Log::default();
    let [a, b] = ["a", "b"].map(|name| {
        let log = log.clone();
        spawn(async move {
            for _ in 0..5 {
                log.add(name);
                sleep(Duration::ZERO).await;
            }
        })
    });
    a.await.unwrap();
    b.await.unwrap();
    assert_eq!(log.get().concat(), "ababababab");
}

/// Of equal deadlines the first that was set is the first that is met.
#[corio::test(start_paused = true)]
async fn sl_10_equal_deadlines_are_met_in_order() {
    let log = Log::default();
    let deadline = Instant::now() + secs(5);
    let sleepers = (0..20).map(|i| {
        let log = log.clone();
        spawn(async move {
            sleep_until(deadline).await;
            log.add(i.to_string());
        })
    });
    for sleeper in sleepers.collect::<Vec<_>>() {
        sleeper.await.unwrap();
    }
    assert_eq!(log.get(), (0..20).map(|i| i.to_string()).collect::<Vec<_>>());
}

/// A request reaches a task in `sleep(0)` before its next step.
#[corio::test(start_paused = true)]
async fn sl_11_a_request_reaches_a_sleep_of_nothing() {
    let log = Log::default();
    let ours = log.clone();
    let task = spawn(async move {
        ours.add("began");
        sleep(Duration::ZERO).await;
        ours.add("went on");
    });
    corio::yield_now().await;
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["began"]);
}
