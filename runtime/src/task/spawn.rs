//! Making a task and putting it on its first queue.

use std::future::Future;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use corio_sync::hooks::{Site, TaskHead};

use super::context_copy::{current, inherited};
use super::eager;
use super::extras::Extras;
use super::harness::publish;
use super::header::{Cell, Header, Hook};
use super::id;
use super::join::Task;
use super::state::{Kind, State};
use super::waker::release;
use crate::executor::context;
use crate::executor::core::{Core, CoreShared};
use crate::executor::shared::Shared;

/// How a task is to be made.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) site: Site,
    pub(crate) name: Option<Box<str>>,
    /// A cleanup: shutdown waits for it, and does not refuse or cancel it.
    pub(crate) shielded: bool,
    /// It is polled before it is queued, where that can be.
    pub(crate) eager: bool,
}

impl Options {
    pub(crate) fn at(site: Site) -> Self {
        Self { site, name: None, shielded: false, eager: false }
    }

    /// The extras of the new task: its name and its parent's variables, or null if there are none.
    pub(crate) fn extras(self) -> *mut Extras {
        let variables = inherited();
        if self.name.is_none() && variables.is_empty() {
            return ptr::null_mut();
        }
        Box::into_raw(Box::new(Extras::new(self.name, variables)))
    }
}

/// The head of a new task, a child of the current one, or of the blocking call that this thread runs.
pub(crate) fn head_of(id: u64, site: Site) -> TaskHead {
    TaskHead::new(id, site, current().map_or(0, |parent| parent.head.id))
}

/// Spawns a future that any worker may run.
pub(crate) fn spawn<F, H>(
    shared: &Arc<Shared>,
    future: F,
    hook: H,
    options: Options,
) -> Task<H::Value>
where
    F: Future + Send + 'static,
    F::Output: Send,
    H: Hook<F::Output> + Send,
{
    context::with_context(|context| match context.and_then(|c| c.own_core(shared)) {
        Some(core) => {
            let kind = if shared.is_single() { Kind::Bound } else { Kind::Stealable };
            spawn_here(core, future, hook, options, kind)
        }
        None => spawn_elsewhere(shared, future, hook, options),
    })
}

/// Spawns a future that any worker may run on the runtime of this thread; `None` if it has none.
pub(crate) fn spawn_current<F, H>(future: F, hook: H, options: Options) -> Option<Task<H::Value>>
where
    F: Future + Send + 'static,
    F::Output: Send,
    H: Hook<F::Output> + Send,
{
    context::with_context(|context| {
        let context = context?;
        Some(match context.own_core(&context.shared) {
            Some(core) => {
                let single = context.shared.is_single();
                let kind = if single { Kind::Bound } else { Kind::Stealable };
                spawn_here(core, future, hook, options, kind)
            }
            None => spawn_elsewhere(&context.shared, future, hook, options),
        })
    })
}

/// Spawns a future that stays on this thread; `None` if that runs no tasks.
pub(crate) fn spawn_local_current<F, H>(
    future: F,
    hook: H,
    options: Options,
) -> Option<Task<H::Value>>
where
    F: Future + 'static,
    H: Hook<F::Output>,
{
    context::with_core(|core| Some(spawn_here(core?, future, hook, options, Kind::Local)))
}

/// Spawns a future on the core that this thread has. With `eager` options it may be polled in here; a
/// thread that has a core keeps it, and the context that says so, until the poll around this is over.
///
/// With `Kind::Local` the future stays on this thread; otherwise the caller has seen that it is
/// `Send`.
pub(crate) fn spawn_here<F, H>(
    core: &Core,
    future: F,
    hook: H,
    options: Options,
    kind: Kind,
) -> Task<H::Value>
where
    F: Future + 'static,
    H: Hook<F::Output>,
{
    let site = options.site;
    let shielded = options.shielded;
    let eager = options.eager && eager::may_start();
    let state = State::new(kind);
    let header = Header::new(
        head_of(core.next_id(), site),
        if shielded { state.shielded() } else { state },
        2, // the task list's and the handle's
        const { &Cell::<F, H>::VTABLE },
        core.shared_ptr(),
        options.extras(),
    );
    core.on_alloc();
    let task = Cell::allocate(Some(core), header, future, hook);
    if !core.shared().add_task(task) {
        // SAFETY: fresh, with two references.
        return unsafe { refuse(task) };
    }
    if kind == Kind::Local {
        core.on_local_spawn();
    }
    // SAFETY: this thread has the core, and the task, which is as new, is on no queue.
    if !eager || unsafe { eager::start(task, core) } {
        match kind {
            Kind::Stealable => core.push_stealable(task),
            Kind::Bound | Kind::Local => core.push_bound(task),
        }
    }
    // SAFETY: the handle's reference, and the output's type is the hook's.
    unsafe { Task::new(task) }
}

/// Spawns a future from a thread that has no core of the runtime.
fn spawn_elsewhere<F, H>(
    shared: &Arc<Shared>,
    future: F,
    hook: H,
    options: Options,
) -> Task<H::Value>
where
    F: Future + Send + 'static,
    H: Hook<F::Output>,
{
    let home = shared.core_for_spawn();
    let single = shared.is_single();
    let site = options.site;
    let shielded = options.shielded;
    let state = if single { State::new_posted() } else { State::new(Kind::Stealable) };
    let header = Header::new(
        head_of(id::take_block(1), site),
        if shielded { state.shielded() } else { state },
        2 + u32::from(single), // the list's, the handle's, and a bound task's mailbox's
        const { &Cell::<F, H>::VTABLE },
        home.as_ptr(),
        options.extras(),
    );
    // The count on the home core (E2 of the cores).
    std::mem::forget(home.clone());
    let task = Cell::allocate(None, header, future, hook);
    if !home.add_task(task) {
        if single {
            // SAFETY: the mailbox's reference, which it does not get.
            unsafe { release(task) };
        }
        // SAFETY: fresh, with two references left.
        return unsafe { refuse(task) };
    }
    if single {
        home.post_bound(task)
    } else {
        home.post(task)
    }
    // SAFETY: the handle's reference, and the output's type is the hook's.
    unsafe { Task::new(task) }
}

/// The runtime is shutting down: the future is dropped, and the task is cancelled before it ran.
///
/// # Safety
///
/// The task is fresh: its list's and its handle's references are the caller's.
unsafe fn refuse<T>(task: NonNull<Header>) -> Task<T> {
    // SAFETY: nobody else knows the task.
    unsafe {
        (task.as_ref().vtable.cancel)(task, None);
        publish(task);
        release(task);
        Task::new(task)
    }
}

/// Makes the header of a main future, which lives elsewhere: an identity, a place for cleanups and
/// variables, a waker. The caller owns its one reference.
pub(crate) fn main_header(home: NonNull<CoreShared>, id: u64, options: Options) -> NonNull<Header> {
    let site = options.site;
    let header = Header::new(
        head_of(id, site),
        State::new_main(),
        1,
        const { &Cell::<std::future::Pending<()>, super::header::Plain>::VTABLE },
        home,
        options.extras(),
    );
    Cell::allocate(None, header, std::future::pending::<()>(), super::header::Plain)
}
