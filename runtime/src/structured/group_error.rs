//! What went wrong in a task group: all of it.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;
use std::panic::Location;

use corio_sync::prim::Mutex;

use crate::task::error::panic_text;
use crate::task::header::Header;
use crate::task::{TaskError, TaskId};
use crate::time::Elapsed;

/// How one member of a group failed.
#[non_exhaustive]
pub enum FailureKind<E> {
    /// It returned an error.
    Error(E),
    /// It panicked; the payload is what [`std::panic::resume_unwind`] takes.
    Panic(PanicPayload),
}

/// The payload of a panic.
pub struct PanicPayload(Mutex<Box<dyn Any + Send>>);

impl PanicPayload {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        Self(Mutex::new(payload))
    }

    /// The payload itself.
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        self.0.into_inner()
    }
}

impl fmt::Display for PanicPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A copy, since whoever takes the text is foreign code, which is not called under the lock.
        let text = panic_text(&**self.0.lock()).map(str::to_owned);
        match text {
            Some(text) => write!(f, "panicked: {text}"),
            None => f.write_str("panicked"),
        }
    }
}

impl fmt::Debug for PanicPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PanicPayload({self})")
    }
}

/// One failure in a group, and whose it is.
pub struct Failure<E> {
    kind: FailureKind<E>,
    /// `None` for the group's body.
    task: Option<Culprit>,
}

struct Culprit {
    id: TaskId,
    name: Option<Box<str>>,
    spawned_at: &'static Location<'static>,
}

impl<E> Failure<E> {
    pub(crate) fn of_task(kind: FailureKind<E>, task: &Header) -> Self {
        let culprit = Culprit {
            id: TaskId(task.head.id),
            name: task.extras().and_then(|e| e.name.clone()),
            spawned_at: task.head.spawned_at(),
        };
        Self { kind, task: Some(culprit) }
    }

    pub(crate) fn of_body(error: E) -> Self {
        Self { kind: FailureKind::Error(error), task: None }
    }

    /// How it failed.
    pub fn kind(&self) -> &FailureKind<E> {
        &self.kind
    }

    /// How it failed, by value.
    pub fn into_kind(self) -> FailureKind<E> {
        self.kind
    }

    /// The error, if it is one and not a panic.
    pub fn error(&self) -> Option<&E> {
        match &self.kind {
            FailureKind::Error(error) => Some(error),
            FailureKind::Panic(_) => None,
        }
    }

    /// The id of the task that failed; `None` if it was the group's body.
    pub fn id(&self) -> Option<TaskId> {
        self.task.as_ref().map(|t| t.id)
    }

    /// The name of the task that failed, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.task.as_ref()?.name.as_deref()
    }

    /// Where the task that failed was spawned; `None` if it was the group's body.
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.task.as_ref().map(|t| t.spawned_at)
    }

    fn fmt_with(
        &self,
        f: &mut fmt::Formatter<'_>,
        error: impl FnOnce(&E, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        match &self.task {
            None => f.write_str("the group's body")?,
            Some(Culprit { id, name: Some(name), .. }) => write!(f, "task {id} \"{name}\"")?,
            Some(Culprit { id, name: None, spawned_at }) => {
                write!(f, "task {id} ({}:{})", spawned_at.file(), spawned_at.line())?;
            }
        }
        f.write_str(": ")?;
        match &self.kind {
            FailureKind::Error(e) => error(e, f),
            FailureKind::Panic(payload) => fmt::Display::fmt(payload, f),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_with(f, |error, f| error.fmt(f))
    }
}

impl<E: fmt::Debug> fmt::Debug for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_with(f, |error, f| error.fmt(f))
    }
}

impl<E: fmt::Debug> fmt::Debug for FailureKind<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Self::Panic(payload) => fmt::Debug::fmt(payload, f),
        }
    }
}

/// What made a task group fail: every failure that is not a cancellation, in the order they came.
///
/// asyncio's `ExceptionGroup`. `Display` is complete: a heading, and a line for each failure with the task
/// that failed, where it was spawned, and how; further lines of an error, and the lines of a group within a
/// group, are further in than the one they belong to. With a single failure there is no heading. The
/// alternate form, `{:#}`, shows each error in *its* alternate form, which with some types names what caused
/// it.
///
/// It is an [`Error`] whatever `E` is, as long as that can be shown: so `?` turns it into a
/// `Box<dyn Error>` also where the errors of the children are themselves in boxes, are texts, or are of a type
/// (such as that of `anyhow`) that is no `Error`. The price is that [`Error::source`] knows only some types: it
/// is the first error if that is in a box (`Box<dyn Error + Send + Sync>`), an [`io::Error`], a
/// [`TaskError`], or an [`Elapsed`]. Errors of other types, and those that caused them, are there in
/// [`failures`](Self::failures), typed. A reporter that prints an error and then its sources prints the text
/// of a source twice; to have it once, print the error alone.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::TaskGroup;
///
/// # corio_runtime::run(async {
/// let group = TaskGroup::<String>::new();
/// group.builder().name("fetch").spawn(async { Err::<(), _>("no route".to_owned()) });
/// let error = group.join().await.unwrap_err();
/// let task = error.failures()[0].id().unwrap();
/// assert_eq!(error.to_string(), format!("task {task} \"fetch\": no route"));
/// # });
/// ```
///
/// # Example: errors of any type
///
/// ```
/// use corio_runtime::structured::{TaskGroup, task_group};
/// use std::error::Error;
///
/// type AnyError = Box<dyn Error + Send + Sync>;
///
/// async fn sum() -> Result<i32, Box<dyn Error>> {
///     let sum = task_group(|group: TaskGroup<AnyError>| async move {
///         let one = group.spawn(async { Ok("20".parse::<i32>()?) });
///         let two = group.spawn(async { Ok(String::from_utf8(b"22".to_vec())?.parse::<i32>()?) });
///         Ok(one.await? + two.await?)
///     });
///     Ok(sum.await?)
/// }
///
/// # corio_runtime::run(async { assert_eq!(sum().await.unwrap(), 42) });
/// ```
#[doc(alias("ExceptionGroup", "BaseExceptionGroup", "MultiError"))]
pub struct GroupError<E> {
    failures: Vec<Failure<E>>,
}

impl<E> GroupError<E> {
    pub(crate) fn new(failures: Vec<Failure<E>>) -> Self {
        Self { failures }
    }

    /// Whether nothing has failed: the group was cancelled (with [`TaskGroup::cancel`](super::TaskGroup::cancel)),
    /// and its body gave no value for that reason.
    pub fn is_cancelled(&self) -> bool {
        self.failures.is_empty()
    }

    /// The failures, first come first.
    pub fn failures(&self) -> &[Failure<E>] {
        &self.failures
    }

    /// The first error alone, for callers that want one error of their own type: the others, and panics, are
    /// dropped.
    ///
    /// # Panics
    ///
    /// When there is no error: with the panic of the first child that panicked, or, if nothing has failed, because
    /// the group [was cancelled](Self::is_cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::{GroupError, TaskGroup, task_group};
    ///
    /// #[derive(Debug, PartialEq)]
    /// enum Broken {
    ///     Left,
    ///     Right,
    /// }
    ///
    /// async fn check(right: bool) -> Result<(), Broken> {
    ///     task_group(|group: TaskGroup<Broken>| async move {
    ///         group.spawn(async move { if right { Err(Broken::Right) } else { Ok(()) } });
    ///         Ok(())
    ///     })
    ///     .await
    ///     .map_err(GroupError::into_error)
    /// }
    ///
    /// # corio_runtime::run(async {
    /// assert_eq!(check(false).await, Ok(()));
    /// assert_eq!(check(true).await, Err(Broken::Right));
    /// # });
    /// ```
    #[track_caller]
    pub fn into_error(self) -> E {
        let mut panic = None;
        for failure in self.failures {
            match failure.kind {
                FailureKind::Error(error) => return error,
                FailureKind::Panic(payload) => panic = panic.or(Some(payload)),
            }
        }
        match panic {
            Some(payload) => std::panic::resume_unwind(payload.into_inner()),
            None => panic!("there is no error in the group: it was cancelled; see `is_cancelled`"),
        }
    }

    /// The failures, by value.
    pub fn into_failures(self) -> Vec<Failure<E>> {
        self.failures
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match &self.failures[..] {
            [] => return f.write_str("the task group was cancelled"),
            [_] => "",
            all => &*format!("{} failures in a task group:", all.len()),
        };
        list(f, heading, &self.failures)
    }
}

/// Writes a heading, and each item on a line of its own; without a heading there is a single item. The other
/// lines of an item are further in than its first one.
pub(super) fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    items: &[T],
) -> fmt::Result {
    f.write_str(heading)?;
    let (start, further_in) = if heading.is_empty() { ("", "  ") } else { ("\n  ", "    ") };
    let alternate = f.alternate();
    items.iter().try_for_each(|item| {
        f.write_str(start)?;
        let mut f = Indented { f: &mut *f, further_in, at_start: false };
        if alternate { write!(f, "{item:#}") } else { write!(f, "{item}") }
    })
}

/// Puts the lines after the first further in: a text may have several, and a group may be within a group.
struct Indented<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    further_in: &'static str,
    /// Nothing has been written of a line that is not the first.
    at_start: bool,
}

impl fmt::Write for Indented<'_, '_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for piece in s.split_inclusive('\n') {
            // An empty line stays so.
            if self.at_start && piece != "\n" {
                self.f.write_str(self.further_in)?;
            }
            self.f.write_str(piece)?;
            self.at_start = piece.ends_with('\n');
        }
        Ok(())
    }
}

impl<E: fmt::Debug> fmt::Debug for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GroupError").field(&self.failures).finish()
    }
}

/// An error of the kind of the first failure, if that is an error of I/O, and else of the kind
/// [`Other`](io::ErrorKind::Other).
impl<E: fmt::Debug + fmt::Display + Send + Sync + 'static> From<GroupError<E>> for io::Error {
    fn from(error: GroupError<E>) -> Self {
        Self::new(kind_of(error.source()), error)
    }
}

impl<E: fmt::Debug + fmt::Display + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failures.iter().find_map(Failure::error).and_then(as_error)
    }
}

/// The kind of an error that was caused by `source`.
pub(super) fn kind_of(source: Option<&(dyn Error + 'static)>) -> io::ErrorKind {
    let source = source.and_then(|source| source.downcast_ref::<io::Error>());
    source.map_or(io::ErrorKind::Other, io::Error::kind)
}

/// `error` as an `Error`, if it is of a type that is known to be one.
///
/// A bound `E: Error` would know all of them, but the most frequent type of all, `Box<dyn Error>`, is no
/// `Error`, nor can two implementations be told apart by whether a type is one.
pub(super) fn as_error<E: 'static>(error: &E) -> Option<&(dyn Error + 'static)> {
    fn plain<T: Error + 'static>(any: &dyn Any) -> Option<&(dyn Error + 'static)> {
        any.downcast_ref::<T>().map(|error| error as _)
    }
    let any: &dyn Any = error;
    if let Some(error) = any.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**error);
    }
    if let Some(error) = any.downcast_ref::<Box<dyn Error + Send>>() {
        return Some(&**error);
    }
    [plain::<io::Error>, plain::<TaskError>, plain::<Elapsed>].iter().find_map(|plain| plain(any))
}
