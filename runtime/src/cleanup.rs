//! The cleanup set: asynchronous cleanup that outlives the drop that asked for it.
//!
//! Whatever owes asynchronous cleanup ([`finally`](crate::structured::finally), a task group) hands a
//! `'static` future to the task it is in when it is dropped before its end. The task polls it beside its
//! main future and is not done before it is. A combinator that drops something and wants to know that its
//! cleanups have run (`timeout`, `select!`) opens a [`SinkGuard`] around the drop, which catches a
//! ticket for each adoption, and waits for those.
//!
//! Two kinds of futures are handed over. A **cleanup** is the user's, and is dropped when its time is over.
//! A **wait** is ours, for other tasks that the dropped future has cancelled; it is never dropped then, or
//! these would outlive what they are a part of, but passes on to them that the time is over.

mod run_all;
mod sink;
mod ticket;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::hooks;

pub(crate) use self::run_all::RunAll;
use self::sink::catch_ticket;
pub use self::sink::{CleanupWait, SinkGuard, empty_catching};
pub(crate) use self::ticket::{GivenUp, Ticket};
use crate::executor::context;
use crate::executor::core::CoreRef;
use crate::say::say;
use crate::task::context_copy::{context_id, inherited};
use crate::task::context_vars::Variables;
use crate::task::extras::Extras;
use crate::task::header::{Header, catch, drop_payload, drop_quietly};
use crate::task::intercept::Cleaning;

/// A cleanup as a task keeps it.
pub(crate) type Cleanup = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells those who are waited for that the time is over.
type Tell = Box<dyn FnOnce(&Arc<GivenUp>) + Send>;

/// What is still to be done for an entry.
enum Owed<F> {
    Cleanup(F),
    /// Those of a stack.
    Several(RunAll),
    /// A cleanup of ours, which owes nothing but what it hands over in turn when it is dropped.
    Frame(F),
    /// A wait for others; `None` once they know, or if nobody has to.
    Wait(F, Option<Tell>),
    /// The cleanup was dropped: what it owed in turn, or waited for, is given up with it.
    Rest(CleanupWait),
    Nothing,
}

impl<F> Owed<F> {
    /// How many cleanups of the user's are lost if it is dropped, without those that it hands over then.
    fn count(&self) -> usize {
        match self {
            Self::Cleanup(_) => 1,
            Self::Several(run) => run.len(),
            Self::Frame(_) | Self::Wait(..) | Self::Rest(_) | Self::Nothing => 0,
        }
    }
}

/// A cleanup, or a wait, with its ticket; however it goes, the ticket is completed.
pub(crate) struct Entry<F = Cleanup> {
    owed: Owed<F>,
    /// The context variables of the place that owes it.
    variables: Variables,
    ticket: Arc<Ticket>,
}

impl<F: Future<Output = ()> + Unpin> Entry<F> {
    /// A cleanup that something has left that was polled in `home`.
    pub(crate) fn new(cleanup: F, home: &Home, ticket: Arc<Ticket>) -> Self {
        Self { owed: Owed::Cleanup(cleanup), variables: home.variables_now(), ticket }
    }

    /// Polls the cleanup; a panic in it has been reported by the panic hook, and ends it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(why) = self.ticket.given_up() {
                self.give_up(&why);
            }
            let future: &mut (dyn Future<Output = ()> + Unpin) = match &mut self.owed {
                Owed::Cleanup(future) | Owed::Frame(future) | Owed::Wait(future, _) => future,
                Owed::Several(run) => run,
                Owed::Rest(wait) => return Pin::new(wait).poll(cx),
                Owed::Nothing => return Poll::Ready(()),
            };
            match self.variables.during(|| catch(|| Pin::new(future).poll(cx))) {
                Ok(Poll::Ready(())) => return Poll::Ready(()),
                // Its time may be over since: then once more.
                Ok(Poll::Pending) if self.is_told() => return Poll::Pending,
                Ok(Poll::Pending) if self.ticket.poll_given_up(cx).is_pending() => {
                    return Poll::Pending;
                }
                Ok(Poll::Pending) => {}
                Err(payload) => {
                    say(format_args!("a cleanup panicked; its siblings go on"));
                    drop_payload(payload);
                    return Poll::Ready(());
                }
            }
        }
    }

    /// The time is over.
    fn give_up(&mut self, why: &Arc<GivenUp>) {
        match std::mem::replace(&mut self.owed, Owed::Nothing) {
            Owed::Wait(future, tell) => {
                if let Some(tell) = tell {
                    tell(why);
                }
                self.owed = Owed::Wait(future, None);
            }
            Owed::Rest(rest) => self.owed = Owed::Rest(rest),
            owed => {
                why.count(owed.count());
                let mut rest = CleanupWait::at(why.site);
                let sink = SinkGuard::enter();
                self.variables.during(|| drop_quietly(owed));
                sink.finish_into(&mut rest);
                rest.give_up(why);
                self.owed = Owed::Rest(rest);
            }
        }
    }

    /// It is a wait for others who know already that the time is over, or need not.
    fn is_told(&self) -> bool {
        matches!(self.owed, Owed::Wait(_, None))
    }
}

impl<F> Drop for Entry<F> {
    fn drop(&mut self) {
        let owed = std::mem::replace(&mut self.owed, Owed::Nothing);
        self.variables.during(|| drop_quietly(owed));
        self.ticket.complete();
    }
}

/// An entry as a task of its own. If it is dropped before its end, that is told.
pub(crate) struct AdoptedEntry<F = Cleanup> {
    entry: Entry<F>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Begun,
    Over,
}

impl<F> AdoptedEntry<F> {
    pub(crate) fn new(entry: Entry<F>) -> Self {
        Self { entry, stage: Stage::New }
    }
}

impl<F: Future<Output = ()> + Unpin> Future for AdoptedEntry<F> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = self.entry.poll(cx);
        self.stage = if polled.is_ready() { Stage::Over } else { Stage::Begun };
        polled
    }
}

impl<F> Drop for AdoptedEntry<F> {
    fn drop(&mut self) {
        let lost = self.entry.owed.count();
        if lost == 0 {
            return;
        }
        match self.stage {
            Stage::New => say_lost(lost, "their runtime has ended"),
            Stage::Begun => say(format_args!(
                "{lost} cleanup(s) were dropped unfinished: the time for their runtime's shutdown is over"
            )),
            Stage::Over => {}
        }
    }
}

/// Tells that nobody runs `count` cleanups, and why.
#[cold]
fn say_lost(count: usize, why: &str) {
    say(format_args!(
        "{count} cleanup(s) were dropped without running: {why}; drop what owes them inside a task, or before its \
         runtime"
    ));
}

/// The cleanups that a task has adopted and that have not ended.
#[derive(Default)]
pub(crate) struct CleanupSet {
    entries: Vec<Entry>,
}

/// Polls all cleanups of `task`; `Ready` when there is none left.
///
/// # Safety
///
/// The caller polls the task.
#[inline]
pub(crate) unsafe fn poll_all(task: &Header, cx: &mut Context<'_>) -> Poll<()> {
    match task.extras() {
        None => Poll::Ready(()),
        // SAFETY: the caller's promise.
        Some(extras) => unsafe { poll_set(extras, cx) },
    }
}

/// # Safety
///
/// The caller polls the task of these extras.
unsafe fn poll_set(extras: &Extras, cx: &mut Context<'_>) -> Poll<()> {
    // A cleanup may adopt others while it is polled, so the set is taken out for the time.
    // SAFETY: the caller polls the task, and the closure only moves the list.
    let mut entries = unsafe { extras.with_cleanups(|set| std::mem::take(&mut set.entries)) };
    if entries.is_empty() {
        return Poll::Ready(());
    }
    let _cleaning = Cleaning::enter();
    // The main future may have used its share up, and will do so at each poll if it never waits.
    let budget = hooks::with_tls(|tls| tls.budget.replace(hooks::BUDGET));
    loop {
        if let Some(why) = extras.given_up() {
            for entry in &entries {
                entry.ticket.give_up(&why);
            }
        }
        // An ended entry is dropped at once: its ticket may be what the next one waits for.
        let mut i = 0;
        let before = entries.len();
        while i < entries.len() {
            if entries[i].poll(cx).is_ready() {
                drop(entries.remove(i));
            } else {
                i += 1;
            }
        }
        // SAFETY: as above.
        let adopted = unsafe { extras.with_cleanups(|set| std::mem::take(&mut set.entries)) };
        let settled = adopted.is_empty() && before == entries.len();
        entries.extend(adopted);
        if settled || entries.is_empty() {
            break;
        }
    }
    let left = hooks::with_tls(|tls| tls.budget.replace(budget));
    if entries.is_empty() {
        return Poll::Ready(());
    }
    if hooks::is_spent(left) {
        // Those behind one that never waits get their turn before it.
        entries.rotate_left(1);
    }
    // SAFETY: as above.
    unsafe { extras.with_cleanups(|set| set.entries.extend(entries)) };
    Poll::Pending
}

/// Drops the cleanups of `task` unfinished; tells how many there were. What only waits for other tasks
/// does not count.
///
/// # Safety
///
/// The caller polls the task.
pub(crate) unsafe fn abandon_all(task: &Header) -> usize {
    let mut count = 0;
    let Some(extras) = task.extras() else { return 0 };
    loop {
        // SAFETY: the caller polls the task, and the closure only moves the list.
        let entries = unsafe { extras.with_cleanups(|set| std::mem::take(&mut set.entries)) };
        if entries.is_empty() {
            return count;
        }
        count += entries.iter().map(|entry| entry.owed.count()).sum::<usize>();
        drop_quietly(entries);
    }
}

/// Where something that may come to owe cleanup was polled: what is dropped elsewhere is cleaned up
/// there, with the context variables that were set there.
#[derive(Clone, Default)]
pub struct Home {
    /// A core of the runtime.
    core: Option<CoreRef>,
    /// The place of the variables, and what they were.
    context: u64,
    variables: Variables,
}

impl Home {
    pub(crate) fn here() -> Self {
        Self { core: context::home(), context: context_id(), variables: inherited() }
    }

    /// The runtime of this thread, and nothing of the user's: enough for a wait.
    pub fn runtime() -> Self {
        Self { core: context::home(), ..Self::default() }
    }

    /// Sees to it that this is where the thread is.
    #[inline]
    pub(crate) fn update(home: &mut Option<Self>) {
        if home.as_ref().is_none_or(|home| home.context != context_id()) {
            *home = Some(Self::here());
        }
    }

    /// The variables for a cleanup that is handed over now.
    fn variables_now(&self) -> Variables {
        // The place itself knows what has changed since.
        if self.context == context_id() { inherited() } else { self.variables.clone() }
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("core", &self.core).finish_non_exhaustive()
    }
}

/// Gives `wait` to the current task, which polls it to its end before it is done.
///
/// It is for what waits for others that are ending, and is not cut short where a scope gives cleanups up.
///
/// Outside any task it becomes a task of the current runtime, which shutdown waits for; with no
/// runtime at all it is dropped. Those that are waited for end all the same, so nothing is said of it; but
/// what is around them does not wait for their end then. [`adopt_at`] knows a runtime for this case.
pub fn adopt(wait: impl Future<Output = ()> + Send + 'static) {
    adopt_wait(wait, None, None);
}

/// [`adopt`] for a wait for what runs in `home`: on a thread without a runtime it goes to that one.
pub fn adopt_at(home: &Home, wait: impl Future<Output = ()> + Send + 'static) {
    adopt_wait(wait, None, home.core.as_ref());
}

/// [`adopt`] for a wait for those whom `tell` tells that their time is over, and who run in the runtime of
/// `home`: on a thread without a runtime it goes to that one.
pub(crate) fn adopt_telling(
    home: &CoreRef,
    wait: impl Future<Output = ()> + Send + 'static,
    tell: impl FnOnce(&Arc<GivenUp>) + Send + 'static,
) {
    adopt_wait(wait, Some(Box::new(tell)), Some(home));
}

fn adopt_wait(
    wait: impl Future<Output = ()> + Send + 'static,
    tell: Option<Tell>,
    home: Option<&CoreRef>,
) {
    let owed = Owed::Wait(Box::pin(wait) as Cleanup, tell);
    adopt_entry(Entry { owed, variables: inherited(), ticket: Arc::default() }, home);
}

/// Gives a cleanup of the user's to the current task, as [`adopt`] does; on a thread without a runtime it
/// goes to that of `home`.
pub(crate) fn adopt_cleanup(cleanup: Cleanup, home: &Home) {
    adopt_from(Owed::Cleanup(cleanup), home);
}

/// [`adopt_cleanup`] for one of ours that only runs others, which it hands over when it is dropped.
pub(crate) fn adopt_frame(frame: Cleanup, home: &Home) {
    adopt_from(Owed::Frame(frame), home);
}

/// [`adopt_cleanup`] for several.
pub(crate) fn adopt_all(run: RunAll, home: &Home) {
    if run.len() > 0 {
        adopt_from(Owed::Several(run), home);
    }
}

fn adopt_from(owed: Owed<Cleanup>, home: &Home) {
    let entry = Entry { owed, variables: home.variables_now(), ticket: Arc::default() };
    adopt_entry(entry, home.core.as_ref());
}

fn adopt_entry(entry: Entry, home: Option<&CoreRef>) {
    let ticket = entry.ticket.clone();
    if let Some(task) = context::current_header() {
        // SAFETY: the thread's current task is the one it polls (or whose future it drops), and the
        // closure only pushes.
        unsafe { task.extras_or_new().with_cleanups(|set| set.entries.push(entry)) };
        catch_ticket(ticket);
        return;
    }
    catch_ticket(ticket);
    if let Err(entry) = context::spawn_cleanup(entry, home) {
        // A wait is none of the user's, and who is waited for has ended with its runtime; a frame hands over
        // what it has left, and comes here again with that.
        let lost = entry.owed.count();
        if lost > 0 {
            say_lost(lost, "their runtime is gone, and there is none on this thread");
        }
        drop(entry);
    }
}
