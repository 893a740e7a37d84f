//! Timers, and the clocks that they go by.

use std::process::Command;
use std::time::Duration;

use corio_runtime::spawn;
use corio_runtime::time::{Instant, sleep};

use crate::kit::{multi, single};

fn cpu_time_of_this_thread() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the struct that it is given.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn m05_short_sleeps_are_never_early_and_never_spin() {
    const SHORT: Duration = Duration::from_micros(300);
    single().block_on(async {
        let (start, cpu) = (Instant::now(), cpu_time_of_this_thread());
        for _ in 0..200 {
            let start = Instant::now();
            sleep(SHORT).await;
            assert!(start.elapsed() >= SHORT);
        }
        let (wall, cpu) = (start.elapsed(), cpu_time_of_this_thread() - cpu);
        assert!(cpu < wall / 2, "{cpu:?} of {wall:?}");
    });
}

/// The system's monotonic clock, as it is without std.
fn uptime() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the struct that it is given.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Sleeps for a while where the monotonic clock shows more than a century.
pub(crate) fn sleeps_late() {
    assert!(uptime() > Duration::from_secs(4_000_000_000), "{:?}", uptime());
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..50)
                .map(|i| {
                    let delay = Duration::from_millis(i);
                    spawn(async move {
                        let start = Instant::now();
                        sleep(delay).await;
                        assert!(start.elapsed() >= delay);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert!(!sleep(Duration::MAX).is_elapsed());
        });
    }
}

#[test]
fn m08_a_clock_that_has_run_for_a_century_works() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["-r", "-T", "--fork", "--monotonic", "4000000000", "--"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|output| output.status.success()) {
        eprintln!("not tested: this system makes no time namespaces");
        return;
    }
    let output = unshare()
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "role", "--nocapture", "--test-threads=1"])
        .env("CORIO_TEST_ROLE", "sleeps late")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Nobody may set the wall clock for a test. What can be seen is that corio's instants are std's, which
/// come from the monotonic clock: it knows neither the wall clock nor, on Linux, the time in suspend.
#[test]
fn m09_instants_come_from_the_monotonic_clock() {
    single().block_on(async {
        let (before, start) = (uptime(), Instant::now());
        sleep(Duration::from_millis(20)).await;
        let (after, end) = (uptime(), Instant::now());
        assert!(end.duration_since(start) >= Duration::from_millis(20));
        assert!(after - before >= Duration::from_millis(20));
        assert!(start.into_std() < end.into_std() && end.into_std() <= std::time::Instant::now());
    });
}
