//! Large futures go to the heap where they come in.
//!
//! A debug build copies what it passes by value, at each call on the way, and each copy has its own
//! place on the stack: a future of a megabyte would need twenty. (tokio boxes for the same reason.)

use std::mem::size_of;

/// In bytes. A release build passes most values without copying them.
const LARGE: usize = if cfg!(debug_assertions) { 2 << 10 } else { 16 << 10 };

/// Whether futures of this type are to be boxed before they are passed on.
///
/// A constant of each type, so that the compiler does not even look at the branch that is not taken: it would make
/// all of a task twice for each type.
#[inline(always)]
pub(crate) const fn is_large<F>() -> bool {
    const { size_of::<F>() > LARGE }
}
