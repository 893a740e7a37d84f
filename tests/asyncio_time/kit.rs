//! What several of these tests use.

use std::future::Future;
use std::time::Duration;

use corio::Handle;
use corio::structured::ScopeHandle;
use corio::time::Elapsed;

pub(crate) use crate::common::secs;

/// How many timers are armed.
pub(crate) fn timers() -> usize {
    Handle::current().metrics().timers
}

/// Runs what `body` makes in a timeout scope; gives what it came to, and the scope's handle.
pub(crate) async fn scoped<F: Future>(
    limit: Duration,
    body: impl FnOnce(ScopeHandle) -> F,
) -> (Result<F::Output, Elapsed>, ScopeHandle) {
    let mut handle = None;
    let scope = corio::timeout_scope(limit, |scope| {
        handle = Some(scope.clone());
        body(scope)
    });
    let result = scope.await;
    (result, handle.expect("a scope calls its body at once"))
}
