//! What runtime a thread belongs to, and which core it runs.
//!
//! The thread-local word `Tls::core` points at the innermost [`Context`] of the thread: the one that a
//! run loop keeps on its stack, or one that a `Handle::enter` guard owns.
//!
//! The invariants of the file:
//! - **K1** While `Tls::core` is not null it points at a live `Context` of this thread: each one is
//!   taken out of the chain before it goes, in whatever order they go.
//! - **K2** `Context::core`, if not null, is the core that this thread has taken; it stays valid while
//!   the context is in the chain.
//! - **K3** `Tls::task`, when set by this crate, points at the head of a [`Header`] (its first field);
//!   nobody else sets it.

use std::cell::Cell;
use std::io;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use corio_sync::hooks::{self, Tls};

use super::core::{Core, CoreRef};
use super::shared::Shared;
use crate::cleanup::{AdoptedEntry, Entry};
use crate::reactor::Reactor;
use crate::task::header::Header;
use crate::time::clock::Clock;
use crate::time::timers::Timers;

/// What a call says when it needs a runtime and there is none.
pub(crate) const NO_RUNTIME: &str =
    "no corio runtime on this thread: call this inside `corio::run`, or enter a `Handle` first";

/// One thread's membership in a runtime.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    /// The core that the thread runs, or null if it only entered the runtime (K2).
    core: Cell<*const Core>,
    /// The context that was there before, or null.
    outer: Cell<*const Context>,
}

impl Context {
    pub(crate) fn new(shared: Arc<Shared>, core: Option<&Core>) -> Self {
        let core = core.map_or(ptr::null(), ptr::from_ref);
        Self { shared, core: Cell::new(core), outer: Cell::new(ptr::null()) }
    }

    /// Makes this the thread's innermost context.
    ///
    /// # Safety
    ///
    /// It does not move, and `leave` is called on this thread before it goes (K1).
    pub(crate) unsafe fn join(&self) {
        hooks::with_tls(|tls| {
            self.outer.set(tls.core().cast());
            // SAFETY: a live context (K1), says the caller.
            unsafe { tls.set_core(ptr::from_ref(self).cast()) };
        });
    }

    /// The core that this thread runs, if it is one of `shared`.
    #[inline]
    pub(crate) fn own_core(&self, shared: &Arc<Shared>) -> Option<&Core> {
        if !Arc::ptr_eq(&self.shared, shared) {
            return None;
        }
        // SAFETY: null or valid (K2).
        unsafe { self.core.get().as_ref() }
    }

    /// Whether this is the context of the thread that runs `core`.
    #[inline]
    pub(crate) fn is_of(&self, core: &Core) -> bool {
        ptr::eq(self.core.get(), core)
    }

    /// Takes this context out of the thread's chain, wherever in it it is.
    pub(crate) fn leave(&self) {
        hooks::with_tls(|tls| {
            let this = ptr::from_ref(self);
            let mut at: *const Context = tls.core().cast();
            if at == this {
                // SAFETY: the next in the chain, so alive or null (K1).
                unsafe { tls.set_core(self.outer.get().cast()) };
                return;
            }
            // Guards may be dropped out of order; the chain closes over the gap.
            // SAFETY: contexts in the chain are alive (K1).
            while let Some(context) = unsafe { at.as_ref() } {
                if context.outer.get() == this {
                    context.outer.set(self.outer.get());
                    return;
                }
                at = context.outer.get();
            }
        });
    }
}

/// Calls `f` with the thread's innermost context.
#[inline]
pub(crate) fn with_context<R>(f: impl FnOnce(Option<&Context>) -> R) -> R {
    // `f` is called outside the lookup, which is one function for all of them then, and is inlined.
    let context: *const Context = hooks::with_tls(Tls::core).cast();
    // SAFETY: null or alive (K1).
    f(unsafe { context.as_ref() })
}

/// Calls `f` with the core that this thread runs, if it runs one.
#[inline]
pub(crate) fn with_core<R>(f: impl FnOnce(Option<&Core>) -> R) -> R {
    with_context(|context| {
        // SAFETY: null or valid (K2).
        f(context.and_then(|c| unsafe { c.core.get().as_ref() }))
    })
}

/// Whether this thread runs a core, of whatever runtime, also below one that was entered since.
pub(crate) fn runs_a_core() -> bool {
    with_context(|innermost| {
        let mut at = innermost;
        while let Some(context) = at {
            if !context.core.get().is_null() {
                return true;
            }
            // SAFETY: null, or a context further out in the chain, which is alive (K1).
            at = unsafe { context.outer.get().as_ref() };
        }
        false
    })
}

/// The runtime of this thread.
pub(crate) fn current_shared() -> Option<Arc<Shared>> {
    with_context(|context| context.map(|c| c.shared.clone()))
}

/// The task that this thread polls (or whose future it drops).
///
/// The reference is valid until the poll ends; callers do not keep it.
#[inline]
pub(crate) fn current_header<'a>() -> Option<&'a Header> {
    let header: *const Header = hooks::with_tls(Tls::task).cast();
    // SAFETY: null, or the head of a header that is alive while the thread polls it (K3).
    unsafe { header.as_ref() }
}

/// The current task as a pointer.
pub(crate) fn current_task() -> Option<NonNull<Header>> {
    current_header().map(NonNull::from)
}

/// Runs an adopted cleanup that has no task as a task of the current runtime, or of that of `home`.
pub(crate) fn spawn_cleanup(entry: Entry, home: Option<&CoreRef>) -> Result<(), Entry> {
    match current_shared().or_else(|| home?.runtime()) {
        Some(shared) => {
            shared.spawn_cleanup(AdoptedEntry::new(entry));
            Ok(())
        }
        None => Err(entry),
    }
}

/// A core's timers, kept alive.
#[derive(Clone, Debug)]
pub(crate) struct TimersRef(CoreRef);

impl Deref for TimersRef {
    type Target = Timers;
    #[inline]
    fn deref(&self) -> &Timers {
        &self.0.timers
    }
}

impl TimersRef {
    /// Tells the core that it has a timer earlier than it knew, if it sleeps and is not this thread's.
    #[inline]
    pub(crate) fn notify_earlier(&self) {
        let own = with_core(|core| core.is_some_and(|c| c.is(self.0.as_ptr())));
        if !own {
            self.0.notify();
        }
    }
}

/// The timers of this thread's core, or of a core of the runtime that the thread has entered.
pub(crate) fn current_timers() -> Option<TimersRef> {
    home().map(TimersRef)
}

/// This thread's core, or one of the runtime that the thread has entered.
pub(crate) fn home() -> Option<CoreRef> {
    with_context(|context| {
        let context = context?;
        // SAFETY: null or valid (K2).
        Some(match unsafe { context.core.get().as_ref() } {
            Some(core) => core.shared_ref(),
            None => context.shared.core_for_strangers(),
        })
    })
}

/// The clock of this thread's runtime.
pub(crate) fn current_clock() -> Option<Arc<Clock>> {
    with_context(|context| context.map(|c| c.shared.clock.clone()))
}

/// Calls `f` with the clock of this thread's runtime.
#[inline]
pub(crate) fn with_clock<R>(f: impl FnOnce(Option<&Clock>) -> R) -> R {
    with_context(|context| f(context.map(|c| &*c.shared.clock)))
}

/// The reactor of this thread's core, or of a core of the runtime that the thread has entered; made
/// at the first call.
pub(crate) fn current_reactor() -> io::Result<Arc<Reactor>> {
    with_context(|context| {
        let context = context.ok_or_else(|| io::Error::other(NO_RUNTIME))?;
        // SAFETY: null or valid (K2).
        match unsafe { context.core.get().as_ref() } {
            Some(core) => core.shared().reactor_or_new(true),
            None => context.shared.core_for_strangers().reactor_or_new(false),
        }
    })
}

/// Which of the `n` branches of a `select!` is polled first: from the core's generator, so that a seeded
/// runtime repeats it, or elsewhere from the process's randomness.
#[inline]
pub fn first_branch(n: usize) -> usize {
    let random = with_core(|core| core.map_or_else(foreign_random, Core::drawn));
    // The high half of the product: no division, and no bias that matters for so small an `n`.
    ((u64::from(random) * n as u64) >> 32) as usize
}

#[cold]
#[inline(never)]
fn foreign_random() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish() as u32
}
