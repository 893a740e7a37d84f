//! The watcher: one idle core at a time looks after the others.
//!
//! It takes work from a core that is stuck in a poll, or that has more than it should keep to itself,
//! and does for a stuck one what that cannot do: takes its mail, fires its timers, serves its I/O.
//!
//! It samples, since a core that is busy with short polls is to cost nothing; so a long poll is noticed after one
//! nap or two. Where it is known beforehand, as with the start of a program, [`long_call`] says so, and an idle core
//! comes at once.
//!
//! What this must keep:
//! - Nobody is woken when nothing runs: `long_call` wakes one only if tasks wait behind the call, and a watcher that
//!   sees all the others asleep goes to sleep without a timeout in the end.
//! - A missed or needless look is harmless: the mark of a long call is a hint, and whatever it makes the watcher take
//!   or serve it may take or serve at any time. Nothing but the park word is relied on for a wake-up.

use std::time::Duration;

use super::context::with_core;
use super::core::{Core, TIMER_BATCH};
use super::core_shared::{CoreRef, CoreShared};
use super::shared::Shared;
use crate::reactor::Events;

/// A sibling's backlog is worth taking when it would keep it busy for this long.
const WORTH_STEALING_NS: u64 = 500_000;
/// The watcher's naps: the first and the longest.
pub(super) const FIRST_NAP: Duration = Duration::from_micros(100);
pub(super) const LAST_NAP: Duration = Duration::from_millis(10);

/// Calls `f`, which keeps this thread for long: a call of the system that cannot be had without waiting, and is not
/// worth a thread. What waits on this thread's core meanwhile is an idle core's to do.
#[doc(hidden)]
pub fn long_call<R>(f: impl FnOnce() -> R) -> R {
    struct Back(CoreRef);
    impl Drop for Back {
        fn drop(&mut self) {
            self.0.set_away(false);
        }
    }
    let _back = with_core(|core| core.and_then(Core::go_away).map(Back));
    f()
}

impl Core {
    /// A long call begins; the core, if others may look after it meanwhile.
    fn go_away(&self) -> Option<CoreRef> {
        let shared = self.shared();
        // Within another long call it is away already.
        let runtime = shared.runtime().filter(|runtime| !runtime.is_single() && !shared.is_away());
        runtime.map(|runtime| {
            shared.set_away(true);
            if shared.backlog() > 0 || shared.has_mail() {
                runtime.call_for(shared.index);
            }
            self.shared_ref()
        })
    }

    /// Looks after the other cores while this one has nothing to do; tells how long to nap before the
    /// next look, or `None` if that is somebody else's duty or nobody's.
    ///
    /// One idle core at a time is the watcher. It takes work from a sibling that has been in one poll
    /// since the last look, or whose backlog would keep it busy for long; small work is left where it
    /// is, since it would be gone before it arrived. The idea of an observer that samples a counter of
    /// the others is Go's `sysmon`.
    pub(super) fn watch(&self, runtime: &Shared) -> Option<Duration> {
        let cores = runtime.cores();
        if cores.len() == 1 {
            return None;
        }
        let own = self.shared().index;
        let anyone_awake = cores.iter().any(|c| c.index != own && c.park.is_awake());
        // With nobody to watch over, a core sleeps without a timeout (the kernel's timer is a tenth of
        // a small request); but one that watches goes on for a while, so that bursts do not have to
        // call it each time.
        if !anyone_awake && !runtime.is_watcher(own) || !runtime.become_watcher(own) {
            return None;
        }
        let now = self.now_ns.get();
        let mut seen = self.seen.borrow_mut();
        seen.resize(cores.len(), (u64::MAX, 0));
        let mut hogged = false;
        for (core, seen) in cores.iter().zip(seen.iter_mut()) {
            if core.index == own {
                continue;
            }
            let awake = core.park.is_awake();
            let polls = core.polls();
            let (before, at) = std::mem::replace(seen, (polls, now));
            let elapsed = now.saturating_sub(at);
            let away = core.is_away();
            let known = before != u64::MAX && elapsed >= FIRST_NAP.as_nanos() as u64 / 2;
            if !awake || !(away || known) {
                continue;
            }
            let backlog = core.backlog() as u64;
            let stuck = away || polls == before;
            // Not of use where the core is stuck.
            let each = elapsed / polls.saturating_sub(before).max(1);
            if stuck {
                // Another such call may follow.
                hogged |= away;
                hogged |= self.serve(core, now);
            }
            if backlog >= 1 && (stuck || (backlog >= 2 && backlog * each > WORTH_STEALING_NS)) {
                self.steal_from(core);
            }
        }
        if !self.is_idle() || hogged {
            self.nap.set(FIRST_NAP);
        } else {
            self.nap.set((self.nap.get() * 2).min(LAST_NAP));
        }
        if !self.is_idle() || (!anyone_awake && self.nap.get() == LAST_NAP) {
            seen.clear();
            self.nap.set(FIRST_NAP);
            runtime.stop_watching(own);
            return None;
        }
        Some(self.nap.get())
    }

    /// Takes half of a sibling's stealable tasks.
    fn steal_from(&self, core: &CoreShared) {
        let shared = self.shared();
        let overflow = core.overflow.len();
        if overflow > 0 {
            // Not straight from one list to the other: nobody holds two of these locks.
            let mut taken = Vec::with_capacity(overflow.div_ceil(2));
            core.overflow.take(taken.capacity(), |task| taken.push(task));
            taken.into_iter().for_each(|task| shared.overflow.push(task));
        }
        core.ring.steal_half(|task| {
            if shared.ring.push(task).is_err() {
                shared.overflow.push(task);
            }
        });
    }

    /// Does what a sibling in a long poll cannot: takes its mail, fires its timers, serves its I/O.
    fn serve(&self, core: &CoreShared, now: u64) -> bool {
        if !core.mail.is_empty() {
            core.mail.take().for_each(|task| self.push_stealable(task));
        }
        let mut served = core.timers.fire(now, TIMER_BATCH).count > 0;
        if let Some(reactor) = core.reactor() {
            let mut events = self.events.borrow_mut();
            let events = events.get_or_insert_with(Events::new);
            served |= reactor.turn(events, Some(Duration::ZERO)).is_ok_and(|n| n > 0);
        }
        served || core.backlog() > 0
    }
}
