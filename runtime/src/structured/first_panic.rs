//! Panics of foreign code that are held until what must be done in spite of them is done.

use std::any::Any;
use std::panic::resume_unwind;
use std::thread::panicking;

use crate::task::header::{catch, drop_payload};

/// The first panic of several calls; the panic hook tells of them all.
#[derive(Default)]
pub(super) struct FirstPanic(Option<Box<dyn Any + Send>>);

impl FirstPanic {
    /// Calls `f`, whose panic, if it is the first, [`release`](Self::release) lets out.
    pub(super) fn catch(&mut self, f: impl FnOnce()) {
        match catch(f) {
            Ok(()) => {}
            Err(payload) if self.0.is_none() => self.0 = Some(payload),
            Err(payload) => drop_payload(payload),
        }
    }

    /// Goes on with the panic, if there was one.
    pub(super) fn release(self) {
        if let Some(payload) = self.0 {
            let_out(payload);
        }
    }
}

/// Goes on with a panic that was caught in a drop; when the thread unwinds already, one more that left the
/// drop would end the process, so it ends here.
pub(super) fn let_out(payload: Box<dyn Any + Send>) {
    if panicking() { drop_payload(payload) } else { resume_unwind(payload) }
}
