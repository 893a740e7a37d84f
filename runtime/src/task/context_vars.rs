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

use corio_sync::prim::statics::OnceLock;
use pin_project_lite::pin_project;

use super::context_copy::{change, context_id, read};

/// One value.
pub(crate) type Value = Arc<dyn Any + Send + Sync>;

/// The variables that are set in a task.
#[derive(Clone, Default)]
pub(crate) struct Variables(Option<Arc<Vec<(usize, Value)>>>);

impl Variables {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.len())
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

/// Sets a variable where this thread is, or unsets it; gives the old value. `None` where there is no
/// place for variables; the value is gone then.
fn exchange(key: usize, mut value: Option<Value>) -> Option<Option<Value>> {
    let mut old = None;
    // Taken inside, so that it is dropped out here if there is no place for it.
    change(&mut |variables| old = variables.set(key, value.take())).then_some(old)
}

/// A variable whose value belongs to the task that reads it; made by
/// [`context_var!`](crate::context_var). asyncio programs use `contextvars.ContextVar`.
///
/// A task starts with the values that its parent had when it was spawned; after that, neither sees
/// what the other sets. Blocking calls are tasks in this respect, and so are the calls of
/// [`call_soon`](crate::Handle::call_soon) and [`Task::on_done`](super::Task::on_done). Outside a task
/// there is only the default, but within [`ContextVars::run`](super::ContextVars::run).
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
    make_default: Option<fn() -> T>,
    /// The default, once it was needed.
    default: OnceLock<T>,
}

impl<T: Send + Sync + 'static> ContextVar<T> {
    #[doc(hidden)]
    pub const fn new(default: fn() -> T) -> Self {
        Self { make_default: Some(default), default: OnceLock::new() }
    }

    #[doc(hidden)]
    pub const fn without_default() -> Self {
        Self { make_default: None, default: OnceLock::new() }
    }

    fn key(&'static self) -> usize {
        // A static of non-zero size has an address of its own.
        std::ptr::from_ref(self).addr()
    }

    fn value(&'static self) -> Option<Value> {
        let mut value = None;
        read(&mut |variables| value = variables.get(self.key()));
        value
    }

    fn default(&self) -> Option<&T> {
        let make = self.make_default?;
        Some(self.default.get_or_init(make))
    }

    /// The value in this task: the last that was set, or inherited, or the default.
    ///
    /// # Panics
    ///
    /// When there is none: the variable was declared without a default, and is not set here.
    /// [`try_get`](Self::try_get) does not.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// The value in this task, or the default; `None` if there is neither.
    pub fn try_get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.try_with(T::clone)
    }

    /// Calls `f` with the value in this task. `f` may set variables, this one too; it keeps the value
    /// that it was called with.
    ///
    /// # Panics
    ///
    /// When there is none, as [`get`](Self::get).
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Some(result) => result,
            None => panic!(
                "a context variable without a default is not set here: set it first, or ask with `try_get`"
            ),
        }
    }

    fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Option<R> {
        // Kept while `f` runs, which may set another.
        let value = self.value();
        let value = value.as_deref().and_then(|value| value.downcast_ref());
        value.or_else(|| self.default()).map(f)
    }

    /// Sets the value in this task. The token puts the old one back, if that is wanted.
    ///
    /// # Panics
    ///
    /// Outside a task, and outside [`ContextVars::run`](super::ContextVars::run).
    #[track_caller]
    pub fn set(&'static self, value: T) -> Token<T> {
        match exchange(self.key(), Some(Arc::new(value))) {
            Some(old) => Token { variable: self, old, context: context_id() },
            None => panic!(
                "a context variable can be set inside a task only, and there is none on this thread: \
                 `ContextVars::run` makes a place for it"
            ),
        }
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
        f.debug_struct("ContextVar").field("default", &self.default()).finish()
    }
}

/// Puts the old value of a [`ContextVar`] back; dropping it changes nothing.
pub struct Token<T: 'static> {
    variable: &'static ContextVar<T>,
    old: Option<Value>,
    context: u64,
}

impl<T: Send + Sync + 'static> Token<T> {
    /// Puts back the value that the variable had before [`ContextVar::set`].
    ///
    /// # Panics
    ///
    /// In another task than the one in which the variable was set; [`try_reset`](Self::try_reset) gives
    /// the token back instead.
    #[track_caller]
    pub fn reset(self) {
        if let Err(token) = self.try_reset() {
            panic!(
                "a context variable that was set in task {} was reset elsewhere: reset it there",
                token.context
            );
        }
    }

    /// Puts back the value that the variable had before [`ContextVar::set`].
    ///
    /// # Errors
    ///
    /// The token, in another task than the one in which the variable was set.
    pub fn try_reset(self) -> Result<(), Self> {
        if context_id() != self.context {
            return Err(self);
        }
        drop(exchange(self.variable.key(), self.old));
        Ok(())
    }
}

impl<T: 'static> fmt::Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("task", &self.context).finish_non_exhaustive()
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

/// Exchanges the value of a variable for `value`; does nothing where there is no place for it.
fn exchange_with(key: usize, value: &mut Option<Value>) {
    change(&mut |variables| *value = variables.set(key, value.take()));
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
/// The default is computed when it is first needed, so it may be any expression. A variable may have
/// none.
///
/// # Examples
///
/// ```
/// corio_runtime::context_var! {
///     /// Who is logged in.
///     pub static USER: String = "nobody".to_owned();
///     static DEPTH: u32 = 0;
///     static PEER: std::net::SocketAddr;
/// }
///
/// # corio_runtime::run(async {
/// assert_eq!(PEER.try_get(), None);
/// let token = USER.set("ada".to_owned());
/// assert_eq!(USER.get(), "ada");
/// token.reset();
/// assert_eq!((USER.get().as_str(), DEPTH.get()), ("nobody", 0));
/// # });
/// ```
#[doc(alias("ContextVar", "task_local"))]
#[macro_export]
macro_rules! context_var {
    (@new) => { $crate::task::ContextVar::without_default() };
    (@new $default:expr) => { $crate::task::ContextVar::new(|| $default) };
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty $(= $default:expr)?);+ $(;)?) => {
        $(
            $(#[$attr])*
            $vis static $name: $crate::task::ContextVar<$type> =
                $crate::context_var!(@new $($default)?);
        )+
    };
}
