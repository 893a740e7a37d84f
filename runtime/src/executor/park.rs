//! How a core goes to sleep without missing what is sent to it.
//!
//! One word per core. A sender first puts its item where the core will look (a mailbox, a wheel),
//! then swaps the word to NOTIFIED; the core first swaps it to ASLEEP, then looks everywhere once
//! more, then sleeps. Both swaps are read-modify-writes of the same word, so one comes first:
//! either the core's finds NOTIFIED (and sees the item), or the sender's finds ASLEEP (and wakes
//! the core). Nothing falls between, and a core that is awake is never written to through the kernel.
//!
//! | word     | means                                | a sender that finds it     |
//! |----------|--------------------------------------|----------------------------|
//! | AWAKE    | a thread runs the core               | leaves NOTIFIED            |
//! | NOTIFIED | so it will look again before sleeping| does nothing               |
//! | ASLEEP   | its thread is in the kernel          | wakes that thread          |
//! | OFF      | no thread runs the core              | finds a thread for it      |

use corio_sync::prim::{AtomicU32, Ordering, planted};

const AWAKE: u32 = 0;
const NOTIFIED: u32 = 1;
const ASLEEP: u32 = 2;
const OFF: u32 = 3;

/// What a sender must do after `notify`.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    Nothing,
    /// The core's thread sleeps: wake it.
    Thread,
    /// Nobody runs the core: find a thread.
    Start,
}

#[derive(Debug)]
pub(crate) struct ParkState(AtomicU32);

impl ParkState {
    /// The state of a core that no thread runs yet.
    pub(crate) fn off() -> Self {
        Self(AtomicU32::new(OFF))
    }

    /// Something was put where the core will look.
    #[inline]
    pub(crate) fn notify(&self) -> Wake {
        // Ordering: Release publishes the item, Acquire keeps the order of several senders. Pairs
        // with the swaps of `fall_asleep`, `wake_up` and `turn_off`.
        let ordering = if planted("notify-relaxed") { Ordering::Relaxed } else { Ordering::AcqRel };
        match self.0.swap(NOTIFIED, ordering) {
            ASLEEP => Wake::Thread,
            OFF => Wake::Start,
            _ => Wake::Nothing,
        }
    }

    /// Whether a sender has been here since the core last looked.
    pub(crate) fn is_notified(&self) -> bool {
        // Ordering: Relaxed, a hint: `wake_up` or `fall_asleep` comes next.
        self.0.load(Ordering::Relaxed) == NOTIFIED
    }

    /// The core's thread is about to sleep: `false` if it was notified and must look again. After
    /// `true` it looks everywhere once more and only then sleeps.
    pub(crate) fn fall_asleep(&self) -> bool {
        if planted("sleep-by-store") {
            self.0.store(ASLEEP, Ordering::Release);
            return true;
        }
        // Ordering: AcqRel, pairs with `notify`: what a sender put down before its swap is seen.
        let prev = self.0.swap(ASLEEP, Ordering::AcqRel);
        if prev == NOTIFIED {
            self.wake_up();
            return false;
        }
        debug_assert_eq!(prev, AWAKE, "a core sleeps once");
        true
    }

    /// The core's thread is awake again, whatever woke it.
    pub(crate) fn wake_up(&self) {
        // Ordering: AcqRel, pairs with `notify`; the thread looks at everything next.
        self.0.swap(AWAKE, Ordering::AcqRel);
    }

    /// A thread leaves the core; `true` if it was notified. It looks once more for what was sent before;
    /// who sends later finds OFF.
    pub(crate) fn turn_off(&self) -> bool {
        // Ordering: AcqRel, pairs with `notify`.
        self.0.swap(OFF, Ordering::AcqRel) == NOTIFIED
    }

    pub(crate) fn is_asleep(&self) -> bool {
        // Ordering: Relaxed, a hint for choosing a core.
        self.0.load(Ordering::Relaxed) == ASLEEP
    }

    pub(crate) fn is_off(&self) -> bool {
        // Ordering: Relaxed, a hint for choosing a core.
        self.0.load(Ordering::Relaxed) == OFF
    }

    pub(crate) fn is_awake(&self) -> bool {
        // Ordering: Relaxed, a hint for choosing a core.
        matches!(self.0.load(Ordering::Relaxed), AWAKE | NOTIFIED)
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::*;
    use corio_sync::prim::{Arc, AtomicBool, Parker, thread};

    struct Model {
        park: ParkState,
        parker: Parker,
        item: AtomicBool,
        taken: AtomicU32,
    }

    fn send(m: &Model) {
        // Ordering: Relaxed on purpose: the park word must publish it.
        m.item.store(true, Ordering::Relaxed);
        if m.park.notify() == Wake::Thread {
            m.parker.unpark();
        }
    }

    /// The loop of a core that waits for the item.
    fn core(m: &Model) {
        m.park.wake_up();
        loop {
            if m.item.load(Ordering::Relaxed) {
                m.taken.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if !m.park.fall_asleep() {
                continue;
            }
            if m.item.load(Ordering::Relaxed) {
                m.park.wake_up();
                continue;
            }
            m.parker.park();
            m.park.wake_up();
        }
    }

    fn model() -> Arc<Model> {
        Arc::new(Model {
            park: ParkState::off(),
            parker: Parker::new(),
            item: AtomicBool::new(false),
            taken: AtomicU32::new(0),
        })
    }

    #[test]
    fn loom_w01_a_core_never_sleeps_on_an_item() {
        loom::model(|| {
            let m = model();
            m.park.wake_up();
            let sender = m.clone();
            let handle = thread::spawn(move || send(&sender));
            core(&m);
            handle.join().unwrap();
            assert_eq!(m.taken.load(Ordering::Relaxed), 1);
        });
    }

    #[test]
    fn loom_a_core_that_is_left_is_looked_after() {
        loom::model(|| {
            let m = model();
            m.park.wake_up();
            let sender = m.clone();
            let handle = thread::spawn(move || {
                sender.item.store(true, Ordering::Relaxed);
                sender.park.notify() == Wake::Start
            });
            m.park.turn_off();
            let leaver = m.item.load(Ordering::Relaxed);
            let starter = handle.join().unwrap();
            assert!(leaver || starter, "nobody looks after the core");
        });
    }
}
