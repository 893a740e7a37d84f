//! Permits that were given, and go back when they are dropped.

use std::fmt;
use std::sync::Arc;

use super::Semaphore;

macro_rules! permit {
    ($(#[$doc:meta])* $name:ident [$($life:lifetime)?] $handle:ty) => {
        $(#[$doc])*
        #[must_use = "the permit goes back as soon as it is dropped"]
        pub struct $name$(<$life>)? {
            semaphore: $handle,
            permits: u32,
        }

        impl$(<$life>)? $name$(<$life>)? {
            #[inline]
            pub(super) fn new(semaphore: $handle, permits: u32) -> Self {
                Self { semaphore, permits }
            }

            /// How many permits this is.
            pub fn num_permits(&self) -> usize {
                self.permits as usize
            }

            /// Drops the value and keeps the permits taken for ever, or until
            /// [`Semaphore::add_permits`].
            pub fn forget(mut self) {
                self.permits = 0;
            }

            /// Adds the permits of `other` to this.
            ///
            /// # Panics
            ///
            /// When the two are permits of different semaphores, or too many together.
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                let (ours, theirs): (&Semaphore, &Semaphore) = (&self.semaphore, &other.semaphore);
                assert!(
                    std::ptr::eq(ours, theirs),
                    "permits of two semaphores cannot be merged, because each goes back to its own: \
                     keep them apart"
                );
                let Some(sum) = self.permits.checked_add(other.permits) else {
                    panic!(
                        "merging {} and {} permits makes more than {}: keep them apart",
                        self.permits,
                        other.permits,
                        u32::MAX
                    );
                };
                self.permits = sum;
                other.permits = 0;
            }

            /// Takes `n` permits out of this, if it has that many.
            #[allow(clippy::clone_on_copy, reason = "one of the two handles is an Arc")]
            pub fn split(&mut self, n: usize) -> Option<Self> {
                let n = u32::try_from(n).ok()?;
                self.permits = self.permits.checked_sub(n)?;
                Some(Self::new(self.semaphore.clone(), n))
            }
        }

        impl$(<$life>)? Drop for $name$(<$life>)? {
            #[inline]
            fn drop(&mut self) {
                if self.permits > 0 {
                    self.semaphore.give_back(self.permits as usize);
                }
            }
        }

        impl$(<$life>)? fmt::Debug for $name$(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("permits", &self.permits).finish()
            }
        }
    };
}

permit! {
    /// Permits of a [`Semaphore`], which go back when this is dropped.
    SemaphorePermit ['a] &'a Semaphore
}

permit! {
    /// Permits of a shared [`Semaphore`], which go back when this is dropped.
    OwnedSemaphorePermit [] Arc<Semaphore>
}

impl OwnedSemaphorePermit {
    /// The semaphore of these permits.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }
}
