//! What several of these tests need.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::process::Command;
use std::task::Poll;
use std::time::Duration;

use corio_runtime::Runtime;
use corio_runtime::runtime::Builder;
use corio_runtime::structured::CancelScope;
use corio_runtime::time::Instant;

use crate::kit::ms;

/// Polls once; the future must have to wait.
pub(crate) async fn begin(future: &mut (impl Future + Unpin)) {
    let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await;
    assert!(polled, "it is not ready");
}

/// A scope that is cut at once, and gives its cleanups `limit`.
pub(crate) fn cut(limit: Duration) -> CancelScope {
    CancelScope::new().deadline(Instant::now() + ms(2)).cleanup_limit(limit)
}

pub(crate) fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ]
}

/// Set in the process that says what it drops.
pub(crate) const VARIABLE: &str = "CORIO_TEST_CLEANUPS";

/// What is said on stderr by `test`, run in a process of its own.
pub(crate) fn said_by(test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

pub(crate) fn in_child_process() -> bool {
    std::env::var_os(VARIABLE).is_some()
}
