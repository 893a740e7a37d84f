//! Putting and getting on threads that run no tasks. They stand in the same line as tasks do.

use std::pin::pin;
use std::time::Duration;

use super::{
    GetTimeoutError, PutError, PutTimeoutError, QueueOf, QueueShutDown, Storage, TryGetError,
    TryPutError,
};
use crate::{blocking, hooks};

impl<S: Storage> QueueOf<S> {
    /// Puts an item in, blocking this thread while the queue is full.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is shut down.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn put_blocking(&self, item: S::Item) -> Result<(), PutError<S::Item>> {
        hooks::forbid_blocking("Queue::put_blocking");
        match self.try_put(item) {
            Ok(()) => Ok(()),
            Err(TryPutError::ShutDown(item)) => Err(PutError(item)),
            Err(TryPutError::Full(item)) => blocking::block_on(self.put(item)),
        }
    }

    /// Puts an item in, blocking this thread for at most `timeout` while the queue is full.
    ///
    /// # Errors
    ///
    /// [`PutTimeoutError`] with the item: the time is over, or the queue is shut down.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn put_timeout(
        &self,
        item: S::Item,
        timeout: Duration,
    ) -> Result<(), PutTimeoutError<S::Item>> {
        hooks::forbid_blocking("Queue::put_timeout");
        let mut put = pin!(self.put(item));
        match blocking::block_on_timeout(put.as_mut(), timeout) {
            Some(Ok(())) => Ok(()),
            Some(Err(PutError(item))) => Err(PutTimeoutError::ShutDown(item)),
            None => Err(PutTimeoutError::Timeout(put.abandon())),
        }
    }

    /// Takes the next item out, blocking this thread until there is one.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] when the queue is shut down and nothing is left in it.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn get_blocking(&self) -> Result<S::Item, QueueShutDown> {
        hooks::forbid_blocking("Queue::get_blocking");
        match self.try_get() {
            Ok(item) => Ok(item),
            Err(TryGetError::ShutDown) => Err(QueueShutDown(())),
            Err(TryGetError::Empty) => blocking::block_on(self.get()),
        }
    }

    /// Takes the next item out, blocking this thread for at most `timeout` until there is one.
    ///
    /// # Errors
    ///
    /// [`GetTimeoutError`]: the time is over, or the queue is shut down with nothing left in it.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn get_timeout(&self, timeout: Duration) -> Result<S::Item, GetTimeoutError> {
        hooks::forbid_blocking("Queue::get_timeout");
        match blocking::block_on_timeout(self.get(), timeout) {
            Some(Ok(item)) => Ok(item),
            Some(Err(_)) => Err(GetTimeoutError::ShutDown),
            None => Err(GetTimeoutError::Timeout),
        }
    }
}
