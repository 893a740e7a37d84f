//! A value in the ring.

use crate::prim::{Arc, Mutex};

/// A value that several receivers will get.
///
/// One with a destructor, or a large one, has a lock of its own, under which it is cloned: whoever
/// sends or receives another value does not wait for that. The lock is there because a value need not
/// be `Sync`. A small plain value is copied where it lies.
pub(super) enum Value<T> {
    Plain(T),
    Shared(Arc<Mutex<T>>),
}

impl<T> Value<T> {
    const SHARED: bool = std::mem::needs_drop::<T>() || size_of::<T>() > 64;

    #[inline]
    pub(super) fn new(value: T) -> Self {
        if Self::SHARED { Self::Shared(Arc::new(Mutex::new(value))) } else { Self::Plain(value) }
    }

    /// The value of somebody who has not shared it yet.
    pub(super) fn unshared(self) -> T {
        match self {
            Self::Plain(value) => value,
            Self::Shared(value) => match Arc::try_unwrap(value) {
                Ok(value) => value.into_inner(),
                Err(_) => unreachable!("it was not shared"),
            },
        }
    }
}

impl<T: Clone> Value<T> {
    /// Another handle of the value, to be had under the channel's lock.
    #[inline]
    pub(super) fn share(&self) -> Self {
        match self {
            Self::Plain(value) => Self::Plain(value.clone()),
            Self::Shared(value) => Self::Shared(value.clone()),
        }
    }

    /// The value itself, if this is the last handle, or a clone; not under the channel's lock.
    #[inline]
    pub(super) fn get(self) -> T {
        match self {
            Self::Plain(value) => value,
            Self::Shared(value) => match Arc::try_unwrap(value) {
                Ok(value) => value.into_inner(),
                Err(value) => value.lock().clone(),
            },
        }
    }
}
