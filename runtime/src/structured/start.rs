//! Starting a child and waiting until it says that it is ready. trio's `nursery.start`.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use corio_sync::hooks::{self, Site, WaitKind};
use corio_sync::prim::SpinLock;

use super::group_error::{PanicPayload, as_error};
use super::members::{Group, IntoOutcome};
use super::waiter::Waiter;
use crate::task::Canceller;
use crate::wake::wake;

/// Why a child that was started did not get ready.
#[non_exhaustive]
pub enum StartError<E> {
    /// It returned this error first.
    Failed(E),
    /// It panicked first.
    Panicked(PanicPayload),
    /// It returned without a word.
    NotReady,
    /// It was cancelled first.
    Cancelled,
}

impl<E> StartError<E> {
    fn fmt_with(
        &self,
        f: &mut fmt::Formatter<'_>,
        error: impl FnOnce(&E, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        match self {
            Self::Failed(e) => {
                f.write_str("the child failed before it was ready: ")?;
                error(e, f)
            }
            Self::Panicked(payload) => write!(f, "the child {payload} before it was ready"),
            Self::NotReady => f.write_str("the child returned without calling `ready.set`"),
            Self::Cancelled => f.write_str("the child was cancelled before it was ready"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for StartError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_with(f, |error, f| error.fmt(f))
    }
}

impl<E: fmt::Debug> fmt::Debug for StartError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_with(f, |error, f| error.fmt(f))
    }
}

/// An error as [`GroupError`](super::GroupError) is one, with the same sources.
impl<E: fmt::Debug + fmt::Display + 'static> std::error::Error for StartError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => as_error(error),
            _ => None,
        }
    }
}

/// What passes between a child that starts and its starter.
struct Handshake<V, E>(SpinLock<Shaking<V, E>>);

struct Shaking<V, E> {
    outcome: Outcome<V, E>,
    starter: Option<Waker>,
}

enum Outcome<V, E> {
    Open,
    Closed(Result<V, StartError<E>>),
    /// The starter has its answer, or has gone.
    Over,
}

impl<V, E> Handshake<V, E> {
    /// Answers the starter; gives the answer back if the starter has one, or is gone.
    fn close(&self, answer: Result<V, StartError<E>>) -> Result<(), Result<V, StartError<E>>> {
        let mut shaking = self.0.lock();
        if !matches!(shaking.outcome, Outcome::Open) {
            return Err(answer);
        }
        shaking.outcome = Outcome::Closed(answer);
        let starter = shaking.starter.take();
        drop(shaking);
        if let Some(starter) = starter {
            wake(starter);
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        matches!(self.0.lock().outcome, Outcome::Open)
    }
}

/// How a child that was started says that it is ready.
#[must_use = "the starter waits until `set` is called"]
pub struct Ready<V> {
    say: Box<dyn FnOnce(V) -> bool + Send>,
    is_wanted: Box<dyn Fn() -> bool + Send + Sync>,
}

impl<V> Ready<V> {
    /// Says that the child is ready, and lets the starter go on with `value`; `false` if the starter
    /// waits no longer.
    #[doc(alias = "started")]
    pub fn set(self, value: V) -> bool {
        (self.say)(value)
    }

    /// Whether the starter still waits.
    pub fn is_wanted(&self) -> bool {
        (self.is_wanted)()
    }
}

impl<V> fmt::Debug for Ready<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("is_wanted", &self.is_wanted()).finish()
    }
}

/// Closes the handshake if the child is dropped before it has ended.
pub(super) struct Child<V, E> {
    shake: Arc<Handshake<V, E>>,
    ended: bool,
}

impl<V, E> Drop for Child<V, E> {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.shake.close(Err(StartError::Cancelled));
        }
    }
}

impl<V, E> Child<V, E> {
    /// Runs the child's future. What goes wrong before it is ready is the starter's with `keep`, else
    /// the group's.
    pub(super) async fn run<F, O>(mut self, future: F, keep: bool) -> Result<(), E>
    where
        F: Future<Output = O>,
        O: IntoOutcome<E>,
    {
        let mut future = pin!(future);
        let polled = std::future::poll_fn(|cx| {
            // A value that nobody wants is dropped here as well: a panic in that is the child's panic,
            // and the starter, who may wait for this answer alone, must hear of it.
            let poll = || future.as_mut().poll(cx).map(|output| output.into_outcome().map(drop));
            match catch_unwind(AssertUnwindSafe(poll)) {
                Ok(polled) => polled.map(Ok),
                Err(payload) => Poll::Ready(Err(payload)),
            }
        });
        let polled = polled.await;
        // From here on nothing waits. A failure that goes to the group must not reach the starter first.
        self.ended = true;
        let answer = match polled {
            Ok(Ok(())) => Err(StartError::NotReady),
            Ok(Err(error)) => Err(StartError::Failed(error)),
            Err(payload) if keep => Err(StartError::Panicked(PanicPayload::new(payload))),
            Err(payload) => resume_unwind(payload),
        };
        let answer = if keep || matches!(answer, Err(StartError::NotReady)) {
            // Ready long since, if the answer comes back.
            match self.shake.close(answer) {
                Ok(()) => return Ok(()),
                Err(answer) => answer,
            }
        } else {
            answer
        };
        match answer {
            Err(StartError::Failed(error)) => Err(error),
            Err(StartError::Panicked(payload)) => resume_unwind(payload.into_inner()),
            _ => Ok(()),
        }
    }
}

/// Makes the ends of a handshake: what the child's body is given, what runs it, the starter's.
pub(super) fn handshake<V, E>() -> (Ready<V>, Child<V, E>, Starter<V, E>)
where
    V: Send + 'static,
    E: Send + 'static,
{
    let shake = Shaking { outcome: Outcome::Open, starter: None };
    let shake = Arc::new(Handshake::<V, E>(SpinLock::new(shake)));
    let (said, asked) = (shake.clone(), shake.clone());
    let ready = Ready {
        say: Box::new(move |value| said.close(Ok(value)).is_ok()),
        is_wanted: Box::new(move || asked.is_open()),
    };
    (ready, Child { shake: shake.clone(), ended: false }, Starter { shake, child: None })
}

/// The starter's end.
pub(super) struct Starter<V, E> {
    shake: Arc<Handshake<V, E>>,
    child: Option<Canceller>,
}

impl<V, E> Starter<V, E> {
    pub(super) fn watch(&mut self, child: Canceller) {
        self.child = Some(child);
    }

    fn poll(&self, cx: &mut Context<'_>, site: Site) -> Poll<Result<V, StartError<E>>> {
        let waker = cx.waker().clone();
        let mut shaking = self.shake.0.lock();
        match std::mem::replace(&mut shaking.outcome, Outcome::Over) {
            Outcome::Closed(answer) => return Poll::Ready(answer),
            Outcome::Open => shaking.outcome = Outcome::Open,
            Outcome::Over => unreachable!("the starter is polled again after it had its answer"),
        }
        let old = shaking.starter.replace(waker);
        drop(shaking);
        drop(old);
        hooks::set_wait(site, WaitKind::Task);
        Poll::Pending
    }
}

impl<V, E> Drop for Starter<V, E> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.shake.0.lock().outcome, Outcome::Over);
        // Given up while the child is not ready: nobody knows of it.
        if let (Outcome::Open, Some(child)) = (&outcome, &self.child) {
            child.cancel();
        }
    }
}

/// The future of [`TaskGroup::try_start`](super::TaskGroup::try_start).
#[must_use = "futures do nothing unless they are awaited"]
pub struct TryStart<V, E> {
    starter: Starter<V, E>,
    site: Site,
}

impl<V, E> TryStart<V, E> {
    #[track_caller]
    pub(super) fn new(starter: Starter<V, E>) -> Self {
        Self { starter, site: Site::caller() }
    }
}

impl<V, E> Future for TryStart<V, E> {
    type Output = Result<V, StartError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.starter.poll(cx, self.site)
    }
}

impl<V, E> fmt::Debug for TryStart<V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryStart").field("site", &self.site).finish_non_exhaustive()
    }
}

/// The future of [`TaskGroup::start`](super::TaskGroup::start).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Start<V, E> {
    starter: Option<Starter<V, E>>,
    waiter: Waiter<E>,
    /// The group has a body, which ends with the group.
    has_body: bool,
    site: Site,
}

impl<V, E> Start<V, E> {
    #[track_caller]
    pub(super) fn new(starter: Starter<V, E>, group: &Arc<Group<E>>, has_body: bool) -> Self {
        let waiter = Waiter::new(group);
        Self { starter: Some(starter), waiter, has_body, site: Site::caller() }
    }
}

impl<V, E> Future for Start<V, E> {
    type Output = V;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<V> {
        let Some(starter) = &self.starter else { return Poll::Pending };
        let why = match starter.poll(cx, self.site) {
            Poll::Ready(Ok(value)) => return Poll::Ready(value),
            Poll::Ready(Err(StartError::NotReady)) => "it returned without calling `ready.set`",
            Poll::Ready(Err(_)) => "it was cancelled",
            Poll::Pending => {
                std::task::ready!(self.waiter.poll_failed(cx));
                "its group has failed"
            }
        };
        self.starter = None;
        if self.has_body && self.waiter.group().has_failed() {
            // The group drops its body, and with it whoever waits here.
            return Poll::Pending;
        }
        panic!(
            "the child started at {} did not get ready: {why}; \
             `try_start` gives an error instead",
            self.site.location()
        );
    }
}

impl<V, E> fmt::Debug for Start<V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("site", &self.site).finish_non_exhaustive()
    }
}
