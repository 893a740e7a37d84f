//! trio: nurseries, cancel scopes.

mod groups;
mod scopes;
mod tasks;

use std::future::pending;

use corio::{catch_cancel, yield_now};

/// A child that fails while it is being cancelled.
async fn fails_when_cancelled(error: &'static str) -> Result<(), &'static str> {
    let _ = catch_cancel(pending::<()>()).await;
    yield_now().await;
    Err(error)
}

async fn never_runs() {
    unreachable!("it is cancelled before its first poll");
}

async fn panics_with(payload: i32) {
    std::panic::panic_any(payload);
}
