//! Guards of a part of a lock's value, for the mutex and the reader-writer lock.
//!
//! The invariant of what the macros write:
//! - **P1** A mapped guard points into the value of the lock that it holds, by a reference derived
//!   from that of the guard it was made of, which no longer exists. What it may do with the part is
//!   what that guard might do with the whole.

/// Gives a guard `map` and `try_map`. `[mut]` is for a guard that gives out `&mut`, `[]` for one that
/// does not; `$release` takes the lock out of the guard and leaves it held.
macro_rules! narrow {
    (
        [$($gen:tt)*] $guard:ty => $mapped:ident<$($arg:tt),*>,
        [$($mut:ident)?] $value:ident, |$held:ident| $release:expr
    ) => {
        impl<$($gen)*> $guard {
            /// Narrows the guard to a part of the value.
            pub fn map<P: ?Sized>(
                guard: Self,
                part: impl FnOnce(&$($mut)? $value) -> &$($mut)? P,
            ) -> $mapped<$($arg,)* P> {
                let $($mut)? guard = guard;
                let part = ::std::ptr::NonNull::from(part(&$($mut)? *guard));
                let $held = guard;
                $mapped { lock: $release, part, _value: ::std::marker::PhantomData }
            }

            /// Narrows the guard to a part of the value, if it has that part.
            ///
            /// # Errors
            ///
            /// The guard itself, when `part` finds none.
            pub fn try_map<P: ?Sized>(
                guard: Self,
                part: impl FnOnce(&$($mut)? $value) -> Option<&$($mut)? P>,
            ) -> Result<$mapped<$($arg,)* P>, Self> {
                let $($mut)? guard = guard;
                let Some(part) = part(&$($mut)? *guard).map(::std::ptr::NonNull::from) else {
                    return Err(guard);
                };
                let $held = guard;
                Ok($mapped { lock: $release, part, _value: ::std::marker::PhantomData })
            }
        }
    };
}

/// What a mapped guard of `U` is: a reference, and the end of the lock.
macro_rules! mapped {
    ([$($gen:tt)*] $name:ty, $unlock:expr) => {
        impl<$($gen)* U: ?Sized> ::std::ops::Deref for $name {
            type Target = U;
            #[inline]
            fn deref(&self) -> &U {
                // SAFETY: it points into the value of a lock that this guard holds (P1).
                unsafe { self.part.as_ref() }
            }
        }

        impl<$($gen)* U: ?Sized> Drop for $name {
            #[inline]
            fn drop(&mut self) {
                let unlock = $unlock;
                unlock(&self.lock);
            }
        }

        impl<$($gen)* U: ?Sized + ::std::fmt::Debug> ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($gen)* U: ?Sized + ::std::fmt::Display> ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

/// What a mapped guard is besides, if it is the only one.
macro_rules! mapped_mut {
    ([$($gen:tt)*] $name:ty) => {
        impl<$($gen)* U: ?Sized> ::std::ops::DerefMut for $name {
            #[inline]
            fn deref_mut(&mut self) -> &mut U {
                // SAFETY: it points into the value of a lock of which this is the only guard (P1).
                unsafe { self.part.as_mut() }
            }
        }
    };
}

/// Takes the field `$field` out of a guard, whose drop does not run: the lock stays held.
macro_rules! release {
    ($guard:ident.$field:ident) => {{
        let guard = ::std::mem::ManuallyDrop::new($guard);
        // SAFETY: the guard is not dropped, so the field is read out once and owned here.
        unsafe { ::std::ptr::read(&guard.$field) }
    }};
}

pub(crate) use {mapped, mapped_mut, narrow, release};
