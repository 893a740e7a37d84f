//! What stands between a cancel request and the future of a task.
//!
//! A request drops the task's main future, unless a part of that future is in a frame that says
//! otherwise: `catch_cancel` takes the request for itself, a shielded scope holds it up. Frames nest
//! as the futures do that own them, and know the frame around them; scopes that neither catch nor
//! shield have one, too, because a shield inside holds up their own cancellation, and because of
//! nested deadlines the outermost counts.
//!
//! Only frames that catch or shield are listed with the task ([`Frames`]); the harness looks at the
//! list when there is a request, and at no other time.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::Waker;

use corio_sync::prim::{AtomicBool, AtomicU32, Ordering, SpinLock};

use super::header::{Header, drop_quietly};
use super::reason::CancelReason;
use crate::executor::context::current_header;
use crate::structured::cancel_node::Node;
use crate::time::Instant;
use crate::wake::wake;

/// A part of a task's main future that has to do with cancelling.
pub(crate) struct Frame {
    /// The frame around this one.
    parent: Option<Arc<Frame>>,
    /// The task's id; 0 outside a task, and in a cleanup, which no request reaches.
    task: u64,
    /// The scope that this is a run of; `None` for a frame that catches.
    scope: Option<Arc<Node>>,
    /// The owner has not ended. Written, as the next three, by the thread that polls the task (or
    /// drops the owner elsewhere, when the task's list is not looked at for this frame any more).
    live: AtomicBool,
    /// It holds requests up.
    shielding: AtomicBool,
    /// Frames further in that hold requests up, and that catch them.
    shields_inside: AtomicU32,
    catches_inside: AtomicU32,
    /// A request was given to this frame, with this reason.
    delivered: AtomicBool,
    reason: SpinLock<Option<Arc<CancelReason>>>,
    /// The waker of the last poll of an owner that catches, while it is live. A scope's is with its
    /// node.
    waker: SpinLock<Option<Waker>>,
}

impl Frame {
    fn catches(&self) -> bool {
        self.scope.is_none()
    }

    fn is_live(&self) -> bool {
        // Ordering: Acquire, so that a frame that is seen dead is seen without its waker.
        self.live.load(Ordering::Acquire)
    }

    fn is_shielding(&self) -> bool {
        // Ordering: Relaxed, written by the thread that polls the task, as for all flags here.
        self.is_live() && self.shielding.load(Ordering::Relaxed)
    }

    /// Has the owner polled.
    fn wake(&self) {
        if let Some(scope) = &self.scope {
            return scope.poke();
        }
        // Taken, not cloned: the poll that follows notes it again.
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    fn ancestors(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.parent.as_deref(), |frame| frame.parent.as_deref())
    }

    /// Begins or ends to hold requests up.
    fn set_shielding(self: &Arc<Self>, on: bool) {
        // Ordering: Relaxed throughout, see `is_shielding`.
        if self.shielding.load(Ordering::Relaxed) == on {
            return;
        }
        self.shielding.store(on, Ordering::Relaxed);
        for frame in self.ancestors() {
            if on {
                frame.shields_inside.fetch_add(1, Ordering::Relaxed);
            } else if frame.shields_inside.fetch_sub(1, Ordering::Relaxed) == 1 {
                // A scope that was held up looks again.
                frame.wake();
            }
        }
        if on {
            self.list();
        } else {
            // So does the task: a request may have waited.
            self.wake();
        }
    }

    /// Puts the frame on its task's list.
    fn list(self: &Arc<Self>) {
        if let Some(task) = current_header().filter(|task| task.head.id == self.task) {
            // SAFETY: this thread polls the current task, and the closure only moves frames.
            let dead = unsafe {
                task.extras_or_new().with_frames(|frames| {
                    let dead = take_dead(frames);
                    if !frames.iter().any(|frame| Arc::ptr_eq(frame, self)) {
                        frames.push(self.clone());
                    }
                    dead
                })
            };
            drop_quietly(dead);
        }
    }

    /// The owner has ended.
    fn retire(self: &Arc<Self>) {
        self.set_shielding(false);
        if self.catches() {
            for frame in self.ancestors() {
                // Ordering: Relaxed, see `is_shielding`.
                frame.catches_inside.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let waker = self.waker.lock().take();
        // Ordering: Release, pairs with `is_live`.
        self.live.store(false, Ordering::Release);
        drop(waker);
    }
}

/// The frames of a task that catch or shield.
pub(crate) type Frames = Vec<Arc<Frame>>;

/// Takes those out whose owners have ended. The caller drops them away from the list: with the last of
/// a scope goes what foreign code has left there.
fn take_dead(frames: &mut Frames) -> Frames {
    if frames.iter().all(|frame| frame.is_live()) {
        return Frames::new();
    }
    let (live, dead) = std::mem::take(frames).into_iter().partition(|frame| frame.is_live());
    *frames = live;
    dead
}

thread_local! {
    /// The frame whose owner this thread polls.
    static CURRENT: RefCell<Option<Arc<Frame>>> = const { RefCell::new(None) };
    /// This thread polls cleanups.
    static CLEANING: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, what is polled are cleanups, which no request reaches.
pub(crate) struct Cleaning(bool);

impl Cleaning {
    pub(crate) fn enter() -> Self {
        Self(CLEANING.replace(true))
    }
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        CLEANING.set(self.0);
    }
}

/// While it lives, what is polled is another task: the frames around it are not that one's.
pub(crate) struct OtherTask {
    frame: Option<Arc<Frame>>,
    cleaning: bool,
}

impl OtherTask {
    pub(crate) fn enter() -> Self {
        Self { frame: CURRENT.take(), cleaning: CLEANING.replace(false) }
    }
}

impl Drop for OtherTask {
    fn drop(&mut self) {
        CURRENT.set(self.frame.take());
        CLEANING.set(self.cleaning);
    }
}

/// Where a future that has to do with cancelling stands: its frame, made when it is first polled.
pub(crate) struct Place {
    scope: Option<Arc<Node>>,
    frame: Option<Arc<Frame>>,
}

impl Place {
    /// The place of a future that catches requests.
    pub(crate) fn catching() -> Self {
        Self { scope: None, frame: None }
    }

    /// The place of a scope that runs.
    pub(crate) fn of_scope(scope: Arc<Node>) -> Self {
        Self { scope: Some(scope), frame: None }
    }

    /// Makes the frame, if there is none or the future has moved to another task since its last poll;
    /// notes the waker of one that catches, and whether it shields.
    fn update(&mut self, waker: &Waker, shields: bool) {
        let task = if CLEANING.get() { 0 } else { current_header().map_or(0, |t| t.head.id) };
        if self.frame.as_ref().is_some_and(|frame| frame.task != task) {
            self.leave();
        }
        let scope = &self.scope;
        let frame = self.frame.get_or_insert_with(|| {
            let frame = Arc::new(Frame {
                parent: CURRENT.with_borrow(Clone::clone),
                task,
                scope: scope.clone(),
                live: AtomicBool::new(true),
                shielding: AtomicBool::new(false),
                shields_inside: AtomicU32::new(0),
                catches_inside: AtomicU32::new(0),
                delivered: AtomicBool::new(false),
                reason: SpinLock::new(None),
                waker: SpinLock::new(None),
            });
            if frame.catches() {
                for outer in frame.ancestors() {
                    // Ordering: Relaxed, see `is_shielding`.
                    outer.catches_inside.fetch_add(1, Ordering::Relaxed);
                }
                frame.list();
            }
            frame
        });
        if frame.catches() {
            let known = frame.waker.lock().as_ref().is_some_and(|w| w.will_wake(waker));
            if !known {
                let waker = waker.clone();
                let old = frame.waker.lock().replace(waker);
                drop(old);
            }
        }
        frame.set_shielding(shields);
    }

    /// Polls what is inside the frame, which holds requests up if it `shields`.
    pub(crate) fn poll<R>(&mut self, waker: &Waker, shields: bool, poll: impl FnOnce() -> R) -> R {
        /// The frame that is the current one in the place of the outer one; they go back to where
        /// they came from also when the poll unwinds.
        struct Entered<'a> {
            outer: Option<Arc<Frame>>,
            place: &'a mut Option<Arc<Frame>>,
        }
        impl Drop for Entered<'_> {
            fn drop(&mut self) {
                *self.place = CURRENT.replace(self.outer.take());
            }
        }
        self.update(waker, shields);
        let place = &mut self.frame;
        let _entered = Entered { outer: CURRENT.replace(place.take()), place };
        poll()
    }

    /// Whether a request was given to this frame.
    pub(crate) fn is_delivered(&self) -> bool {
        // Ordering: Relaxed, see `is_shielding`.
        self.frame.as_ref().is_some_and(|frame| frame.delivered.load(Ordering::Relaxed))
    }

    /// The reason of the request that was given to this frame.
    pub(crate) fn take_reason(&self) -> Option<Arc<CancelReason>> {
        self.frame.as_ref()?.reason.lock().take()
    }

    /// Whether a shield further in keeps this scope from being cut.
    pub(crate) fn is_held_up(&self) -> bool {
        // Ordering: Relaxed, see `is_shielding`.
        self.frame.as_ref().is_some_and(|f| f.shields_inside.load(Ordering::Relaxed) > 0)
    }

    /// Whether a scope around this one is about to be cut in this very poll, and with it this one.
    pub(crate) fn ends_with_outer(&self, now: Instant) -> bool {
        let Some(mut frame) = self.frame.as_deref() else { return false };
        // What is beyond a shield does not reach in here.
        while !frame.is_shielding() {
            let Some(outer) = frame.parent.as_deref() else { return false };
            frame = outer;
            // Ordering: Relaxed, see `is_shielding`.
            let held_up = frame.shields_inside.load(Ordering::Relaxed) > 0;
            if !held_up && frame.scope.as_ref().is_some_and(|scope| scope.is_due(now)) {
                return true;
            }
        }
        false
    }

    /// The future has ended.
    pub(crate) fn leave(&mut self) {
        if let Some(frame) = self.frame.take() {
            frame.retire();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The earliest moment at which a scope around what this thread polls cuts it off, as far as no shield
/// keeps it from that: `None` for never, a moment that is past if that is due already.
pub(crate) fn effective_deadline() -> Option<Instant> {
    let mut earliest: Option<Instant> = None;
    let now = Instant::now();
    let innermost = CURRENT.with_borrow(Clone::clone);
    let mut frame = innermost.as_deref();
    while let Some(here) = frame {
        if let Some(scope) = &here.scope {
            let look = scope.look();
            if look.is_cancelled() {
                return Some(now);
            }
            let deadline = scope.deadline();
            earliest = [earliest, deadline].into_iter().flatten().min();
            // As the scope has it now; the frame learns of it when it is next polled.
            if look.is_shielded() {
                return earliest;
            }
        }
        frame = here.parent.as_deref();
    }
    let asked = !CLEANING.get() && current_header().is_some_and(|task| task.state.is_cancelled());
    if asked { Some(now) } else { earliest }
}

/// There is a cancel request: tells whether the main future is to be dropped for it. If not, a part
/// of it has taken the request, or holds it up, and the future is to be polled.
///
/// With `for_good` nobody takes requests: the runtime is ending.
///
/// # Safety
///
/// The caller polls the task.
pub(crate) unsafe fn drops_main(task: &Header, for_good: bool) -> bool {
    let Some(extras) = task.extras() else { return true };
    // SAFETY: the caller polls the task, and the closure only moves and counts frames.
    let (frames, dead) = unsafe {
        extras.with_frames(|frames| {
            let dead = take_dead(frames);
            (frames.clone(), dead)
        })
    };
    drop_quietly(dead);
    if frames.iter().any(|frame| frame.is_shielding()) {
        return false;
    }
    // Ordering: Relaxed, see `is_shielding`.
    let innermost = |f: &&Arc<Frame>| f.catches() && f.catches_inside.load(Ordering::Relaxed) == 0;
    let mut catching = frames.iter().filter(innermost).peekable();
    if for_good || catching.peek().is_none() {
        return true;
    }
    // In this order, so that the next request finds its place empty.
    let reason = extras.take_reason();
    task.state.absorb_cancel();
    for frame in catching {
        let old = std::mem::replace(&mut *frame.reason.lock(), reason.clone());
        drop(old);
        // Ordering: Relaxed, see `is_shielding`.
        frame.delivered.store(true, Ordering::Relaxed);
        // Whatever is between the task and the frame may poll only what is woken.
        frame.wake();
    }
    false
}
