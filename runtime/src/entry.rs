//! What `#[corio::main]` and `#[corio::test]` expand to.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use self::ctrl_c::CancelOnCtrlC;
use crate::executor::context::current_header;
use crate::executor::{Builder, Runtime};
use crate::introspect;
use crate::time::sleep;

mod ctrl_c;

/// The settings of the attributes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    pub multi_thread: bool,
    pub worker_threads: Option<usize>,
    pub start_paused: bool,
    pub seed: Option<u64>,
    pub timeout: Option<Duration>,
}

impl Config {
    fn build(self) -> Runtime {
        // A seed decides the schedule of one thread, so it says which executor is meant.
        let mut builder = if self.multi_thread && self.seed.is_none() {
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
        match builder.private().start_paused(self.start_paused).build() {
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

/// As [`run_main`], with `cancel_on_ctrl_c`.
#[doc(hidden)]
#[track_caller]
pub fn run_cancellable_main<F: Future>(config: Config, main: F) -> F::Output {
    let ctrl_c = match CancelOnCtrlC::new() {
        Ok(ctrl_c) => ctrl_c,
        Err(error) => panic!("`cancel_on_ctrl_c`: {error}"),
    };
    let output = {
        let runtime = config.build();
        runtime.block_on_cancellable(main, &mut |main| ctrl_c.start(main))
    };
    // Until here, with the tasks cancelled and cleaned up, the second Ctrl-C is heard; and the first
    // one, if it comes only after main has ended by itself, does not cut the cleanups short.
    let pressed = ctrl_c.end();
    match output {
        Some(output) => output,
        None if pressed => std::process::exit(ctrl_c::STATUS),
        None => panic!("main was cancelled: somebody called `cancel` on its `task::current()`"),
    }
}

/// Runs the body of a `#[corio::test]` function.
#[doc(hidden)]
#[track_caller]
pub fn run_test<F: Future>(config: Config, test: F) -> F::Output {
    let runtime = config.build();
    match config.timeout {
        None => runtime.block_on(test),
        Some(limit) => match runtime.block_on(limited(limit, test)) {
            Ok(output) => output,
            Err(StillWaiting(report)) => {
                panic!("the test did not end within its timeout of {limit:?}: {report}")
            }
        },
    }
}

/// What the tasks were doing when the time was over.
struct StillWaiting(String);

async fn limited<F: Future>(limit: Duration, test: F) -> Result<F::Output, StillWaiting> {
    let mut test = pin!(test);
    let mut time = sleep(limit);
    poll_fn(|cx| {
        // First the time, then the test: what the main task is seen to wait for is the test's wait.
        let is_over = Pin::new(&mut time).poll(cx).is_ready();
        match test.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if is_over => Poll::Ready(Err(StillWaiting(report()))),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What the current task, which is about to wait, waits for; and all the tasks.
fn report() -> String {
    let wait = current_header().and_then(|task| task.head.wait());
    let wait = match wait {
        Some((kind, at, _)) => format!("it waits for {} at {at}", kind.as_str()),
        None => "it waits for something that is not corio's".to_owned(),
    };
    format!("{wait}; the test is the task that runs, of {}", introspect::dump())
}
