//! A runtime of a few lines that the macros can be tested against by themselves.
//!
//! `__private` has what expansions name. With `use rt::__private` at the root of a program, the
//! wrappers of the real crate (`select!`, ..) work in it. The one task is polled without a break. The
//! cleanup sink is real, so that the order of cleanups can be observed.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]
#![allow(unreachable_pub, missing_docs, missing_debug_implementations, reason = "it is no library")]

#[path = "../../../runtime/src/macro_support.rs"]
mod macro_support;
#[path = "../../../src/macros.rs"]
mod macros;

pub mod __private {
    use std::cell::{Cell, RefCell};
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    pub use super::macro_support::*;
    pub use corio_macros::{join_impl, select_impl, try_join_impl};

    /// What the attributes were given.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Config {
        pub multi_thread: bool,
        pub worker_threads: Option<usize>,
        pub cancel_on_ctrl_c: bool,
        pub start_paused: bool,
        pub seed: Option<u64>,
        pub timeout: Option<Duration>,
    }

    type Cleanup = Pin<Box<dyn Future<Output = ()> + Send>>;

    thread_local! {
        static CONFIG: RefCell<Option<Config>> = const { RefCell::new(None) };
        static SINK: RefCell<Option<Vec<Cleanup>>> = const { RefCell::new(None) };
        static BUDGET: Cell<bool> = const { Cell::new(true) };
        static START: Cell<usize> = const { Cell::new(0) };
    }

    pub fn run_main<F: Future>(config: Config, future: F) -> F::Output {
        CONFIG.set(Some(config));
        super::block_on(future)
    }

    pub fn run_cancellable_main<F: Future>(config: Config, future: F) -> F::Output {
        run_main(Config { cancel_on_ctrl_c: true, ..config }, future)
    }

    pub fn run_test<F: Future>(config: Config, future: F) -> F::Output {
        run_main(config, future)
    }

    /// The configuration that the function under test runs with.
    pub fn config() -> Config {
        CONFIG.with_borrow(|config| config.clone().expect("run by an attribute"))
    }

    /// Goes round, so that each branch is the first in its turn.
    pub fn first_branch(n: usize) -> usize {
        START.set(START.get() + 1);
        START.get() % n
    }

    /// Lets the next `poll_budget` say that there is none left.
    pub fn exhaust_budget() {
        BUDGET.set(false);
    }

    pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
        if BUDGET.replace(true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Catches cleanups until it is dropped.
    struct Sink;

    impl Drop for Sink {
        fn drop(&mut self) {
            SINK.take();
        }
    }

    pub fn empty_catching<T>(
        place: Pin<&mut T>,
        empty: impl FnOnce(Pin<&mut T>),
    ) -> Option<Box<Cleanup>> {
        assert!(SINK.replace(Some(Vec::new())).is_none(), "a sink is left over");
        let sink = Sink;
        empty(place);
        let caught = SINK.take().expect("installed");
        drop(sink);
        if caught.is_empty() {
            return None;
        }
        let all: Cleanup = Box::pin(async {
            for cleanup in caught {
                cleanup.await;
            }
        });
        // In one word, to keep the futures that wait for it small.
        Some(Box::new(all))
    }

    /// Owes `cleanup` to the sink when dropped; without a sink it is lost.
    pub struct Owes(Option<Cleanup>);

    impl Owes {
        pub fn new(cleanup: impl Future<Output = ()> + Send + 'static) -> Self {
            Self(Some(Box::pin(cleanup)))
        }
    }

    impl Drop for Owes {
        fn drop(&mut self) {
            let cleanup = self.0.take().expect("once");
            SINK.with_borrow_mut(|sink| {
                if let Some(sink) = sink {
                    sink.push(cleanup);
                }
            });
        }
    }
}

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls `future` until it is done. Tests wait for nothing but turns, so each poll makes progress.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::noop();
    let mut future = pin!(future);
    for _ in 0..10_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            return output;
        }
    }
    panic!("the future waits for something that never comes");
}

/// Lets the others run `turns` times.
pub async fn turns(turns: usize) {
    let mut left = turns;
    std::future::poll_fn(move |_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}
