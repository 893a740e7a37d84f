//! Waiting for several things: all, the first, some, or one that must not be disturbed.

mod common;

use std::time::Duration;

use common::{LONG, Log, on_all};
use corio::{WaitFor, gather, race, shield, spawn, try_gather, wait, wait_timeout};

const SHORT: Duration = Duration::from_millis(2);

/// Gives way `i % 5` times, then returns `i`.
async fn number(i: usize) -> usize {
    for _ in 0..i % 5 {
        corio::yield_now().await;
    }
    i
}

#[test]
fn gather_keeps_the_order() {
    on_all(|| async {
        assert_eq!(gather((0..100).map(number)).await, (0..100).collect::<Vec<_>>());
        assert_eq!(gather((0..0).map(number)).await, []);
        // More than one poll takes on at once.
        assert_eq!(gather((0..20_000).map(number)).await.len(), 20_000);
    });
}

#[test]
fn gather_borrows() {
    on_all(|| async {
        let words = ["a", "bc", "def"].map(String::from);
        let lengths = gather(words.iter().map(|word| async { word.len() })).await;
        assert_eq!(lengths, [1, 2, 3]);
    });
}

#[test]
fn try_gather_stops_at_the_first_error_and_waits_for_what_it_drops() {
    on_all(|| async {
        let all = try_gather((0..5).map(|i| async move { Ok::<_, ()>(number(i).await) })).await;
        assert_eq!(all, Ok(vec![0, 1, 2, 3, 4]));

        let log = Log::default();
        let failed = try_gather((0..5).map(|i| {
            let log = log.clone();
            async move {
                if i == 3 {
                    log.entered(4).await;
                    return Err(i);
                }
                log.endless("dropped").await;
                Ok(())
            }
        }));
        assert_eq!(failed.await, Err(3));
        assert_eq!(log.get(), ["dropped"; 4]);
    });
}

#[test]
fn a_race_has_one_winner_and_the_losers_are_cleaned_up() {
    on_all(|| async {
        let log = Log::default();
        let winner = race((0..5).map(|i| {
            let log = log.clone();
            async move {
                match i {
                    2 => log.entered(4).await,
                    _ => log.endless("lost").await,
                }
                i
            }
        }));
        assert_eq!(winner.await, 2);
        assert_eq!(log.get(), ["lost"; 4]);
    });
}

#[test]
fn results_as_they_come() {
    on_all(|| async {
        let (first, second) = (corio::sync::Event::new(), corio::sync::Event::new());
        let mut results = corio::as_completed((0..3).map(|i| {
            let (first, second) = (&first, &second);
            async move {
                match i {
                    0 => second.wait().await,
                    1 => first.wait().await,
                    _ => {}
                }
                i
            }
        }));
        assert_eq!(results.next().await, Some(2));
        first.set();
        assert_eq!(results.next().await, Some(1));
        second.set();
        assert_eq!(results.next().await, Some(0));
        assert_eq!(results.next().await, None);
    });
}

#[test]
fn waiting_takes_no_results_and_cancels_nobody() {
    on_all(|| async {
        let (go, wait_for_it) = corio::sync::oneshot::channel::<()>();
        let tasks = [spawn(async move { wait_for_it.await.is_ok() }), spawn(async { true })];
        let (done, pending) = wait(tasks, WaitFor::FirstCompleted).await;
        assert_eq!((done.len(), pending.len()), (1, 1));
        let (none, pending) = wait_timeout(pending, WaitFor::All, SHORT).await;
        assert_eq!((none.len(), pending.len()), (0, 1));
        go.send(()).unwrap();
        let (more, none) = wait(pending, WaitFor::All).await;
        assert!(none.is_empty());
        for task in done.into_iter().chain(more) {
            assert!(task.await.unwrap());
        }
    });
}

#[test]
fn the_first_error_is_a_panic() {
    on_all(|| async {
        let tasks = [
            spawn(async {}),
            spawn(corio::sleep(LONG * 60)),
            spawn(async { panic!("as planned") }),
        ];
        let (done, pending) = wait(tasks, WaitFor::FirstError).await;
        assert_eq!(pending.len(), 1);
        let mut panics = 0;
        for task in done {
            panics += u32::from(task.await.is_err_and(|error| error.is_panic()));
        }
        assert_eq!(panics, 1);
    });
}

#[test]
fn a_shielded_future_goes_on_when_its_waiter_is_gone() {
    on_all(|| async {
        let (saved, is_saved) = corio::sync::oneshot::channel();
        let (go, wait_for_it) = corio::sync::oneshot::channel::<()>();
        let save = async move {
            wait_for_it.await.unwrap();
            saved.send("saved").unwrap();
            7
        };
        assert!(corio::timeout(SHORT, shield(save)).await.is_err());
        go.send(()).unwrap();
        assert_eq!(is_saved.await.unwrap(), "saved");
        assert_eq!(shield(async { 8 }).await.unwrap(), 8);
    });
}
