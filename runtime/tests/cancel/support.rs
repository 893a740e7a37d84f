//! What several of these tests need.

use std::future::Future;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::time::Instant;

use crate::kit::ms;

/// Runs `f` in virtual time, so that deadlines are exact.
pub(crate) fn in_virtual_time<F: Future<Output = ()>>(f: F) {
    Builder::new_current_thread().start_paused(true).build().unwrap().block_on(f);
}

pub(crate) fn after(n: u64) -> Instant {
    Instant::now() + ms(n)
}

pub(crate) const LONG: Duration = Duration::from_secs(600);

/// Polls a future once, whatever comes of it.
pub(crate) async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) {
    std::future::poll_fn(|cx| {
        let _ = future.as_mut().poll(cx);
        std::task::Poll::Ready(())
    })
    .await;
}
