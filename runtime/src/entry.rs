//! What `#[corio::main]` and `#[corio::test]` expand to.

use std::future::Future;
use std::time::Duration;

use crate::executor::{Builder, Runtime};
use crate::time::timeout;

/// The settings of the attributes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    pub multi_thread: bool,
    pub worker_threads: Option<usize>,
    pub cancel_on_ctrl_c: bool,
    pub start_paused: bool,
    pub seed: Option<u64>,
    pub timeout: Option<Duration>,
}

impl Config {
    fn build(self) -> Runtime {
        let mut builder = if self.multi_thread {
            Builder::new_multi_thread()
        } else {
            Builder::new_current_thread()
        };
        if let Some(count) = self.worker_threads {
            builder = builder.worker_threads(count);
        }
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        match builder.start_paused(self.start_paused).build() {
            Ok(runtime) => runtime,
            Err(error) => panic!("cannot make the runtime: {error}"),
        }
    }
}

/// Runs the body of a `#[corio::main]` function.
#[doc(hidden)]
#[track_caller]
pub fn run_main<F: Future>(config: Config, main: F) -> F::Output {
    config.build().block_on(main)
}

/// Runs the body of a `#[corio::test]` function.
#[doc(hidden)]
#[track_caller]
pub fn run_test<F: Future>(config: Config, test: F) -> F::Output {
    let runtime = config.build();
    match config.timeout {
        None => runtime.block_on(test),
        Some(limit) => match runtime.block_on(timeout(limit, test)) {
            Ok(output) => output,
            Err(_) => panic!("the test did not end within its timeout of {limit:?}"),
        },
    }
}
