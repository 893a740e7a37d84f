//! Virtual time, as a test steers it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_sync::hooks::{self, Site, WaitKind};

use crate::executor::context::{self, NO_RUNTIME};

use super::clock::Clock;
use super::{Instant, Sleep};

/// Stops the runtime's clock.
///
/// From now on time stands still while a task can run, and jumps to the next timer when all tasks wait
/// and no blocking call is under way: a test of an hour's schedule takes no time.
///
/// # Panics
///
/// When the thread is in no runtime, or the runtime has several threads.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::runtime::Builder;
/// use corio_runtime::time::{self, Instant, sleep};
///
/// let rt = Builder::new_current_thread().build()?;
/// rt.block_on(async {
///     time::pause();
///     let start = Instant::now();
///     sleep(Duration::from_secs(3600)).await;
///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn pause() {
    let (Some(clock), Some(timers)) = (context::current_clock(), context::current_timers()) else {
        panic!("{NO_RUNTIME}");
    };
    if let Err(why) = clock.pause() {
        panic!("{why}");
    }
    timers.set_exact();
}

/// Lets the runtime's clock run on from where it was paused; does nothing if it runs.
///
/// # Panics
///
/// When the thread is in no runtime.
#[track_caller]
pub fn resume() {
    context::current_clock().unwrap_or_else(|| panic!("{NO_RUNTIME}")).resume();
}

/// Lets `duration` pass on a paused clock.
///
/// Time goes from timer to timer: whatever is due in between runs, as far as it can, before time goes
/// on, and sees the time for which it was planned. Unlike the jump of an idle runtime, this happens
/// also while blocking calls are under way. A zero `duration` lets the other tasks run once; one too long
/// to express goes to the last moment that there is, after which no timer is due any more.
///
/// # Cancel safety
///
/// Safe: the time that has passed stays passed.
///
/// # Panics
///
/// When it is polled where time is not [paused](pause).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::runtime::Builder;
/// use corio_runtime::time::{self, Instant};
///
/// let rt = Builder::new_current_thread().start_paused(true).build()?;
/// rt.block_on(async {
///     let start = Instant::now();
///     time::advance(Duration::from_secs(60)).await;
///     assert_eq!(start.elapsed(), Duration::from_secs(60));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn advance(duration: Duration) -> Advance {
    Advance { duration, site: Site::caller(), started: None }
}

/// A future that is ready when the paused clock has moved; made by [`advance`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Advance {
    duration: Duration,
    site: Site,
    started: Option<Started>,
}

/// An advance under way: a timer at its end, which the core reaches by jumps.
struct Started {
    clock: Arc<Clock>,
    sleep: Sleep,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.clock.end_advance();
    }
}

impl Future for Advance {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let (duration, site) = (this.duration, this.site);
        let started = this.started.get_or_insert_with(|| {
            let Some(clock) = context::current_clock().filter(|clock| clock.is_paused()) else {
                panic!(
                    "time is not paused here: call `time::pause()` before `advance` ({})",
                    site.location()
                );
            };
            clock.begin_advance();
            // The far future itself is no moment that a clock can show.
            let deadline = (Instant::now() + duration).min(Instant::last());
            // Also a zero advance goes round once.
            Started { clock, sleep: Sleep::fresh(deadline, site) }
        });
        if started.sleep.poll_deadline(cx).is_pending() {
            hooks::set_wait(site, WaitKind::Sleep);
            return Poll::Pending;
        }
        this.started = None;
        Poll::Ready(())
    }
}

impl fmt::Debug for Advance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advance")
            .field("duration", &self.duration)
            .field("started", &self.started.is_some())
            .finish()
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests;
