//! What a primitive tells the runtime that drives it, without knowing which one it is.
//!
//! A thread that polls a task points [`Tls::task`] at the task's [`TaskHead`]. A leaf future that returns
//! `Pending` leaves one word there: where in the source it waits, and for what. Under another
//! executor the pointer is null and nothing happens.
//!
//! The invariants of the file:
//! - **H1** While `TLS.task` is not null it points at a head that lives at least as long as the
//!   pointer stays there; the runtime puts the old pointer back after each poll. Whoever calls
//!   `Tls::set_task` answers for it.
//! - **H2** A [`Site`] word is made only from a `&'static Location`, by `Site::new`.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::task::{Context, Poll};

use crate::prim::statics::{AtomicU32, OnceLock};
use crate::prim::{Mutex, Ordering};

/// What a pending leaf waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the name of the thing waited for")]
pub enum WaitKind {
    None = 0,
    Sleep,
    Mutex,
    RwLock,
    Semaphore,
    Condvar,
    Event,
    Notify,
    Barrier,
    OnceCell,
    Channel,
    Oneshot,
    Broadcast,
    Watch,
    Queue,
    Promise,
    Task,
    Group,
    Read,
    Write,
    Accept,
    Connect,
    Readiness,
    Blocking,
    Signal,
    Process,
    Cleanup,
    Yield,
    Other,
    Several,
}

const KINDS: [(WaitKind, &str); 30] = [
    (WaitKind::None, "none"),
    (WaitKind::Sleep, "sleep"),
    (WaitKind::Mutex, "mutex"),
    (WaitKind::RwLock, "rwlock"),
    (WaitKind::Semaphore, "semaphore"),
    (WaitKind::Condvar, "condvar"),
    (WaitKind::Event, "event"),
    (WaitKind::Notify, "notify"),
    (WaitKind::Barrier, "barrier"),
    (WaitKind::OnceCell, "once_cell"),
    (WaitKind::Channel, "channel"),
    (WaitKind::Oneshot, "oneshot"),
    (WaitKind::Broadcast, "broadcast"),
    (WaitKind::Watch, "watch"),
    (WaitKind::Queue, "queue"),
    (WaitKind::Promise, "promise"),
    (WaitKind::Task, "task"),
    (WaitKind::Group, "group"),
    (WaitKind::Read, "read"),
    (WaitKind::Write, "write"),
    (WaitKind::Accept, "accept"),
    (WaitKind::Connect, "connect"),
    (WaitKind::Readiness, "readiness"),
    (WaitKind::Blocking, "blocking"),
    (WaitKind::Signal, "signal"),
    (WaitKind::Process, "process"),
    (WaitKind::Cleanup, "cleanup"),
    (WaitKind::Yield, "yield"),
    (WaitKind::Other, "other"),
    (WaitKind::Several, "several futures"),
];

impl WaitKind {
    /// The word that introspection shows.
    pub fn as_str(self) -> &'static str {
        KINDS[self as usize].1
    }

    fn from_bits(bits: u32) -> Self {
        KINDS.get(bits as usize).map_or(Self::Other, |k| k.0)
    }
}

/// A place in the source, in one 27-bit word: no lookup to make it, none to store it.
///
/// A `Location` lies in the program's read-only data, so its distance from another one, in units of
/// its alignment, fits 26 bits. One that is farther away (a library loaded at run time) goes through
/// a table, and bit 26 says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Site(u32);

const SITE_BITS: u32 = 27;
const SITE_MASK: u32 = (1 << SITE_BITS) - 1;
const TABLED: u32 = 1 << 26;
const OFFSET_MASK: u32 = TABLED - 1;
const UNIT: usize = align_of::<Location<'static>>();

/// Locations out of reach of an offset. Written once for each call site in such a library.
static TABLE: OnceLock<Mutex<Vec<&'static Location<'static>>>> = OnceLock::new();

/// Where offsets are counted from. A static, because it has one address in the whole program, which
/// a constant that is inlined into several crates has not.
static BASE: Base = Base(0);

#[repr(align(8))]
struct Base(#[expect(dead_code, reason = "only the address counts")] u8);

#[inline]
fn base() -> usize {
    const { assert!(align_of::<Base>() % UNIT == 0) };
    (&raw const BASE).addr()
}

impl Site {
    /// The place of the caller.
    #[track_caller]
    #[inline]
    pub fn caller() -> Self {
        Self::new(Location::caller())
    }

    /// The place `location`.
    #[inline]
    pub fn new(location: &'static Location<'static>) -> Self {
        let address = std::ptr::from_ref(location).expose_provenance();
        let half = (OFFSET_MASK as usize).div_ceil(2) * UNIT;
        let offset = address.wrapping_sub(base()).wrapping_add(half) / UNIT;
        // Zero is kept for "nowhere".
        if offset != 0 && offset <= OFFSET_MASK as usize {
            return Self(offset as u32);
        }
        Self::tabled(location)
    }

    #[cold]
    fn tabled(location: &'static Location<'static>) -> Self {
        let mut table = TABLE.get_or_init(|| Mutex::new(Vec::new())).lock();
        let known = table.iter().position(|l| std::ptr::eq(*l, location));
        let index = known.unwrap_or_else(|| {
            table.push(location);
            table.len() - 1
        });
        Self(TABLED | (index as u32 & OFFSET_MASK))
    }

    /// The word itself.
    #[inline]
    pub fn to_bits(self) -> u32 {
        self.0
    }

    /// The location, from a word that [`to_bits`](Self::to_bits) gave.
    ///
    /// # Safety
    ///
    /// `bits` is zero or comes from `to_bits` (H2).
    pub unsafe fn locate(bits: u32) -> Option<&'static Location<'static>> {
        if bits & SITE_MASK == 0 {
            return None;
        }
        if bits & TABLED != 0 {
            return TABLE.get()?.lock().get((bits & OFFSET_MASK) as usize).copied();
        }
        let half = (OFFSET_MASK as usize).div_ceil(2) * UNIT;
        let address =
            ((bits & OFFSET_MASK) as usize * UNIT).wrapping_add(base()).wrapping_sub(half);
        // SAFETY: by H2 the word came from the address of a `&'static Location`, whose provenance
        // `new` exposed; the arithmetic above undoes `new`'s.
        Some(unsafe { &*std::ptr::with_exposed_provenance(address) })
    }

    /// The location of this site.
    pub fn location(self) -> &'static Location<'static> {
        // SAFETY: a `Site` holds only words of `new` (H2).
        unsafe { Self::locate(self.0) }.expect("a site is never nowhere")
    }
}

/// A place in the source that is not a [`Site`] yet.
///
/// A leaf that mostly completes at once keeps this: it is a constant of the call, and becomes a word
/// only when there is a wait to report.
#[derive(Clone, Copy)]
pub struct Caller(&'static Location<'static>);

impl Caller {
    /// The place of the caller.
    #[track_caller]
    #[inline]
    pub fn here() -> Self {
        Self(Location::caller())
    }

    /// The word for it.
    #[inline]
    pub fn site(self) -> Site {
        Site::new(self.0)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.location(), f)
    }
}

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
        // SAFETY: `set_wait` is the only writer, and it stores `Site` words (H2).
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
    TLS.with(f)
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

/// How many operations a task may complete in one poll before the leaves tell it to give way. tokio's figure.
pub const BUDGET: u32 = 128;

/// How often wakers that are not the task's are refused, before the leaves take it that the task has no way
/// to give way.
const REFUSALS: u32 = 1024;

const LEFT: u32 = 0xffff;
const ONE_REFUSAL: u32 = LEFT + 1;

/// Asks whether a leaf may complete another operation in this poll.
///
/// Ready means go on; call [`spend`] when the operation completes. Pending means that the task has
/// completed so many without a pause that others should run first: the waker is already woken, and
/// the leaf returns `Pending` without registering anything.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    if budget_is_spent() {
        return give_way(cx);
    }
    Poll::Ready(())
}

/// The budget is spent: `Pending`, unless that leads nowhere.
///
/// What polls with a waker of its own may be a combinator, which will give way when it has asked its other
/// futures; or the `block_on` of another executor within the task, which would ask for ever, because only
/// the task's return brings a new budget. A combinator does not come a thousand times in one poll of the
/// task, so who does gets another budget.
#[cold]
fn give_way(cx: &mut Context<'_>) -> Poll<()> {
    let granted = with_tls(|tls| {
        // A task's waker holds the address of its header, which begins with the head.
        if std::ptr::eq(cx.waker().data(), tls.task.get().cast()) {
            return false;
        }
        let refused = tls.budget.get() + ONE_REFUSAL;
        let enough = refused / ONE_REFUSAL > REFUSALS;
        tls.budget.set(if enough { BUDGET } else { refused });
        enough
    });
    if granted {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Whether the budget of this poll is spent, so that a leaf that is asked now gives no answer.
#[inline]
pub fn budget_is_spent() -> bool {
    with_tls(|tls| is_spent(tls.budget.get()))
}

/// Whether `budget`, a word of [`Tls::budget`], is spent.
#[inline]
pub fn is_spent(budget: u32) -> bool {
    budget & LEFT == 1
}

/// Takes one operation off the budget.
#[inline]
pub fn spend() {
    with_tls(|tls| {
        let budget = tls.budget.get();
        if budget & LEFT > 1 {
            tls.budget.set(budget - 1);
        }
    });
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
    fn a_site_gives_its_location_back() {
        let here = Location::caller();
        let site = Site::new(here);
        assert!(std::ptr::eq(site.location(), here));
        assert_eq!(Site::caller().location().line(), line!());
    }

    #[test]
    fn a_location_out_of_reach_goes_through_the_table() {
        let far: &'static Location<'static> = Box::leak(Box::new(*Location::caller()));
        let site = Site::new(far);
        assert_eq!(site.location(), far);
        assert_eq!(Site::new(far), site);
        // The heap may lie within reach on some system; the table must work either way.
        let tabled = Site::tabled(far);
        assert_eq!(tabled.location(), far);
    }

    #[test]
    fn every_kind_has_its_own_name() {
        for (i, (kind, name)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, i);
            assert_eq!(WaitKind::from_bits(i as u32).as_str(), *name);
        }
    }

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
