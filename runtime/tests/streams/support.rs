//! What several of these tests need.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use crate::kit::ms;
use corio_runtime::runtime::Builder;
use corio_runtime::stream::Stream;
use corio_runtime::time::sleep;

/// Runs `future` in virtual time.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread().start_paused(true).build().unwrap().block_on(future)
}

pub(crate) async fn after(count: u64) -> u64 {
    sleep(ms(count)).await;
    count
}

/// Polls `stream` once.
pub(crate) async fn poll_once<S: Stream>(mut stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    poll_fn(|cx| Poll::Ready(stream.as_mut().poll_next(cx))).await
}
