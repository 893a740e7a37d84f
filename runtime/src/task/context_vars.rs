//! Context variables: values that belong to a task, and that its children start with.
//!
//! A task has few of them, so they are a short list, by the address of the variable. A child starts
//! with its parent's list itself; it is copied when one of them changes it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::header::Header;
use crate::blocking::current_call;
use crate::executor::context::current_header;

/// One value.
pub(crate) type Value = Arc<dyn Any + Send + Sync>;

/// The variables that are set in a task.
#[derive(Clone, Default)]
pub(crate) struct Variables(Option<Arc<Vec<(usize, Value)>>>);

impl Variables {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn get(&self, key: usize) -> Option<Value> {
        let list = self.0.as_deref()?;
        list.iter().find(|(k, _)| *k == key).map(|(_, v)| v.clone())
    }

    /// Sets the variable `key`, or unsets it; gives the old value.
    fn set(&mut self, key: usize, value: Option<Value>) -> Option<Value> {
        let list = Arc::make_mut(self.0.get_or_insert_default());
        let at = list.iter().position(|(k, _)| *k == key);
        let old = match (at, value) {
            (Some(i), Some(value)) => Some(std::mem::replace(&mut list[i].1, value)),
            (Some(i), None) => Some(list.swap_remove(i).1),
            (None, Some(value)) => {
                list.push((key, value));
                None
            }
            (None, None) => None,
        };
        if list.is_empty() {
            self.0 = None;
        }
        old
    }
}

/// The task, or the blocking call, that this thread runs.
fn current<'a>() -> Option<&'a Header> {
    current_header().or_else(current_call)
}

/// Sets a variable of `task`, or unsets it; gives the old value.
///
/// # Safety
///
/// This thread runs the task.
unsafe fn exchange(task: &Header, key: usize, value: Option<Value>) -> Option<Value> {
    // SAFETY: the caller's promise; the closure runs nothing foreign: old values are handed out.
    unsafe { task.extras_or_new().with_variables(|variables| variables.set(key, value)) }
}

/// A variable whose value belongs to the task that reads it; made by
/// [`context_var!`](crate::context_var). asyncio programs use `contextvars.ContextVar`.
///
/// A task starts with the values that its parent had when it was spawned; after that, neither sees
/// what the other sets. Blocking calls are tasks in this respect. Outside a task there is only the
/// default.
///
/// # Examples
///
/// ```
/// corio_runtime::context_var! {
///     /// The request that is being served.
///     pub static REQUEST_ID: u64 = 0;
/// }
///
/// # corio_runtime::run(async {
/// REQUEST_ID.set(7);
/// let child = corio_runtime::spawn(async {
///     assert_eq!(REQUEST_ID.get(), 7);
///     REQUEST_ID.set(8);
/// });
/// child.await.unwrap();
/// assert_eq!(REQUEST_ID.get(), 7);
/// # });
/// assert_eq!(REQUEST_ID.get(), 0);
/// ```
#[doc(alias("contextvars", "task_local", "thread_local"))]
pub struct ContextVar<T: 'static> {
    default: fn() -> T,
}

impl<T: Send + Sync + 'static> ContextVar<T> {
    #[doc(hidden)]
    pub const fn new(default: fn() -> T) -> Self {
        Self { default }
    }

    fn key(&'static self) -> usize {
        // A static of non-zero size has an address of its own.
        std::ptr::from_ref(self).addr()
    }

    fn value(&'static self) -> Option<Value> {
        let extras = current()?.extras()?;
        // SAFETY: this thread runs the task; the closure only clones an `Arc`.
        unsafe { extras.with_variables(|variables| variables.get(self.key())) }
    }

    /// The value in this task: the last that was set, or inherited, or the default.
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Calls `f` with the value in this task.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.value().as_deref().and_then(|value| value.downcast_ref()) {
            Some(value) => f(value),
            None => f(&(self.default)()),
        }
    }

    /// Sets the value in this task. The token puts the old one back, if that is wanted.
    ///
    /// # Panics
    ///
    /// Outside a task.
    #[track_caller]
    pub fn set(&'static self, value: T) -> Token<T> {
        let Some(task) = current() else {
            panic!("a context variable can be set inside a task only; there is none on this thread")
        };
        // SAFETY: this thread runs the task.
        let old = unsafe { exchange(task, self.key(), Some(Arc::new(value))) };
        Token { variable: self, old, task: task.head.id }
    }

    /// Runs `future` with another value; what it sets the variable to stays inside, too.
    ///
    /// # Cancel safety
    ///
    /// As safe as `future`.
    ///
    /// # Examples
    ///
    /// ```
    /// corio_runtime::context_var! {
    ///     static DEPTH: u32 = 0;
    /// }
    ///
    /// # corio_runtime::run(async {
    /// let inner = DEPTH.scope(1, async { DEPTH.get() });
    /// assert_eq!((inner.await, DEPTH.get()), (1, 0));
    /// # });
    /// ```
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> WithValue<F> {
        WithValue { inner: Some(future), key: self.key(), value: Some(Arc::new(value)) }
    }
}

impl<T: fmt::Debug + Send + Sync + 'static> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextVar").field("default", &(self.default)()).finish()
    }
}

/// Puts the old value of a [`ContextVar`] back; dropping it changes nothing.
pub struct Token<T: 'static> {
    variable: &'static ContextVar<T>,
    old: Option<Value>,
    task: u64,
}

impl<T: Send + Sync + 'static> Token<T> {
    /// Puts back the value that the variable had before [`ContextVar::set`].
    ///
    /// # Panics
    ///
    /// In another task than the one in which the variable was set.
    #[track_caller]
    pub fn reset(self) {
        match current() {
            Some(task) if task.head.id == self.task => {
                // SAFETY: this thread runs the task.
                drop(unsafe { exchange(task, self.variable.key(), self.old) });
            }
            _ => panic!(
                "a context variable that was set in task {} was reset elsewhere: reset it there",
                self.task
            ),
        }
    }
}

impl<T: 'static> fmt::Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("task", &self.task).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`ContextVar::scope`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct WithValue<F> {
        // `None` once it has been dropped, with the value set.
        #[pin]
        inner: Option<F>,
        key: usize,
        // The value between polls.
        value: Option<Value>,
    }

    impl<F> PinnedDrop for WithValue<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _set = Set::enter(*this.key, this.value);
            this.inner.set(None);
        }
    }
}

/// The value of a variable, in its place for a while; what is there at the end is kept in turn.
struct Set<'a> {
    key: usize,
    /// The other value: the outer one while this lives.
    value: &'a mut Option<Value>,
}

impl<'a> Set<'a> {
    fn enter(key: usize, value: &'a mut Option<Value>) -> Self {
        exchange_with(key, value);
        Self { key, value }
    }
}

/// Exchanges the value of a variable for `value`; does nothing outside a task.
fn exchange_with(key: usize, value: &mut Option<Value>) {
    if let Some(task) = current() {
        // SAFETY: this thread runs the task.
        *value = unsafe { exchange(task, key, value.take()) };
    }
}

impl Drop for Set<'_> {
    fn drop(&mut self) {
        exchange_with(self.key, self.value);
    }
}

impl<F: Future> Future for WithValue<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _set = Set::enter(*this.key, this.value);
        match this.inner.as_mut().as_pin_mut() {
            Some(inner) => inner.poll(cx),
            None => unreachable!("it is dropped with this"),
        }
    }
}

impl<F> fmt::Debug for WithValue<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithValue").finish_non_exhaustive()
    }
}

/// Declares context variables, each a static [`ContextVar`](crate::task::ContextVar) with a default.
///
/// The default is computed where it is needed, so it may be any expression.
///
/// # Examples
///
/// ```
/// corio_runtime::context_var! {
///     /// Who is logged in.
///     pub static USER: String = "nobody".to_owned();
///     static DEPTH: u32 = 0;
/// }
///
/// # corio_runtime::run(async {
/// let token = USER.set("ada".to_owned());
/// assert_eq!(USER.get(), "ada");
/// token.reset();
/// assert_eq!((USER.get().as_str(), DEPTH.get()), ("nobody", 0));
/// # });
/// ```
#[doc(alias("ContextVar", "task_local"))]
#[macro_export]
macro_rules! context_var {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = $default:expr);+ $(;)?) => {
        $(
            $(#[$attr])*
            $vis static $name: $crate::task::ContextVar<$type> =
                $crate::task::ContextVar::new(|| $default);
        )+
    };
}
