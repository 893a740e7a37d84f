//! The task that a thread polls, as far as primitives know of it.
//!
//! The invariants of the file:
//! - **H1** While `TLS.task` is not null it points at a head that lives at least as long as the
//!   pointer stays there; the runtime puts the old pointer back after each poll. Whoever calls
//!   `Tls::set_task` answers for it.
//! - **H3** `TLS` is a constant at first and has no destructor: where it is found once on a thread, it is until the
//!   thread ends.

use std::cell::Cell;
use std::panic::Location;

use super::kind::WaitKind;
use super::site::{SITE_BITS, SITE_MASK, Site};
use crate::prim::Ordering;
use crate::prim::statics::AtomicU32;

/// The part of a task that primitives may write to; the first field of the runtime's task header.
#[derive(Debug)]
#[repr(C)]
pub struct TaskHead {
    /// The task's id; never reused within a process.
    pub id: u64,
    /// Where the task was spawned.
    spawn_site: Site,
    /// The low half of the parent's id, 0 for none.
    pub parent: u32,
    /// Where it waits and for what: site in the low 27 bits, [`WaitKind`] above. Written by the
    /// thread that polls the task, read by introspection.
    wait: AtomicU32,
    /// The low half of the id of the task it waits for (a lock's holder, a task awaited), or 0.
    wait_who: AtomicU32,
}

impl TaskHead {
    /// The head of a new task.
    pub fn new(id: u64, spawn_site: Site, parent: u64) -> Self {
        Self {
            id,
            spawn_site,
            parent: parent as u32,
            wait: AtomicU32::new(0),
            wait_who: AtomicU32::new(0),
        }
    }

    /// What the task waits for at the moment: kind, place, and the low half of a task's id (or 0).
    pub fn wait(&self) -> Option<(WaitKind, &'static Location<'static>, u32)> {
        // Ordering: Relaxed, a snapshot for people; the two words may be of different waits.
        let word = self.wait.load(Ordering::Relaxed);
        let who = self.wait_who.load(Ordering::Relaxed);
        // SAFETY: `set_wait` is the only writer, and it stores `Site` words (H2 of `site`).
        let location = unsafe { Site::locate(word & SITE_MASK) }?;
        Some((WaitKind::from_bits(word >> SITE_BITS), location, who))
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawn_site.location()
    }

    /// The word for that place, which costs no lookup.
    #[inline]
    pub fn spawn_site(&self) -> Site {
        self.spawn_site
    }

    /// Forgets the wait: the task runs.
    #[inline]
    pub fn clear_wait(&self) {
        // Ordering: Relaxed, see `wait`.
        self.wait.store(0, Ordering::Relaxed);
    }
}

/// What a runtime keeps on each thread, in one place so that one lookup finds it.
#[derive(Debug)]
pub struct Tls {
    /// The task that this thread polls, or null (H1).
    task: Cell<*const TaskHead>,
    /// The runtime's own context of this thread, or null.
    core: Cell<*const ()>,
    /// Operations that leaves may still complete in this poll, in the low half: 0 is "no limit", 1 is "none
    /// left". Then the high half counts the wakers of others that were refused since.
    pub budget: Cell<u32>,
    /// How many sinks for cleanup tickets are open.
    pub sink_depth: Cell<u32>,
    /// How many tickets the open sinks have caught.
    pub caught: Cell<u32>,
}

impl Tls {
    /// The task that this thread polls, or null.
    #[inline]
    pub fn task(&self) -> *const TaskHead {
        self.task.get()
    }

    /// Makes `task` the task that this thread polls; gives the one before it.
    ///
    /// # Safety
    ///
    /// It is null, or points at a head that lives until another pointer takes its place (H1), and that
    /// is what the runtime of this thread takes it for, if it has one: the start of its task header.
    #[inline]
    pub unsafe fn set_task(&self, task: *const TaskHead) -> *const TaskHead {
        self.task.replace(task)
    }

    /// The runtime's own context of this thread, or null.
    #[inline]
    pub fn core(&self) -> *const () {
        self.core.get()
    }

    /// Changes the runtime's context of this thread.
    ///
    /// # Safety
    ///
    /// It is null, or what the runtime takes it for, until another pointer takes its place.
    #[inline]
    pub unsafe fn set_core(&self, core: *const ()) {
        self.core.set(core);
    }
}

thread_local! {
    static TLS: Tls = const {
        Tls {
            task: Cell::new(std::ptr::null()),
            core: Cell::new(std::ptr::null()),
            budget: Cell::new(0),
            sink_depth: Cell::new(0),
            caught: Cell::new(0),
        }
    };
}

/// Calls `f` with this thread's [`Tls`]. It has no destructor, so it is there until the thread ends.
#[inline(always)]
pub fn with_tls<R>(f: impl FnOnce(&Tls) -> R) -> R {
    // The lookup has nothing of `f` in it: so there is one for all, which is small enough to be inlined.
    let tls = TLS.with(std::ptr::from_ref);
    // SAFETY: this thread's, and `f` returns before that ends (H3).
    f(unsafe { &*tls })
}

/// Says that the current task is about to return `Pending`, waiting at `site` for a `kind`.
#[inline]
pub fn set_wait(site: Site, kind: WaitKind) {
    set_wait_on(site, kind, 0);
}

/// Like [`set_wait`], naming the task waited for (a lock's holder, the task awaited).
#[inline]
pub fn set_wait_on(site: Site, kind: WaitKind, who: u64) {
    with_tls(|tls| {
        let task = tls.task.get();
        if !task.is_null() {
            // SAFETY: not null, so it points at a live head (H1).
            let head = unsafe { &*task };
            // Ordering: Relaxed, introspection reads a snapshot.
            head.wait.store(site.to_bits() | ((kind as u32) << SITE_BITS), Ordering::Relaxed);
            head.wait_who.store(who as u32, Ordering::Relaxed);
        }
    });
}

/// Says that the current task is about to return `Pending`, waiting for several futures of which none that it
/// waits for has been polled just now: if nothing has said otherwise in this poll. The place is that of its spawn.
#[inline]
pub fn set_wait_for_several() {
    with_tls(|tls| {
        let task = tls.task.get();
        if !task.is_null() {
            // SAFETY: not null, so it points at a live head (H1).
            let head = unsafe { &*task };
            // Ordering: Relaxed, this thread alone writes it, see `set_wait_on`.
            if head.wait.load(Ordering::Relaxed) == 0 {
                set_wait(head.spawn_site, WaitKind::Several);
            }
        }
    });
}

/// The id of the task that this thread polls, or 0.
#[inline]
pub fn current_task_id() -> u64 {
    with_tls(|tls| {
        let task = tls.task.get();
        // SAFETY: not null, so it points at a live head (H1).
        if task.is_null() { 0 } else { unsafe { (*task).id } }
    })
}

/// Panics, with the caller's place, when a blocking call is made where a task is being polled.
#[track_caller]
pub fn forbid_blocking(what: &str) {
    if !with_tls(|tls| tls.task.get()).is_null() {
        panic!(
            "`{what}` would block the thread that runs this task (and every other task on it): \
             use the async form and `.await` it, or call it from `spawn_blocking`"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_wait_writes_to_the_current_task_only() {
        let head = TaskHead::new(7, Site::caller(), 0);
        set_wait(Site::caller(), WaitKind::Mutex);
        assert!(head.wait().is_none());
        // SAFETY: the head lives to the end of the test (H1), and there is no runtime.
        with_tls(|tls| unsafe { tls.set_task(&head) });
        set_wait_on(Site::caller(), WaitKind::Mutex, 9);
        // SAFETY: null.
        with_tls(|tls| unsafe { tls.set_task(std::ptr::null()) });
        let (kind, at, who) = head.wait().unwrap();
        assert_eq!((kind, at.line(), who), (WaitKind::Mutex, line!() - 4, 9));
    }
}
