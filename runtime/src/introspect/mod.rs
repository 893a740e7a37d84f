//! Seeing what tasks do: a list, a tree, a dump.
//!
//! *What is my program waiting for?* Print [`tree`]: each task with what it awaits, where in the
//! source, and for how long. It is always on: a pending leaf costs two stores.
//!
//! Snapshots are taken from any thread, without stopping the tasks: a task may move on while the
//! others are being read.

mod tree;

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::executor::context::current_shared;
use crate::executor::mains::Place;
use crate::executor::shared::Shared;
use crate::task::header::Header;
use crate::task::{CancelReason, TaskId};

pub use tree::{dump, tree};

/// What a task is doing at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// It waits to be polled.
    Ready,
    /// It is being polled.
    Running,
    /// It waits; [`TaskInfo::waiting_on`] says for what.
    Waiting,
    /// Its future is gone; its cleanups are still running.
    Closing,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The kind of thing: "sleep", "mutex", "read", "task", …
    ///
    /// Near kinds share a word: "group" is also a `TaskSet`, whatever of it is waited for, and a server's end;
    /// "once_cell" is also a `SetOnce`; "semaphore" is also the turn in a group or set with a limit; "several futures"
    /// are those of a `gather` and its like, when none of those that are left has been polled just now.
    ///
    /// It is [`FOREIGN`](Self::FOREIGN) where nothing of corio's has said that it waits.
    pub kind: &'static str,
    /// Where the wait was made; where the task was spawned, for a wait that nobody knows more of.
    pub at: &'static Location<'static>,
    /// For how long it has been waiting, to about a millisecond.
    pub since: Duration,
    /// The task that it waits for: a lock's holder, the task that is awaited.
    pub who: Option<TaskId>,
}

impl Wait {
    /// The kind of a wait that nothing of corio's knows of: for `std::future::pending`, or what another crate
    /// makes its futures of.
    pub const FOREIGN: &'static str = "a future that is not corio's";
}

/// One task, as [`tasks`] saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its id.
    pub id: TaskId,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it is doing.
    pub state: TaskState,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// The task that spawned it, if that is still there.
    pub parent: Option<TaskId>,
    /// What it waits for.
    pub waiting_on: Option<Wait>,
    /// The worker to which it belongs.
    pub worker: usize,
    /// Whether it has been asked to stop.
    pub cancelled: bool,
    /// Why, if whoever asked has said so with [`Task::cancel_because`](crate::Task::cancel_because).
    pub cancel_reason: Option<Arc<CancelReason>>,
}

/// What a snapshot holds of a task before the others are known.
struct Raw {
    info: TaskInfo,
    /// The low halves of ids: what the task's header has room for.
    parent: u32,
    who: u32,
}

fn raw(header: &Header, place: Place, now_ms: u32) -> Raw {
    let state = &header.state;
    let running = state.is_running();
    let queued = place == Place::OnCore && state.is_queued();
    let what = if state.is_closing() {
        TaskState::Closing
    } else if running {
        TaskState::Running
    } else if queued {
        TaskState::Ready
    } else {
        TaskState::Waiting
    };
    // After the state: what has ended its poll has said for what it waits.
    let noted = header.head.wait().filter(|_| !running && !queued);
    let waits = what == TaskState::Waiting || (what == TaskState::Closing && !running && !queued);
    // Ordering: Relaxed, a snapshot.
    let since_ms = header.since_ms.load(corio_sync::prim::Ordering::Relaxed);
    let since = Duration::from_millis(now_ms.wrapping_sub(since_ms).into());
    // SAFETY: the header is alive, and so is its core (T6 of the tasks).
    let worker = unsafe { header.core.as_ref() }.index;
    Raw {
        parent: header.head.parent,
        who: noted.map_or(0, |(_, _, who)| who),
        info: TaskInfo {
            id: TaskId(header.head.id),
            name: header.extras().and_then(|e| e.name.as_deref().map(str::to_owned)),
            state: what,
            spawned_at: header.head.spawned_at(),
            parent: None,
            waiting_on: waits.then(|| {
                let (kind, at) = match noted {
                    Some((kind, at, _)) => (kind.as_str(), at),
                    None => (Wait::FOREIGN, header.head.spawned_at()),
                };
                Wait { kind, at, since, who: None }
            }),
            worker,
            cancelled: state.is_cancelled(),
            cancel_reason: header.extras().and_then(|e| e.reason()),
        },
    }
}

pub(crate) fn tasks_of(shared: &Shared) -> Vec<TaskInfo> {
    let now_ms = (shared.clock.now_ns() / 1_000_000) as u32;
    let mut all = Vec::new();
    shared.mains.for_each(|header, place| all.push(raw(header, place, now_ms)));
    for core in shared.cores() {
        core.for_each_task(|header| all.push(raw(header, Place::OnCore, now_ms)));
    }
    // Headers hold the low halves of ids; among the tasks that are there these tell them apart,
    // unless four thousand million tasks lie between two of them.
    let by_low: std::collections::HashMap<u32, TaskId> =
        all.iter().map(|raw| (raw.info.id.0 as u32, raw.info.id)).collect();
    all.into_iter()
        .map(|mut raw| {
            raw.info.parent = by_low.get(&raw.parent).copied();
            if let Some(wait) = &mut raw.info.waiting_on {
                wait.who = by_low.get(&raw.who).copied();
            }
            raw.info
        })
        .collect()
}

/// The tasks of this thread's runtime that are not done, main futures first. asyncio's `all_tasks`.
///
/// Outside a runtime there are none.
///
/// # Examples
///
/// ```
/// use corio_runtime::introspect::tasks;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let task = corio_runtime::task::Builder::new()
///     .name("sleeper")
///     .spawn(corio_runtime::time::sleep(Duration::from_secs(60)));
/// corio_runtime::yield_now().await;
/// let all = tasks();
/// let sleeper = all.iter().find(|t| t.name.as_deref() == Some("sleeper")).unwrap();
/// # if let Some(wait) = sleeper.waiting_on {
/// assert_eq!(wait.kind, "sleep");
/// # }
/// # task.cancel();
/// # let _ = task.await;
/// # });
/// ```
#[doc(alias = "all_tasks")]
pub fn tasks() -> Vec<TaskInfo> {
    current_shared().map(|shared| tasks_of(&shared)).unwrap_or_default()
}
