//! What went wrong in a task group: all of it.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;
use std::panic::Location;

use corio_sync::prim::Mutex;

use crate::task::TaskId;
use crate::task::error::panic_text;
use crate::task::header::Header;

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
        match panic_text(&**self.0.lock()) {
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
/// that failed, where it was spawned, and how; the lines of a group within a group are further in. With
/// a single failure there is that line alone. [`Error::source`] is the first error, for those who look
/// for what it was, or what caused it in turn; so a reporter that prints an error and then its sources
/// prints the first failure's text twice. To have it once, print the error alone, or report what
/// [`into_failures`](Self::into_failures) gives.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::TaskGroup;
///
/// # corio_runtime::run(async {
/// let group = TaskGroup::<String>::new();
/// drop(group.builder().name("fetch").spawn(async { Err::<(), _>("no route".to_owned()) }));
/// let error = group.join().await.unwrap_err();
/// let task = error.failures()[0].id().unwrap();
/// assert_eq!(error.to_string(), format!("task {task} \"fetch\": no route"));
/// # });
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

    /// The failures, by value.
    pub fn into_failures(self) -> Vec<Failure<E>> {
        self.failures
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failures[..] {
            [] => return f.write_str("the task group was cancelled"),
            [only] => return write!(Indented(f), "{only}"),
            _ => {}
        }
        write!(f, "{} failures in a task group:", self.failures.len())?;
        for failure in &self.failures {
            write!(Indented(f), "\n{failure}")?;
        }
        Ok(())
    }
}

/// Puts what follows each end of a line further in: a group may be within a group.
struct Indented<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Indented<'_, '_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for (i, line) in s.split('\n').enumerate() {
            if i > 0 {
                self.0.write_str("\n  ")?;
            }
            self.0.write_str(line)?;
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
impl<E: Error + Send + Sync + 'static> From<GroupError<E>> for io::Error {
    fn from(error: GroupError<E>) -> Self {
        let first = error.source().and_then(|first| first.downcast_ref::<io::Error>());
        let kind = first.map_or(io::ErrorKind::Other, io::Error::kind);
        Self::new(kind, error)
    }
}

impl<E: Error + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failures.iter().find_map(|f| f.error()).map(|e| e as _)
    }
}
