//! The one place from which corio takes its threading primitives.
//!
//! Everything that two threads touch goes through this module, so that the same code runs on std,
//! under loom (`--cfg corio_loom`), and under ThreadSanitizer (`--cfg corio_tsan`), which can only
//! judge locks that are compiled with it.

#[cfg(not(any(corio_loom, corio_tsan)))]
#[path = "std.rs"]
mod imp;

#[cfg(corio_loom)]
#[path = "loom.rs"]
mod imp;

#[cfg(all(corio_tsan, not(corio_loom)))]
#[path = "tsan.rs"]
mod imp;

/// Makes a function `const`, except under loom, whose types cannot be built in a constant.
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty $body:block) => {
        $(#[$attr])*
        #[cfg(not(corio_loom))]
        $vis const fn $name($($arg: $type),*) -> $ret $body

        $(#[$attr])*
        #[cfg(corio_loom)]
        $vis fn $name($($arg: $type),*) -> $ret $body
    };
}
pub(crate) use const_fn;

mod linger;
mod parker;
mod spin;

pub use imp::*;
pub use linger::{Linger, pause_briefly, try_briefly};
pub use parker::Parker;
pub use spin::{SpinGuard, SpinLock};

/// Atomics for statics: loom's cannot be built in a constant, and a model never reaches these.
pub mod statics {
    #![allow(clippy::disallowed_types, reason = "this is the facade")]
    #[cfg(all(corio_tsan, not(corio_loom)))]
    pub use super::imp::OnceLock;
    #[cfg(any(corio_loom, not(corio_tsan)))]
    pub use std::sync::OnceLock;

    pub use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
}
