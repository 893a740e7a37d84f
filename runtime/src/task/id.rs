//! Task ids: handed out in blocks, so that a spawn writes to nothing that other cores write to.

use std::fmt;

use corio_sync::prim::Ordering;
use corio_sync::prim::statics::AtomicU64;

/// Names a task; never used twice within a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl TaskId {
    /// The id as a number, as dumps print it.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}

/// Ids that a core takes at a time.
pub(crate) const BLOCK: u64 = 1024;

/// The first id that no block holds yet. 0 means "no task".
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Takes `count` ids; gives the first.
pub(crate) fn take_block(count: u64) -> u64 {
    // Ordering: Relaxed, each caller only needs numbers of its own.
    NEXT.fetch_add(count, Ordering::Relaxed)
}

/// The next number of a sequence, for taking turns among cores.
pub(crate) fn take_turn() -> usize {
    static TURN: AtomicU64 = AtomicU64::new(0);
    // Ordering: Relaxed, any order will do.
    TURN.fetch_add(1, Ordering::Relaxed) as usize
}
