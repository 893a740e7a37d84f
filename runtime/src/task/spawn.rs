//! Making a task and putting it on its first queue.

use std::future::{Future, Pending, pending};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use corio_sync::hooks::{Site, TaskHead};

use super::cell::{Cell, Hook, Plain, VTable};
use super::context_copy::{current, inherited};
use super::end::{self, Failure};
use super::extras::Extras;
use super::harness::publish;
use super::header::Header;
use super::join::Task;
use super::state::{Kind, State};
use super::waker::release;
use super::{eager, id};
use crate::executor::core::{Core, CoreRef};
use crate::executor::shared::Shared;
use crate::executor::{cells, context};

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
}

/// The head and the extras of a new task: a child of the current one, or of the blocking call that this thread
/// runs, with the name of its options and its parent's variables.
#[inline]
pub(crate) fn head_of(id: u64, site: Site, name: Option<Box<str>>) -> (TaskHead, *mut Extras) {
    let parent = current();
    let head = TaskHead::new(id, site, parent.map_or(0, |parent| parent.head.id));
    // Most tasks have neither, as their parents have no variables.
    let extras = match (parent, name) {
        (Some(parent), None) if parent.extras().is_none() => ptr::null_mut(),
        (_, name) => extras_of(name),
    };
    (head, extras)
}

/// The extras of a new task: its name and its parent's variables, or null if there are none.
#[inline(never)]
fn extras_of(name: Option<Box<str>>) -> *mut Extras {
    let variables = inherited();
    if name.is_none() && variables.is_empty() {
        return ptr::null_mut();
    }
    Box::into_raw(Box::new(Extras::new(name, variables)))
}

/// A task that is being made: its cell has a header, and nothing else yet. What is generic about spawning is to fill
/// it between the two halves, [`Blank::on`] and the others that make one, and [`Blank::launch`].
#[derive(Clone, Copy)]
pub(crate) struct Blank {
    task: NonNull<Header>,
    /// The core of this thread, if it is the task's home. The thread has it for as long as this lasts.
    core: Option<NonNull<Core>>,
}

impl Blank {
    /// A task of the runtime `shared`.
    fn on(shared: &Arc<Shared>, vtable: &'static VTable, options: Options) -> Self {
        context::with_context(|context| match context.and_then(|c| c.own_core(shared)) {
            Some(core) => Self::here(core, vtable, options, kind_on(shared)),
            None => Self::elsewhere(shared, vtable, options),
        })
    }

    /// A task of this thread's runtime; `None` if it has none.
    fn on_current(vtable: &'static VTable, options: Options) -> Option<Self> {
        context::with_context(|context| {
            let context = context?;
            let shared = &context.shared;
            Some(match context.own_core(shared) {
                Some(core) => Self::here(core, vtable, options, kind_on(shared)),
                None => Self::elsewhere(shared, vtable, options),
            })
        })
    }

    /// A task that stays on this thread; `None` if that runs no tasks.
    fn local(vtable: &'static VTable, options: Options) -> Option<Self> {
        context::with_core(|core| Some(Self::here(core?, vtable, options, Kind::Local)))
    }

    /// A task at home on `core`, which this thread has.
    #[inline(always)]
    fn here(core: &Core, vtable: &'static VTable, options: Options, kind: Kind) -> Self {
        let state = State::new(kind);
        if options.shielded {
            state.shield();
        }
        let (head, extras) = head_of(core.next_id(), options.site, options.name);
        core.on_alloc();
        let memory = cells::allocate(Some(&core.memory), vtable.size).cast();
        // The task list's reference and the handle's.
        let header = Header::new(head, state, 2, vtable, core.shared_ptr(), extras);
        // SAFETY: fresh memory for a cell of this table, which begins with its header.
        unsafe { memory.write(header) };
        Self { task: memory, core: Some(NonNull::from(core)) }
    }

    /// A task that is spawned by a thread that has no core of the runtime.
    #[inline(never)]
    fn elsewhere(shared: &Arc<Shared>, vtable: &'static VTable, options: Options) -> Self {
        let home = shared.core_for_spawn();
        let single = shared.is_single();
        let state = if single { State::new_posted() } else { State::new(Kind::Stealable) };
        if options.shielded {
            state.shield();
        }
        // The list's, the handle's, and a bound task's mailbox's.
        let refs = 2 + u32::from(single);
        let id = id::take_block(1);
        Self {
            task: header_at(&home, id, options.site, options.name, state, refs, vtable),
            core: None,
        }
    }

    /// Puts the task, whose cell is whole now, on its first queue, or refuses it. With `eager` it may be polled in
    /// here; a thread that has a core keeps it, and the context that says so, until the poll around this is over.
    ///
    /// # Safety
    ///
    /// The cell was filled since this was made, on this thread. The task may be polled where its kind allows.
    unsafe fn launch(self, eager: bool) {
        match self.core {
            // SAFETY: the thread has it still; the caller's promise.
            Some(core) => unsafe { launch_here(core.as_ref(), self.task, eager) },
            // SAFETY: the caller's promise.
            None => unsafe { launch_elsewhere(self.task) },
        }
    }
}

/// Who runs what is spawned on a core of `shared`.
fn kind_on(shared: &Shared) -> Kind {
    if shared.is_single() { Kind::Bound } else { Kind::Stealable }
}

/// Makes a header for a cell that is not taken from a core's memory. Its count on its home core is made here.
pub(crate) fn header_at(
    home: &CoreRef,
    id: u64,
    site: Site,
    name: Option<Box<str>>,
    state: State,
    refs: u32,
    vtable: &'static VTable,
) -> NonNull<Header> {
    let (head, extras) = head_of(id, site, name);
    // The count on the home core (E2 of the cores).
    std::mem::forget(home.clone());
    let memory = cells::allocate(None, vtable.size).cast();
    let header = Header::new(head, state, refs, vtable, home.as_ptr(), extras);
    // SAFETY: fresh memory for a cell of this table, which begins with its header.
    unsafe { memory.write(header) };
    memory
}

/// # Safety
///
/// As `Blank::launch`; this thread has `core`, which is the task's home.
unsafe fn launch_here(core: &Core, task: NonNull<Header>, eager: bool) {
    if !core.shared().add_task(task) {
        // SAFETY: fresh, with two references.
        return unsafe { refuse(task) };
    }
    // SAFETY: alive with the handle's reference.
    let state = unsafe { &task.as_ref().state };
    if state.is_local() {
        core.on_local_spawn();
    }
    // SAFETY: this thread has the core, and the task, which is as new, is on no queue.
    if eager && unsafe { eager::rests_after_start(task, core) } {
        return;
    }
    if state.is_bound() {
        core.push_bound(task);
    } else {
        core.push_stealable(task);
    }
}

/// # Safety
///
/// As `Blank::launch`; the task was made by `Blank::elsewhere`.
#[inline(never)]
unsafe fn launch_elsewhere(task: NonNull<Header>) {
    // SAFETY: fresh, with the references of list and handle.
    let header = unsafe { task.as_ref() };
    let bound = header.state.is_bound();
    // SAFETY: alive with the cell (T6), to which the handle will have a reference.
    let home = unsafe { header.core.as_ref() };
    if !home.add_task(task) {
        // SAFETY: a bound task's mailbox does not get its reference; then there are two left.
        unsafe {
            if bound {
                release(task);
            }
            refuse(task);
        }
    } else if bound {
        home.post_bound(task);
    } else {
        home.post(task);
    }
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
    let eager = options.eager;
    let blank = Blank::on(shared, Cell::<F, H>::VTABLE, options);
    // SAFETY: made with this table, just now; future and output are `Send`, and so is what a hook makes of that.
    unsafe { fill_and_launch(blank, future, hook, eager) }
}

/// Spawns a future that any worker may run on the runtime of this thread; `None` if it has none.
#[inline]
pub(crate) fn spawn_current<F, H>(future: F, hook: H, options: Options) -> Option<Task<H::Value>>
where
    F: Future + Send + 'static,
    F::Output: Send,
    H: Hook<F::Output> + Send,
{
    let eager = options.eager;
    let blank = Blank::on_current(Cell::<F, H>::VTABLE, options)?;
    // SAFETY: made with this table, just now; future and output are `Send`.
    Some(unsafe { fill_and_launch(blank, future, hook, eager) })
}

/// Spawns a future that stays on this thread; `None` if that runs no tasks.
#[inline]
pub(crate) fn spawn_local_current<F, H>(
    future: F,
    hook: H,
    options: Options,
) -> Option<Task<H::Value>>
where
    F: Future + 'static,
    H: Hook<F::Output>,
{
    let eager = options.eager;
    let blank = Blank::local(Cell::<F, H>::VTABLE, options)?;
    // SAFETY: made with this table, just now; it is local.
    Some(unsafe { fill_and_launch(blank, future, hook, eager) })
}

/// Spawns a future that stays on this thread, on the core that it has.
pub(crate) fn spawn_local_on<F, H>(
    core: &Core,
    future: F,
    hook: H,
    options: Options,
) -> Task<H::Value>
where
    F: Future + 'static,
    H: Hook<F::Output>,
{
    let eager = options.eager;
    let blank = Blank::here(core, Cell::<F, H>::VTABLE, options, Kind::Local);
    // SAFETY: made with this table, just now; it is local.
    unsafe { fill_and_launch(blank, future, hook, eager) }
}

/// # Safety
///
/// `blank` was made just now, with the table of this type of cells. The future may be polled, and the output used,
/// where the kind of the task allows.
#[inline]
unsafe fn fill_and_launch<F, H>(blank: Blank, future: F, hook: H, eager: bool) -> Task<H::Value>
where
    F: Future + 'static,
    H: Hook<F::Output>,
{
    // SAFETY: the caller's promise; the handle's reference is for the handle.
    unsafe {
        Cell::fill(blank.task, future, hook);
        blank.launch(eager);
        Task::new(blank.task)
    }
}

/// The runtime is shutting down: the future is dropped, and the task is cancelled before it ran.
///
/// # Safety
///
/// The task is fresh: its list's and its handle's references are the caller's, and the former is given up here.
#[cold]
unsafe fn refuse(task: NonNull<Header>) {
    // SAFETY: no thread polls the task: it is in the state of one that is queued (a bound one: posted), so that nobody
    // queues it, and on no queue (T4).
    unsafe {
        end::fail(task, Failure::Cancelled);
        publish(task);
        release(task);
    }
}

/// Makes the header of a main future, which lives elsewhere: an identity, a place for cleanups and
/// variables, a waker. The caller owns its one reference.
pub(crate) fn main_header(home: &CoreRef, id: u64, site: Site) -> NonNull<Header> {
    let vtable = Cell::<Pending<()>, Plain>::VTABLE;
    let task = header_at(home, id, site, None, State::new_main(), 1, vtable);
    // SAFETY: made just now, with this table.
    unsafe { Cell::fill(task, pending::<()>(), Plain) };
    task
}
