//! The first success of several futures.

mod kit;

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::spawn;
use corio_runtime::structured::{finally, race_ok};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_sync::Event;
use kit::{Count, ms, on_all, pending, settle};

const LONG: Duration = Duration::from_secs(600);

/// Tries for `n` milliseconds; even ones succeed.
async fn attempt(n: u64) -> Result<u64, String> {
    sleep(ms(n)).await;
    if n % 2 == 0 { Ok(n) } else { Err(format!("{n} is odd")) }
}

fn in_virtual_time<F: Future<Output = ()>>(f: F) {
    Builder::new_current_thread().start_paused(true).build().unwrap().block_on(f);
}

#[test]
fn the_first_success_wins_whatever_failed_before() {
    in_virtual_time(async {
        let start = Instant::now();
        assert_eq!(race_ok([9, 1, 6, 3, 4].map(attempt)).await.unwrap(), 4);
        assert_eq!(start.elapsed(), ms(4));
    });
}

#[test]
fn all_errors_are_told_in_the_order_of_the_futures() {
    in_virtual_time(async {
        let error = race_ok([5, 1, 3].map(attempt)).await.unwrap_err();
        assert_eq!(error.errors(), ["5 is odd", "1 is odd", "3 is odd"]);
        assert_eq!(error.to_string(), "all 3 have failed:\n  5 is odd\n  1 is odd\n  3 is odd");
        let one = race_ok([attempt(7)]).await.unwrap_err();
        assert_eq!(one.to_string(), "7 is odd");
        assert_eq!(one.into_errors(), ["7 is odd"]);
        let lines = || async { Err::<(), _>("no answer\nfrom two hosts\n") };
        let error = race_ok([lines()]).await.unwrap_err();
        assert_eq!(error.to_string(), "no answer\n  from two hosts\n");
        let error = race_ok([lines(), lines()]).await.unwrap_err();
        let one = "\n  no answer\n    from two hosts\n";
        assert_eq!(error.to_string(), format!("all 2 have failed:{one}{one}"));
        let none = race_ok(Vec::<std::future::Ready<Result<(), String>>>::new()).await;
        assert_eq!(none.unwrap_err().to_string(), "a race without futures has no winner");
    });
}

#[test]
fn c04_the_losers_are_cleaned_up_before_it_returns() {
    on_all(|| async {
        let cleaned = Count::default();
        let loser = || {
            let cleaned = cleaned.clone();
            finally(pending::<Result<u32, ()>>(), move || async move {
                sleep(ms(1)).await;
                cleaned.add();
            })
        };
        type Tries = Vec<std::pin::Pin<Box<dyn Future<Output = Result<u32, ()>>>>>;
        let wins = async {
            sleep(ms(1)).await;
            Ok(7)
        };
        let tries: Tries =
            vec![Box::pin(loser()), Box::pin(async { Err(()) }), Box::pin(wins), Box::pin(loser())];
        assert_eq!(race_ok(tries).await, Ok(7));
        assert_eq!(cleaned.get(), 2);
    });
}

#[test]
fn c04_a_race_that_is_dropped_drops_its_futures() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let tries = (0..3).map(move |_| {
            let cleaned = theirs.clone();
            finally(pending::<Result<(), ()>>(), move || async move { cleaned.add() })
        });
        assert!(timeout(ms(2), race_ok(tries)).await.is_err());
        assert_eq!(cleaned.get(), 3);
    });
}

#[test]
fn what_is_staggered_starts_after_the_delay_or_at_a_failure() {
    in_virtual_time(async {
        let start = Instant::now();
        let times = &std::cell::RefCell::new(Vec::new());
        // Lasts so long, and then fails, or succeeds.
        let tries = [(700, false), (20, false), (900, false), (250, true)];
        let tries = tries.map(|(n, ok)| async move {
            times.borrow_mut().push(start.elapsed());
            sleep(ms(n)).await;
            if ok { Ok(n) } else { Err(n) }
        });
        assert_eq!(race_ok(tries).stagger(ms(100)).await, Ok(250));
        // The second after the delay, the third when that has failed, the fourth a delay after the third.
        assert_eq!(*times.borrow(), [0, 100, 120, 220].map(ms));
        assert_eq!(start.elapsed(), ms(470));
    });
}

#[test]
fn what_is_not_needed_never_starts() {
    in_virtual_time(async {
        let started = Count::default();
        let tries = (0..5).map(|n| {
            let started = started.clone();
            async move {
                started.add();
                sleep(ms(150)).await;
                Ok::<_, ()>(n)
            }
        });
        assert_eq!(race_ok(tries).stagger(ms(100)).await, Ok(0));
        assert_eq!(started.get(), 2);
    });
}

#[test]
fn failures_that_follow_at_once_need_no_delay() {
    in_virtual_time(async {
        let start = Instant::now();
        let tries = (0..1000).map(|n| async move { if n == 999 { Ok(n) } else { Err(n) } });
        assert_eq!(race_ok(tries).stagger(LONG).await, Ok(999));
        assert_eq!(start.elapsed(), Duration::ZERO);
        let all = race_ok((0..300).map(|n| async move { Err::<(), _>(n) })).stagger(LONG).await;
        assert_eq!(all.unwrap_err().into_errors(), (0..300).collect::<Vec<_>>());
        let at_once = race_ok((0..10).map(attempt)).stagger(Duration::ZERO).await;
        assert_eq!(at_once, Ok(0));
    });
}

#[test]
fn a_failure_that_comes_from_another_task_starts_the_next() {
    on_all(|| async {
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let race = spawn(async move {
            let fails = async move {
                theirs.wait().await;
                Err("gone")
            };
            type Try = std::pin::Pin<Box<dyn Future<Output = Result<u8, &'static str>> + Send>>;
            let tries: [Try; 2] = [Box::pin(fails), Box::pin(async { Ok(1) })];
            race_ok(tries).stagger(LONG).await
        });
        settle().await;
        gate.set();
        assert_eq!(race.await.unwrap(), Ok(1));
    });
}

#[test]
fn the_error_is_one_whatever_the_errors_are() {
    in_virtual_time(async {
        type AnyError = Box<dyn Error + Send + Sync>;
        let boxed =
            race_ok([async { Err::<(), AnyError>("as planned".into()) }]).await.unwrap_err();
        assert_eq!(boxed.source().unwrap().to_string(), "as planned");
        let boxed: Box<dyn Error> = boxed.into();
        assert_eq!(boxed.to_string(), "as planned");
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let error: io::Error =
            race_ok([async { Err::<(), _>(refused()) }]).await.unwrap_err().into();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}
