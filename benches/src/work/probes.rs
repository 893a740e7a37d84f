//! Time limits, lateness of timers, and memory.

use super::{cpu_now, rt};
use crate::catalog::Beside;
use crate::hist::Histogram;
use crate::sample::Sample;
use crate::sys;
use crate::work_body::{Body, Countdown, Parked, Received, bodies, compute};
use std::hint::black_box;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A limit that never strikes.
const FAR: Duration = Duration::from_secs(60);
/// How long a hog computes before it gives way.
const HOG: Duration = Duration::from_millis(10);
/// How long one of many busy tasks computes before it gives way.
const BUSY: Duration = Duration::from_micros(5);
/// The ticker's period.
const TICK: Duration = Duration::from_millis(1);

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "timeout_ready" => timeout_ready,
        "timeout_pending" => timeout_pending,
        "sleep_drop" => sleep_drop,
    })
}

async fn timeout_ready(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        count += rt::timeout(FAR, async { black_box(1) }).await.received().unwrap_or(0);
    }
    count
}

/// The future is pending once, so that the limit's timer is set and taken back.
async fn timeout_pending(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        let pending_once = async {
            rt::yield_now().await;
            black_box(1)
        };
        count += rt::timeout(FAR, pending_once).await.received().unwrap_or(0);
    }
    count
}

/// Makes a sleep, polls it so that its timer is set, and drops it.
async fn sleep_drop(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        let mut sleep = std::pin::pin!(rt::sleep(FAR));
        count +=
            std::future::poll_fn(|cx| Poll::Ready(u64::from(sleep.as_mut().poll(cx).is_pending())))
                .await;
    }
    count
}

/// One task sleeps for [`TICK`] again and again for `time`; records how late it wakes.
pub(crate) async fn naps(time: Duration) -> Result<Sample, String> {
    let task = rt::spawn(async move {
        let (cpu, begin) = (cpu_now()?, Instant::now());
        let mut hist = Histogram::new();
        let mut ops = 0;
        while begin.elapsed() < time {
            let deadline = Instant::now() + TICK;
            rt::sleep(TICK).await;
            ops += 1;
            // Early is an error, which the count then shows.
            if let Some(late) = Instant::now().checked_duration_since(deadline) {
                hist.record(late.as_nanos() as u64);
            }
        }
        Ok(latencies(ops, hist, begin.elapsed(), cpu_now()? - cpu))
    });
    rt::join(task).await
}

/// `n` tasks sleep until deadlines spread evenly over `spread`; records how late each one wakes.
pub(crate) async fn sleeps(n: u64, lead: Duration, spread: Duration) -> Result<Sample, String> {
    let cpu = cpu_now()?;
    let begin = Instant::now();
    let first = begin + lead;
    let handles: Vec<_> = (0..n)
        .map(|index| {
            let deadline = first + spread.mul_f64(index as f64 / n as f64);
            rt::spawn(async move {
                rt::sleep(deadline.saturating_duration_since(Instant::now())).await;
                // Early is an error, which the count then shows.
                Instant::now().checked_duration_since(deadline)
            })
        })
        .collect();
    let mut hist = Histogram::new();
    for handle in handles {
        if let Some(late) = rt::join(handle).await {
            hist.record(late.as_nanos() as u64);
        }
    }
    let wall = begin.elapsed();
    let cpu = cpu_now()? - cpu;
    Ok(latencies(n, hist, wall, cpu))
}

/// A ticker of 1 kHz for `time` beside others; records how late each tick is served.
///
/// A ticker that is woken late serves every tick that has come due by then, and each of them counts
/// with its own lateness: one long delay is as many late ticks as it was milliseconds long.
pub(crate) async fn ticker(beside: Beside, time: Duration) -> Result<Sample, String> {
    match beside {
        Beside::Hog => rt::detach(rt::spawn(hog())),
        Beside::Busy { tasks } => {
            (0..tasks).for_each(|_| rt::detach(rt::spawn(computing(BUSY))));
        }
    }
    let ticker = rt::spawn(async move {
        let (cpu, begin) = (cpu_now()?, Instant::now());
        let mut hist = Histogram::new();
        let mut deadline = begin;
        while deadline.duration_since(begin) < time {
            deadline += TICK;
            rt::sleep(deadline.saturating_duration_since(Instant::now())).await;
            let now = Instant::now();
            hist.record(now.saturating_duration_since(deadline).as_nanos() as u64);
            while deadline + TICK <= now {
                deadline += TICK;
                hist.record(now.duration_since(deadline).as_nanos() as u64);
            }
        }
        let ticks = deadline.duration_since(begin).as_nanos() / TICK.as_nanos();
        Ok(latencies(ticks as u64, hist, begin.elapsed(), cpu_now()? - cpu))
    });
    rt::join(ticker).await
}

/// Computes for ever, [`HOG`] at a time.
pub(crate) async fn hog() {
    computing(HOG).await;
}

/// Computes for ever, and gives way after each `stretch`.
async fn computing(stretch: Duration) {
    loop {
        compute(stretch);
        rt::yield_now().await;
    }
}

fn latencies(ops: u64, hist: Histogram, wall: Duration, cpu: Duration) -> Sample {
    let sample = Sample::timed(ops, hist.len(), wall, cpu);
    Sample { hist: Some(hist), ..sample }
}

/// Resident bytes for each of `n` tasks that wait for something.
pub(crate) async fn parked_tasks(n: u64) -> Result<Sample, String> {
    let resident = || {
        sys::resident_bytes(std::process::id())
            .map_err(|error| format!("cannot read statm: {error}"))
    };
    // The place for the handles is touched before the first reading: it is not the tasks' memory.
    let mut handles: Vec<Option<rt::Handle<()>>> = (0..n).map(|_| None).collect();
    let parked = Arc::new(Countdown::new(n));
    rt::join(rt::spawn(async {})).await;

    let before = resident()?;
    let (cpu, begin) = (cpu_now()?, Instant::now());
    for handle in &mut handles {
        *handle = Some(rt::spawn(Parked { on_park: parked.clone(), waker: None }));
    }
    let count = parked.wait().await;
    let (wall, cpu) = (begin.elapsed(), cpu_now()? - cpu);
    let after = resident()?;
    black_box(&handles);
    // The waiting futures hold their own wakers and so would never be freed: leave them at once.
    std::mem::forget(handles);
    let bytes = after.saturating_sub(before) as f64 / n as f64;
    Ok(Sample { bytes: Some(bytes), ..Sample::timed(n, count, wall, cpu) })
}

/// The smallest use of a runtime: one task, whose result says that it ran.
pub(crate) async fn first_task() -> u64 {
    rt::join(rt::spawn(async { black_box(1) })).await
}
