//! A slot for an `Arc` that is filled at most once while it is shared.
//!
//! The invariants of the file:
//! - **O1** The pointer is null or comes from `Arc::into_raw` of an `Arc` that the slot owns.
//! - **O2** It goes from null to a value once; only `&mut self` takes it back.

use std::fmt;
use std::marker::PhantomData;
use std::ptr;

use corio_sync::prim::{Arc, AtomicPtr, Ordering};

pub(crate) struct OnceArc<T> {
    pointer: AtomicPtr<T>,
    _owns: PhantomData<Arc<T>>,
}

impl<T> OnceArc<T> {
    pub(crate) fn new() -> Self {
        Self { pointer: AtomicPtr::new(ptr::null_mut()), _owns: PhantomData }
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // Ordering: Acquire sees the value as it was made. Pairs with the Release in `set`.
        let pointer = self.pointer.load(Ordering::Acquire);
        // SAFETY: null, or owned by this slot (O1) until somebody has `&mut self` (O2), which the
        // borrow of `self` in the result excludes.
        unsafe { pointer.as_ref() }
    }

    /// Fills the slot, or gives the value back if it is filled.
    pub(crate) fn set(&self, value: Arc<T>) -> Result<(), Arc<T>> {
        let pointer = Arc::into_raw(value).cast_mut();
        // Ordering: Release publishes the value to `get`.
        match self.pointer.compare_exchange(
            ptr::null_mut(),
            pointer,
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            Ok(_) => Ok(()),
            // SAFETY: `into_raw` above gave this pointer, and the slot did not take it.
            Err(_) => Err(unsafe { Arc::from_raw(pointer) }),
        }
    }

    /// Empties the slot.
    pub(crate) fn take(&mut self) -> Option<Arc<T>> {
        // Ordering: AcqRel. Acquire pairs with the Release in `set`; `&mut self` excludes the rest.
        let pointer = self.pointer.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: not null, so the slot owned it (O1), and no longer does.
        (!pointer.is_null()).then(|| unsafe { Arc::from_raw(pointer) })
    }
}

impl<T> Drop for OnceArc<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}
