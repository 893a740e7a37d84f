//! Several cleanups that run one after the other.

use std::any::Any;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Cleanup;
use crate::task::header::{catch, drop_payload};

/// Runs the last of its cleanups, then the one before it, and so on.
#[derive(Default)]
pub(crate) struct RunAll {
    left: Vec<Cleanup>,
    /// The first panic.
    panic: Option<Box<dyn Any + Send>>,
}

impl RunAll {
    pub(crate) fn new(left: Vec<Cleanup>) -> Self {
        Self { left, panic: None }
    }

    /// How many have not ended.
    pub(crate) fn len(&self) -> usize {
        self.left.len()
    }
}

impl Future for RunAll {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(last) = self.left.last_mut() {
            // In place, so that it is there to be left to the task.
            let polled = catch(|| last.as_mut().poll(cx));
            let ended = match polled {
                Ok(polled) => {
                    ready!(polled);
                    Ok(())
                }
                Err(payload) => Err(payload),
            };
            let last = self.left.pop();
            for payload in [ended, catch(|| drop(last))].into_iter().filter_map(Result::err) {
                match self.panic {
                    None => self.panic = Some(payload),
                    Some(_) => drop_payload(payload),
                }
            }
        }
        match self.panic.take() {
            Some(payload) => resume_unwind(payload),
            None => Poll::Ready(()),
        }
    }
}
