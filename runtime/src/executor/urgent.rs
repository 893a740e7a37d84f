//! What a busy core finds when it looks around: timers that are due, and mail.
//!
//! Behind a thousand tasks that are always ready it would wait for all of them, each time. So while many are queued,
//! what a look finds has a queue of its own, which takes turns with the others: a ticker among busy tasks is on
//! time, and the busy tasks get half of the polls at least. Sockets that are ready stand in line with the crowd,
//! which often is theirs.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::NonNull;

use crate::task::header::Header;

/// Queued tasks above which there is a queue for what a look finds. With fewer the wait is short; and in the
/// ordinary queue other workers may take a task while its core is stuck in a long poll.
pub(super) const CROWD: usize = 64;

/// The queue; its core's thread alone uses it. Its tasks are alive as those of any queue of the core are (E3).
#[derive(Debug, Default)]
pub(super) struct Urgent {
    tasks: RefCell<VecDeque<NonNull<Header>>>,
    len: Cell<usize>,
    /// A look is under way, and many tasks are queued.
    open: Cell<bool>,
    /// The next poll is for a task of this queue.
    turn: Cell<bool>,
}

impl Urgent {
    /// A look begins, or ends.
    pub(super) fn set_open(&self, open: bool) {
        self.open.set(open);
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.open.get()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len.get() == 0
    }

    #[cold]
    pub(super) fn push(&self, task: NonNull<Header>) {
        self.tasks.borrow_mut().push_back(task);
        self.len.set(self.len.get() + 1);
    }

    /// The next task, if it is this queue's turn or `others` have none.
    #[cold]
    pub(super) fn pop(&self, others_are_empty: bool) -> Option<NonNull<Header>> {
        let turn = self.turn.get() || others_are_empty;
        self.turn.set(!turn);
        if !turn {
            return None;
        }
        let task = self.tasks.borrow_mut().pop_front();
        self.len.set(self.tasks.borrow().len());
        task
    }
}
