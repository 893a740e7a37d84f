//! An executor for one future, so that the tests of this module need no other.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use corio_sync::prim::{Arc, Parker};

use super::Timers;
use super::clock::Clock;
use super::context::{CONTEXT, TimersRef};

struct Unpark(Parker);

impl Wake for Unpark {
    fn wake(self: StdArc<Self>) {
        self.0.unpark();
    }
}

pub(crate) struct Rig {
    pub(crate) timers: Arc<Timers>,
    pub(crate) clock: Arc<Clock>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self { timers: Arc::new(Timers::new()), clock: Arc::new(Clock::new(true)) }
    }

    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let ours = Some((TimersRef(self.timers.clone()), self.clock.clone()));
        let before = CONTEXT.with(|c| c.replace(ours));
        let result = f();
        CONTEXT.with(|c| c.replace(before));
        result
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.enter(|| {
            let parker = StdArc::new(Unpark(Parker::new()));
            let waker = parker.clone().into();
            let mut cx = Context::from_waker(&waker);
            let mut future = pin!(future);
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return output;
                }
                loop {
                    self.timers.fire(self.clock.now_ns(), 64);
                    if parker.0.try_take() {
                        break;
                    }
                    let next = self.timers.next_deadline_ns();
                    if self.clock.jump(next, false) {
                        continue;
                    }
                    let wait = next.map_or(u64::MAX, |n| n.saturating_sub(self.clock.now_ns()));
                    if parker.0.park_timeout(Duration::from_nanos(wait)) {
                        break;
                    }
                }
            }
        })
    }
}

/// Runs `future` on a clock of its own.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let rig = Rig::new();
    let output = rig.block_on(future);
    assert_eq!(rig.timers.len(), 0, "a timer was left behind");
    output
}

/// Runs `future` in virtual time.
pub(crate) fn block_on_paused<F: Future>(future: F) -> F::Output {
    block_on(async {
        super::pause();
        future.await
    })
}
