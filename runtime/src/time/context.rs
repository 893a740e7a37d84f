//! Where time meets the executor: the timers and the clock of the thread's runtime.

use corio_sync::prim::Arc;
use std::cell::RefCell;
use std::ops::Deref;

use super::clock::Clock;
use super::timers::Timers;

#[derive(Debug, Clone)]
pub(crate) struct TimersRef(pub(crate) Arc<Timers>);

impl Deref for TimersRef {
    type Target = Timers;
    fn deref(&self) -> &Timers {
        &self.0
    }
}

impl TimersRef {
    pub(crate) fn notify_earlier(&self) {}
}

thread_local! {
    pub(super) static CONTEXT: RefCell<Option<(TimersRef, Arc<Clock>)>> = const { RefCell::new(None) };
}

pub(crate) fn current_timers() -> Option<TimersRef> {
    CONTEXT.with(|c| c.borrow().as_ref().map(|c| c.0.clone()))
}

pub(crate) fn current_clock() -> Option<Arc<Clock>> {
    CONTEXT.with(|c| c.borrow().as_ref().map(|c| c.1.clone()))
}

pub(super) mod cleanup {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    #[derive(Debug)]
    pub(crate) struct SinkGuard;
    #[derive(Debug)]
    pub(crate) struct CleanupWait;

    impl SinkGuard {
        pub(crate) fn enter() -> Self {
            Self
        }
        pub(crate) fn finish(self) -> CleanupWait {
            CleanupWait
        }
    }

    impl Future for CleanupWait {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
}
