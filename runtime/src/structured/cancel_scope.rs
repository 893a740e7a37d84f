//! A part of a task that can be cut off: by a deadline, or from elsewhere.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_sync::hooks::{self, Site};
use pin_project_lite::pin_project;

use super::cancel_node::{Look, Node};
use crate::cleanup::{CleanupWait, GivenUp, SinkGuard};
use crate::task::intercept::{Place, effective_deadline};
use crate::time::{Instant, Sleep};

/// A part of a task that can be cut off, by a deadline or from elsewhere, while the task goes on.
/// trio's `CancelScope`.
///
/// [`run`](Self::run) gives `None` if the scope has cut its future off; the future's cleanups have run
/// by then. What is ready in the moment in which the time is up counts. Of nested scopes that are due
/// at once the outermost cuts.
///
/// A scope with a [`shield`](Self::shield) holds up requests to cancel the task, and the cuts of scopes
/// around it, until it has ended or the shield is lifted. It cannot hold up what drops the future
/// without asking, such as [`timeout`](crate::time::timeout), a lost `select!`, or a group that fails;
/// for those, run the work as a task of its own ([`shield`](super::shield)).
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::CancelScope;
/// use corio_runtime::time::{Instant, sleep};
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let deadline = Instant::now() + Duration::from_millis(2);
/// let late = CancelScope::new().deadline(deadline).run(sleep(Duration::from_secs(600))).await;
/// assert_eq!(late, None);
///
/// let scope = CancelScope::new();
/// let handle = scope.handle();
/// let cut = scope.run(async {
///     handle.cancel();
///     sleep(Duration::from_secs(600)).await;
/// });
/// assert_eq!(cut.await, None);
/// # });
/// ```
#[doc(alias("timeout", "move_on_after", "fail_after"))]
#[must_use = "a scope does nothing unless something is run in it"]
pub struct CancelScope {
    node: Arc<Node>,
    cleanup_limit: Option<Duration>,
}

impl CancelScope {
    /// A scope without a deadline.
    #[expect(clippy::new_without_default, reason = "a scope is made to be changed, not by default")]
    pub fn new() -> Self {
        Self::of(Node::new())
    }

    pub(super) fn of(node: Arc<Node>) -> Self {
        Self { node, cleanup_limit: None }
    }

    /// Cuts what runs in the scope off at `deadline`; one in the past lets it be polled once.
    pub fn deadline(self, deadline: Instant) -> Self {
        self.node.set_deadline(Some(deadline));
        self
    }

    /// Holds up cancel requests from outside while something runs in the scope.
    pub fn shield(self, on: bool) -> Self {
        self.node.set_shielded(on);
        self
    }

    /// Gives the cleanups of what the scope cuts off so much time; those that have not ended by then
    /// are dropped, and a line on stderr says how many. Without a limit they take as long as they take.
    ///
    /// That goes for the cleanups of tasks that the future waited for and that end with it. What cannot be
    /// dropped is waited for all the same, since nothing outlives the scope: a blocking call that has
    /// started, and whoever never comes back from a poll.
    pub fn cleanup_limit(mut self, limit: Duration) -> Self {
        self.cleanup_limit = Some(limit);
        self
    }

    /// What cancels the scope, or moves its deadline, from elsewhere.
    pub fn handle(&self) -> ScopeHandle {
        ScopeHandle { node: self.node.clone() }
    }

    /// Whether the scope was cancelled, or has cut something off at its deadline.
    #[doc(alias("cancel_called", "cancelled_caught", "expired"))]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// A scope that is cancelled when this one is, wherever it runs.
    pub fn child(&self) -> Self {
        Self { node: self.node.child(), cleanup_limit: self.cleanup_limit }
    }

    /// Runs `future` in the scope; `None` if the scope has cut it off.
    ///
    /// In a scope that is cancelled already, the future is dropped without being polled.
    ///
    /// # Cancel safety
    ///
    /// As safe as `future`, which the scope itself may drop.
    ///
    /// # Panics
    ///
    /// When it has to wait for a deadline and the thread is in no runtime.
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> RunScope<F> {
        RunScope {
            inner: Some(future),
            place: Place::of_scope(self.node.clone()),
            runner: Runner::new(self.node.clone()),
            alarm: None,
            caught: CleanupWait::nothing(),
            cleanup_limit: self.cleanup_limit,
            given_up: None,
            site: Site::caller(),
        }
    }
}

/// The moment at which what runs here is cut off: the earliest deadline of the scopes around it, as far
/// as no shield keeps it out. `None` if there is none; a moment that is past if a scope around it, or the
/// task, is cancelled already.
///
/// It knows [`CancelScope`] and [`timeout_scope`](super::timeout_scope), not
/// [`timeout`](crate::time::timeout) and its kin, which keep no account of what they wrap.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::{CancelScope, current_deadline};
/// use corio_runtime::time::Instant;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let deadline = Instant::now() + Duration::from_secs(5);
/// let ours = CancelScope::new().deadline(deadline).run(async { current_deadline() }).await;
/// assert_eq!((ours, current_deadline()), (Some(Some(deadline)), None));
/// # });
/// ```
#[doc(alias = "current_effective_deadline")]
pub fn current_deadline() -> Option<Instant> {
    effective_deadline()
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelScope").field(&self.node).finish()
    }
}

/// Cancels a [`CancelScope`], or moves its deadline, from any task or thread.
#[derive(Clone)]
pub struct ScopeHandle {
    pub(super) node: Arc<Node>,
}

impl ScopeHandle {
    /// Cuts off what runs in the scope, now and later, and in the scopes made by
    /// [`child`](CancelScope::child).
    pub fn cancel(&self) {
        self.node.cancel();
    }

    /// Whether the scope was cancelled, or has cut something off at its deadline.
    #[doc(alias("cancel_called", "expired"))]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// The scope's deadline.
    #[doc(alias = "when")]
    pub fn deadline(&self) -> Option<Instant> {
        self.node.deadline()
    }

    /// Gives the scope another deadline, or none. It has no effect on what was cut off already.
    pub fn reschedule(&self, deadline: impl Into<Option<Instant>>) {
        self.node.set_deadline(deadline.into());
    }

    /// Puts up the scope's shield, or lifts it; a request that was held up takes effect at once.
    pub fn set_shield(&self, on: bool) {
        self.node.set_shielded(on);
    }
}

impl fmt::Debug for ScopeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopeHandle").field(&self.node).finish()
    }
}

/// What a run knows of its node, and its place there, which goes with it.
struct Runner {
    node: Arc<Node>,
    /// Its place for a waker; `None` before the first poll and after the end.
    place: Option<usize>,
    /// The waker there, by its identity: it is alive as long as nothing has changed.
    waker: (usize, usize),
    /// What there was to see when the waker was put there.
    seen: Look,
    deadline: Option<Instant>,
}

impl Runner {
    fn new(node: Arc<Node>) -> Self {
        let seen = node.look();
        Self { node, place: None, waker: (0, 0), seen, deadline: None }
    }

    /// Sees to it that `waker` is told of changes, and looks at the node.
    #[inline]
    fn look(&mut self, waker: &Waker) -> Look {
        let identity = (waker.data().addr(), ptr::from_ref(waker.vtable()).addr());
        if self.place.is_none() || self.waker != identity || self.seen != self.node.look() {
            let place = *self.place.get_or_insert_with(|| self.node.enter());
            (self.seen, self.deadline) = self.node.note(place, waker);
            self.waker = identity;
        }
        self.seen
    }

    /// The run is over.
    fn leave(&mut self) {
        if let Some(place) = self.place.take() {
            self.node.leave(place);
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.leave();
    }
}

pin_project! {
    /// The future of [`CancelScope::run`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct RunScope<F> {
        // `None` once it is done or was cut off.
        #[pin]
        inner: Option<F>,
        place: Place,
        runner: Runner,
        // The scope's deadline, then that of the cleanups.
        alarm: Option<Sleep>,
        caught: CleanupWait,
        cleanup_limit: Option<Duration>,
        // The time of the cleanups is over.
        given_up: Option<Arc<GivenUp>>,
        site: Site,
    }
}

/// Whether `deadline` has come; if not, the task is woken then.
fn poll_alarm(
    alarm: &mut Option<Sleep>,
    deadline: Option<Instant>,
    site: Site,
    cx: &mut Context<'_>,
) -> bool {
    let Some(deadline) = deadline else {
        *alarm = None;
        return false;
    };
    let sleep = alarm.get_or_insert_with(|| Sleep::at(deadline, site));
    if sleep.deadline() != deadline {
        sleep.reset(deadline);
    }
    sleep.poll_deadline(cx).is_ready()
}

impl<F: Future> Future for RunScope<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            let now = this.runner.look(cx.waker());
            if !now.is_cancelled() || this.place.is_held_up() {
                let shields = now.is_shielded();
                let was_spent = hooks::budget_is_spent();
                let polled = this.place.poll(cx.waker(), shields, || inner.poll(cx));
                if let Poll::Ready(output) = polled {
                    this.place.leave();
                    this.runner.leave();
                    this.inner.set(None);
                    return Poll::Ready(Some(output));
                }
                // The body may have changed something itself.
                let now = this.runner.look(cx.waker());
                let expired = poll_alarm(this.alarm, this.runner.deadline, *this.site, cx);
                if !expired && !now.is_cancelled() {
                    return Poll::Pending;
                }
                if this.place.is_held_up() || this.place.ends_with_outer(Instant::now()) {
                    return Poll::Pending;
                }
                if was_spent && !now.is_cancelled() {
                    // The future was not really asked: it is, with a new budget, before it is cut off.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            this.runner.node.cancel();
            let sink = SinkGuard::enter();
            this.inner.set(None);
            sink.finish_into(this.caught);
            // In this order: the end of a shield wakes the run, for a request that may have waited.
            this.place.leave();
            this.runner.leave();
            *this.alarm = None;
        }
        if Pin::new(&mut *this.caught).poll(cx).is_ready() {
            // It was the last to know: what there is to say is said before this returns.
            *this.given_up = None;
            return Poll::Ready(None);
        }
        if this.given_up.is_some() {
            return Poll::Pending;
        }
        let Some(limit) = *this.cleanup_limit else { return Poll::Pending };
        let until = this.alarm.as_ref().map_or_else(|| Instant::now() + limit, Sleep::deadline);
        if poll_alarm(this.alarm, Some(until), *this.site, cx) {
            // Whoever has a cleanup is woken, and drops it; the end of the last wakes this.
            let why = this.given_up.insert(GivenUp::new(*this.site, limit));
            this.caught.give_up(why);
        }
        Poll::Pending
    }
}

impl<F> fmt::Debug for RunScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunScope")
            .field("running", &self.inner.is_some())
            .field("scope", &self.runner.node)
            .finish_non_exhaustive()
    }
}
