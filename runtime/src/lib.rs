//! Tasks, executors, reactor, timers and structured concurrency of the corio async runtime.

pub mod reactor;
