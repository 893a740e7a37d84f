//! Running and dropping what is the user's, where a panic must go no further.

use std::any::Any;
use std::mem::{ManuallyDrop, needs_drop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// What a panic leaves.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs user code that may panic.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a panic's payload, whose own drop may panic; that second payload is let go.
pub(crate) fn drop_payload(payload: Payload) {
    if let Err(second) = catch(|| drop(payload)) {
        std::mem::forget(second);
    }
}

/// Drops a value of the user's; a panic in its drop has been reported by the panic hook and ends
/// here.
#[inline]
pub(crate) fn drop_quietly<T>(value: T) {
    if !needs_drop::<T>() {
        return;
    }
    let mut value = ManuallyDrop::new(value);
    // SAFETY: the value is there, and not used afterwards.
    unsafe { drop_quietly_at((&raw mut value).cast(), glue::<T>) };
}

/// As `drop_quietly`, for what is in `place`.
///
/// # Safety
///
/// As `drop_at`.
pub(crate) unsafe fn drop_quietly_at(place: *mut (), glue: unsafe fn(*mut ())) {
    // SAFETY: the caller's promise.
    if let Some(payload) = unsafe { drop_at(place, glue) } {
        drop_payload(payload);
    }
}

/// Drops what is in `place`; gives the payload of a panic in that. One function for all types, as catching is
/// much code.
///
/// # Safety
///
/// `glue` is that of the value in `place`, which is the caller's and gone after this.
pub(crate) unsafe fn drop_at(place: *mut (), glue: unsafe fn(*mut ())) -> Option<Payload> {
    // SAFETY: the caller's promise.
    catch(|| unsafe { glue(place) }).err()
}

/// Drops the `T` in `place`.
///
/// # Safety
///
/// It is there, is the caller's, and gone after this.
pub(crate) unsafe fn glue<T>(place: *mut ()) {
    // SAFETY: the caller's promise.
    unsafe { ptr::drop_in_place(place.cast::<T>()) };
}
