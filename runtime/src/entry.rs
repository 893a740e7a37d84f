//! What `#[corio::main]` and `#[corio::test]` expand to.

use std::future::Future;
use std::time::Duration;

use self::ctrl_c::CancelOnCtrlC;
use crate::executor::{Builder, Runtime};
use crate::time::timeout;

mod ctrl_c;

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
    if config.cancel_on_ctrl_c {
        run_cancellable(config.build(), main)
    } else {
        config.build().block_on(main)
    }
}

#[track_caller]
fn run_cancellable<F: Future>(runtime: Runtime, main: F) -> F::Output {
    let ctrl_c = match CancelOnCtrlC::new() {
        Ok(ctrl_c) => ctrl_c,
        Err(error) => panic!("`cancel_on_ctrl_c`: {error}"),
    };
    let output = runtime.block_on_cancellable(main, |main| ctrl_c.start(main));
    // The second Ctrl-C is heard also while tasks end and clean up, and the first one, if main has
    // ended by itself, does not cut their cleanups short.
    drop(runtime);
    drop(ctrl_c);
    match output {
        Some(output) => output,
        None => std::process::exit(ctrl_c::STATUS),
    }
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
