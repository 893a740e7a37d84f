//! What several of these tests need.

use std::future::Future;

use crate::kit::{multi, single};

/// Runs a test on both flavours, with one worker, with two, and with more than there are processors.
pub(crate) fn on_all<F: Future<Output = ()>>(f: impl Fn() -> F) {
    for runtime in [single(), multi(1), multi(2), multi(8)] {
        runtime.block_on(f());
    }
}
