//! Where a thread's context variables are, and taking a copy of them elsewhere.
//!
//! They are the current task's, or the blocking call's that the thread runs, or, outside of both, those
//! of the innermost [`ContextVars::run`].

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::context_vars::Variables;
use super::header::Header;
use super::id;
use crate::blocking::current_call;
use crate::executor::context::current_header;

/// The variables of a thread that runs no task, while a `ContextVars::run` lasts.
struct Ambient {
    /// From the numbers of tasks, so that tokens tell them apart.
    id: u64,
    variables: Variables,
}

thread_local! {
    static AMBIENT: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

/// The task, or the blocking call, that this thread runs.
pub(super) fn current<'a>() -> Option<&'a Header> {
    current_header().or_else(current_call)
}

/// Calls `f`, which is not foreign code, with the variables that are current here; `false` if there is
/// no place for any.
pub(super) fn change(f: &mut dyn FnMut(&mut Variables)) -> bool {
    if let Some(task) = current() {
        // SAFETY: this thread runs the task (X1 of the extras), and `f` does not come back here.
        unsafe { task.extras_or_new().with_variables(f) };
        return true;
    }
    let change = |ambient: &RefCell<Option<Ambient>>| {
        ambient.borrow_mut().as_mut().map(|ambient| f(&mut ambient.variables)).is_some()
    };
    // A thread that ends has none.
    AMBIENT.try_with(change).unwrap_or(false)
}

/// As [`change`], for a look: it makes no place where there is none yet, and then calls nothing.
pub(super) fn read(f: &mut dyn FnMut(&Variables)) {
    if let Some(task) = current() {
        if let Some(extras) = task.extras() {
            // SAFETY: this thread runs the task (X1 of the extras), and `f` does not come back here.
            unsafe { extras.with_variables(|variables| f(variables)) };
        }
        return;
    }
    // As above.
    let _ = AMBIENT.try_with(|ambient| {
        if let Some(ambient) = &*ambient.borrow() {
            f(&ambient.variables);
        }
    });
}

/// Whether no variable is set here.
fn is_nothing_set() -> bool {
    let mut nothing = true;
    read(&mut |variables| nothing = variables.is_empty());
    nothing
}

/// What a task that is spawned here starts with.
pub(crate) fn inherited() -> Variables {
    let mut found = Variables::default();
    read(&mut |variables| found = variables.clone());
    found
}

/// A number for the place of the variables that are current here; 0 if there is none.
#[inline]
pub(crate) fn context_id() -> u64 {
    match current() {
        Some(task) => task.head.id,
        None => AMBIENT
            .try_with(|ambient| ambient.borrow().as_ref().map_or(0, |ambient| ambient.id))
            .unwrap_or(0),
    }
}

/// The context variables of a task, as they were at some moment. `contextvars.Context`.
///
/// A copy takes one reference count. It may be taken anywhere and used any number of times: it has values,
/// not places, so what is set in one use is not seen in another.
///
/// # Examples
///
/// ```
/// use corio_runtime::task::ContextVars;
///
/// corio_runtime::context_var! {
///     static REQUEST: u64 = 0;
/// }
///
/// # corio_runtime::run(async {
/// REQUEST.set(7);
/// let context = ContextVars::capture();
/// // A thread of its own knows nothing of it, but for what it is given.
/// let seen = std::thread::spawn(move || (REQUEST.get(), context.run(|| REQUEST.get())));
/// assert_eq!(seen.join().unwrap(), (0, 7));
/// # });
/// ```
#[derive(Clone, Default)]
#[doc(alias("copy_context", "Context"))]
pub struct ContextVars(Variables);

impl ContextVars {
    /// A copy of the variables that are set here; outside a task there are none.
    #[must_use]
    pub fn capture() -> Self {
        Self(inherited())
    }

    /// No variables: all have their defaults.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// How many variables are set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no variable is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Calls `f` with these variables in the place of those that are set here. What `f` sets is gone
    /// after it; tasks that it spawns inherit it.
    ///
    /// It works on any thread, and may be nested.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let mut variables = self.0.clone();
        let _inside = Inside::enter(&mut variables);
        f()
    }

    /// Runs `future` with these variables; what it sets stays inside.
    ///
    /// # Cancel safety
    ///
    /// As safe as `future`.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::task::ContextVars;
    ///
    /// corio_runtime::context_var! {
    ///     static DEPTH: u32 = 0;
    /// }
    ///
    /// # corio_runtime::run(async {
    /// DEPTH.set(1);
    /// let inner = ContextVars::empty().wrap(async { DEPTH.get() });
    /// assert_eq!((inner.await, DEPTH.get()), (0, 1));
    /// # });
    /// ```
    pub fn wrap<F: Future>(&self, future: F) -> WithContext<F> {
        WithContext { inner: Some(future), variables: self.0.clone() }
    }
}

impl fmt::Debug for ContextVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextVars").field("len", &self.len()).finish()
    }
}

/// Variables in the place of those that are current here, for a while; what they are at the end is kept.
struct Inside<'a> {
    /// The other variables: the outer ones while this lives.
    variables: &'a mut Variables,
    outer: Outer,
}

/// Where the outer variables come from.
enum Outer {
    /// A task, or a blocking call, has them.
    Task,
    /// What was there for a thread without a task.
    Thread(Option<Ambient>),
    /// There were none, nor are there inner ones: nothing was exchanged.
    Nowhere,
}

impl<'a> Inside<'a> {
    fn enter(variables: &'a mut Variables) -> Self {
        if current().is_some() {
            change(&mut |here| std::mem::swap(here, variables));
            return Self { variables, outer: Outer::Task };
        }
        let ambient = Ambient { id: id::take_block(1), variables: std::mem::take(variables) };
        let outer = AMBIENT.try_with(|place| place.borrow_mut().replace(ambient)).unwrap_or(None);
        Self { variables, outer: Outer::Thread(outer) }
    }

    /// As `enter`, but that no place is made for nothing.
    fn enter_with_some(variables: &'a mut Variables) -> Self {
        if variables.is_empty() && is_nothing_set() {
            return Self { variables, outer: Outer::Nowhere };
        }
        Self::enter(variables)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.outer, Outer::Nowhere) {
            Outer::Nowhere if is_nothing_set() => {}
            Outer::Nowhere | Outer::Task => {
                change(&mut |here| std::mem::swap(here, self.variables));
            }
            Outer::Thread(outer) => {
                let inner =
                    AMBIENT.try_with(|place| std::mem::replace(&mut *place.borrow_mut(), outer));
                if let Ok(Some(inner)) = inner {
                    *self.variables = inner.variables;
                }
            }
        }
    }
}

pin_project! {
    /// The future of [`ContextVars::wrap`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct WithContext<F> {
        // `None` once it has been dropped, with the variables set.
        #[pin]
        inner: Option<F>,
        variables: Variables,
    }

    impl<F> PinnedDrop for WithContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _inside = Inside::enter(this.variables);
            this.inner.set(None);
        }
    }
}

impl Variables {
    /// Calls `f`, which does not unwind, with these variables in the place of those that are set here;
    /// what it sets stays in them.
    pub(crate) fn during<R>(&mut self, f: impl FnOnce() -> R) -> R {
        // Nearly always there is nothing to exchange.
        let _inside = Inside::enter_with_some(self);
        f()
    }
}

impl<F: Future> Future for WithContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _inside = Inside::enter(this.variables);
        match this.inner.as_mut().as_pin_mut() {
            Some(inner) => inner.poll(cx),
            None => unreachable!("it is dropped with this"),
        }
    }
}

impl<F> fmt::Debug for WithContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithContext").finish_non_exhaustive()
    }
}
