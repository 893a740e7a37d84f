//! The hierarchical wheel: which timer is due, and when to look again.
//!
//! Pure policy: the time comes in as a number, no clock is read, no lock taken and nobody woken.
//!
//! A deadline is a number of ticks, written in base 64. Level `n` of the wheel holds the timers whose
//! deadline first differs from the wheel's own time, `elapsed`, in digit `n`, in the slot that this
//! digit names. So every timer of a level is due before every timer of the next one, no slot is ever
//! "behind" and nothing wraps: the earliest slot is the lowest bit of the lowest level. Enough levels
//! for every digit of a `u64` of nanoseconds leave no far corner. (The idea of the differing digit is
//! that of tokio's wheel; Varghese and Lauck described the hierarchy.)
//!
//! When `elapsed` reaches a slot of an upper level, its timers move down, one at a time, so that a
//! caller that holds a lock can stop at any point and go on later: `cascading` remembers the slot.
//!
//! The invariants of the file:
//! - **E1** An entry that is linked (from `insert` until `remove` or a `pop`) is alive and does not move.
//! - **E2** The links of an entry are touched only through the `&mut Wheel` in which it is linked, or,
//!   while it is not linked, by its only owner.
//! - **E3** `slots[i]` is the head of a circular list of the entries whose `index` is `i`, or none; bit
//!   `i % 64` of `occupied[i / 64]` and the bits of `levels` say the same.

use std::ptr::NonNull;

use corio_sync::prim::UnsafeCell;

/// Digits of a deadline are this wide.
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
/// Enough for every digit of a `u64`.
const MAX_LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;
/// The list of the timers that are never due; it follows the slots.
const NEVER_LEVEL: usize = MAX_LEVELS;
const NO_SLOT: usize = usize::MAX;

/// Nanoseconds that stand for "never".
pub(super) const NEVER: u64 = u64::MAX;

/// A tick of 2^16 ns, about 66 microseconds.
pub(super) const COARSE: u32 = 14;
/// A tick of one nanosecond, for virtual time: the clock jumps to exactly each deadline.
pub(super) const EXACT: u32 = 0;

/// What links a timer into a wheel.
#[derive(Debug)]
pub(super) struct Entry {
    links: UnsafeCell<Links>,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    next: Option<NonNull<Entry>>,
    prev: Option<NonNull<Entry>>,
    /// When it is due, in nanoseconds; may be later than its slot says (see `move_to`).
    deadline: u64,
    /// The list in which it is: level * 64 + digit.
    index: usize,
}

impl Entry {
    pub(super) fn new() -> Self {
        let links = Links { next: None, prev: None, deadline: NEVER, index: NO_SLOT };
        Self { links: UnsafeCell::new(links) }
    }

    /// # Safety
    ///
    /// `entry` is alive, and the caller may touch its links (E2).
    #[inline]
    unsafe fn read(entry: NonNull<Self>) -> Links {
        // SAFETY: alive, says the caller.
        let cell = unsafe { &(*entry.as_ptr()).links };
        // SAFETY: the caller may touch the links (E2).
        cell.with(|links| unsafe { *links })
    }

    /// # Safety
    ///
    /// As [`read`](Self::read).
    #[inline]
    unsafe fn edit(entry: NonNull<Self>, change: impl FnOnce(&mut Links)) {
        // SAFETY: alive, says the caller.
        let cell = unsafe { &(*entry.as_ptr()).links };
        // SAFETY: the caller may touch the links (E2), and the reference ends with the closure.
        cell.with_mut(|links| change(unsafe { &mut *links }));
    }
}

/// What [`Wheel::pop_expired`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Popped {
    /// This timer is due, and no longer linked.
    Expired(NonNull<Entry>),
    /// Nothing (more) is due.
    Nothing,
    /// The allowance of work is used up; call again.
    Paused,
}

#[derive(Debug)]
pub(super) struct Wheel {
    /// A tick is `2^shift` nanoseconds.
    shift: u32,
    /// The wheel's time in ticks: everything due before it has been popped (or waits in `cascading`).
    elapsed: u64,
    /// The slot of an upper level that is being moved down, never an empty one, or `NO_SLOT`.
    cascading: usize,
    /// Bit `n`: level `n` is not empty.
    levels: u32,
    occupied: [u64; MAX_LEVELS],
    /// The heads of the lists; empty until the first insert, so that an idle wheel costs no memory.
    slots: Box<[Option<NonNull<Entry>>]>,
    len: usize,
}

// SAFETY: the pointers are to entries that the wheel alone touches while they are linked (E2); the
// owner of an entry promises at `insert` that this may happen on any thread.
unsafe impl Send for Wheel {}

impl Wheel {
    pub(super) fn new(shift: u32) -> Self {
        Self {
            shift,
            elapsed: 0,
            cascading: NO_SLOT,
            levels: 0,
            occupied: [0; MAX_LEVELS],
            slots: Box::default(),
            len: 0,
        }
    }

    pub(super) fn shift(&self) -> u32 {
        self.shift
    }

    /// How many entries are linked.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first tick that is not before `deadline`, or `None` for one beyond the last tick: "never".
    #[inline]
    fn tick_of(&self, deadline: u64) -> Option<u64> {
        let tick = (deadline >> self.shift) + u64::from(deadline & ((1 << self.shift) - 1) != 0);
        (deadline != NEVER && tick <= NEVER >> self.shift).then_some(tick)
    }

    /// The list for a timer that is due at `tick`.
    #[inline]
    fn index_of(&self, tick: Option<u64>) -> usize {
        let Some(tick) = tick else {
            return NEVER_LEVEL * SLOTS;
        };
        // What is overdue goes to the slot that is looked at next.
        let tick = tick.max(self.elapsed);
        let level = ((tick ^ self.elapsed) | 1).ilog2() / BITS;
        let digit = (tick >> (level * BITS)) as usize % SLOTS;
        level as usize * SLOTS + digit
    }

    /// The first tick that belongs to the slot `index`, which is not empty.
    #[inline]
    fn start_of(&self, index: usize) -> Option<u64> {
        let (level, digit) = ((index / SLOTS) as u32, (index % SLOTS) as u64);
        if level as usize == NEVER_LEVEL {
            return None;
        }
        let above = u64::MAX.checked_shl((level + 1) * BITS).unwrap_or(0);
        Some((self.elapsed & above) | (digit << (level * BITS)))
    }

    /// The earliest slot that is not empty, and its first tick.
    #[inline]
    fn first(&self) -> Option<(usize, u64)> {
        if self.cascading != NO_SLOT {
            return Some((self.cascading, self.elapsed));
        }
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let index = level * SLOTS + self.occupied[level].trailing_zeros() as usize;
        // What was inserted overdue sits in the slot of `elapsed` itself.
        Some((index, self.start_of(index)?.max(self.elapsed)))
    }

    /// When to look next, in nanoseconds: never after the earliest deadline, but perhaps before it (a
    /// slot to be moved down, or a timer that was put off). `NEVER` if nothing will be due.
    #[inline]
    pub(super) fn next_ns(&self) -> u64 {
        self.first().map_or(NEVER, |(_, tick)| tick << self.shift)
    }

    /// Links `entry`, to be due at `deadline` nanoseconds.
    ///
    /// # Safety
    ///
    /// `entry` is in no wheel; from now on, until it is removed or popped, it stays alive and in place
    /// (E1) and its owner leaves the links alone, on whatever thread the wheel is used (E2).
    #[inline]
    pub(super) unsafe fn insert(&mut self, entry: NonNull<Entry>, deadline: u64) {
        if self.slots.is_empty() {
            self.allocate();
        }
        let index = self.index_of(self.tick_of(deadline));
        let head = self.slots[index];
        let (next, prev) = match head {
            // SAFETY: a head is linked, so it is alive (E1) and its links are ours (E2).
            Some(head) => (head, unsafe { Entry::read(head) }.prev.unwrap_or(head)),
            None => (entry, entry),
        };
        let links = Links { next: Some(next), prev: Some(prev), deadline, index };
        // SAFETY: alive and not linked, says the caller, who leaves the links to us (E2).
        unsafe { Entry::edit(entry, |l| *l = links) };
        if head.is_some() {
            // SAFETY: both neighbours are linked (E1, E2).
            unsafe { Entry::edit(next, |l| l.prev = Some(entry)) };
            // SAFETY: as above.
            unsafe { Entry::edit(prev, |l| l.next = Some(entry)) };
        } else {
            self.slots[index] = Some(entry);
            self.mark(index);
        }
        self.len += 1;
    }

    /// Unlinks `entry`.
    ///
    /// # Safety
    ///
    /// `entry` is linked in this wheel.
    #[inline]
    pub(super) unsafe fn remove(&mut self, entry: NonNull<Entry>) {
        // SAFETY: linked, says the caller, so alive (E1) and ours (E2).
        let links = unsafe { Entry::read(entry) };
        let next = links.next.filter(|next| *next != entry);
        if let (Some(next), Some(prev)) = (next, links.prev) {
            // SAFETY: the neighbours of a linked entry are linked (E1, E2, E3).
            unsafe { Entry::edit(next, |l| l.prev = Some(prev)) };
            // SAFETY: as above.
            unsafe { Entry::edit(prev, |l| l.next = Some(next)) };
        }
        if self.slots[links.index] == Some(entry) {
            self.slots[links.index] = next;
            if next.is_none() {
                self.unmark(links.index);
            }
        }
        // SAFETY: as above; from here on it is the owner's again.
        unsafe { Entry::edit(entry, |l| (l.next, l.prev, l.index) = (None, None, NO_SLOT)) };
        self.len -= 1;
    }

    /// Gives a linked entry another deadline; its place in the wheel changes only if it must.
    ///
    /// A later deadline is only written down: when the slot comes up, the entry moves on. This keeps
    /// the timeout that is pushed back with every byte read cheap.
    ///
    /// # Safety
    ///
    /// `entry` is linked in this wheel.
    #[inline]
    pub(super) unsafe fn move_to(&mut self, entry: NonNull<Entry>, deadline: u64) {
        // SAFETY: linked, says the caller (E1, E2).
        let index = unsafe { Entry::read(entry) }.index;
        let slot_is_early_enough = match (self.start_of(index), self.tick_of(deadline)) {
            (Some(start), Some(tick)) => start <= tick,
            (_, None) => true,
            (None, Some(_)) => false,
        };
        if slot_is_early_enough {
            // SAFETY: as above.
            unsafe { Entry::edit(entry, |l| l.deadline = deadline) };
        } else {
            // SAFETY: linked, says the caller.
            unsafe { self.remove(entry) };
            // SAFETY: unlinked by the line above; that it stays alive was promised when it was inserted.
            unsafe { self.insert(entry, deadline) };
        }
    }

    /// Unlinks one entry that is due at `now`, and moves the wheel's time along.
    ///
    /// `work` is the number of entries that may still be touched: moving a full slot down takes time,
    /// and the caller may hold a lock.
    #[inline]
    pub(super) fn pop_expired(&mut self, now: u64, work: &mut usize) -> Popped {
        let now = now >> self.shift;
        loop {
            let Some((index, start)) = self.first().filter(|(_, start)| *start <= now) else {
                // No slot begins at or before `now`, so every entry's first differing digit stays
                // the same when `elapsed` moves up to it.
                self.elapsed = self.elapsed.max(now);
                return Popped::Nothing;
            };
            if *work == 0 {
                return Popped::Paused;
            }
            *work -= 1;
            self.elapsed = start;
            let Some(entry) = self.slots[index] else {
                unreachable!("a slot that is marked as occupied has a head (E3)");
            };
            // SAFETY: a head is linked (E3), so alive (E1) and ours (E2).
            let deadline = unsafe { Entry::read(entry) }.deadline;
            if index >= SLOTS {
                self.cascading = index;
            }
            // SAFETY: linked, see above.
            unsafe { self.remove(entry) };
            if self.tick_of(deadline).is_some_and(|tick| tick <= now) {
                return Popped::Expired(entry);
            }
            // Its slot of an upper level has come, or it was put off. It goes to another slot than
            // the one it comes from, since it is due after `now` and so after `start`.
            // SAFETY: unlinked just now; that it stays alive was promised when it was inserted.
            unsafe { self.insert(entry, deadline) };
        }
    }

    /// Calls `f` with each entry that is never due.
    pub(super) fn for_each_never(&self, mut f: impl FnMut(NonNull<Entry>)) {
        let Some(head) = self.slots.get(NEVER_LEVEL * SLOTS).copied().flatten() else { return };
        let mut entry = head;
        loop {
            f(entry);
            // SAFETY: linked (E3), so alive (E1) and ours (E2).
            match unsafe { Entry::read(entry) }.next {
                Some(next) if next != head => entry = next,
                _ => return,
            }
        }
    }

    /// Unlinks some entry, due or not; gives its deadline too.
    pub(super) fn pop_any(&mut self) -> Option<(NonNull<Entry>, u64)> {
        if self.len == 0 {
            return None;
        }
        let index = match self.first() {
            Some((index, _)) => index,
            None => NEVER_LEVEL * SLOTS,
        };
        let entry = self.slots[index]?;
        // SAFETY: a head is linked (E3, E1, E2).
        let deadline = unsafe { Entry::read(entry) }.deadline;
        // SAFETY: linked, see above.
        unsafe { self.remove(entry) };
        Some((entry, deadline))
    }

    /// Changes the length of a tick; the entries keep their deadlines.
    pub(super) fn set_shift(&mut self, shift: u32) {
        let mut other = Self::new(shift);
        // Rounded down: no deadline may fall before the wheel's time unless it did before.
        other.elapsed = (self.elapsed << self.shift) >> shift;
        while let Some((entry, deadline)) = self.pop_any() {
            // SAFETY: unlinked just now; that it stays alive was promised when it was inserted.
            unsafe { other.insert(entry, deadline) };
        }
        *self = other;
    }

    #[cold]
    fn allocate(&mut self) {
        self.slots = vec![None; NEVER_LEVEL * SLOTS + 1].into_boxed_slice();
    }

    #[inline]
    fn mark(&mut self, index: usize) {
        let level = index / SLOTS;
        if level < MAX_LEVELS {
            self.occupied[level] |= 1 << (index % SLOTS);
            self.levels |= 1 << level;
        }
    }

    #[inline]
    fn unmark(&mut self, index: usize) {
        let level = index / SLOTS;
        if level < MAX_LEVELS {
            self.occupied[level] &= !(1 << (index % SLOTS));
            if self.occupied[level] == 0 {
                self.levels &= !(1 << level);
            }
        }
        if self.cascading == index {
            self.cascading = NO_SLOT;
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests;
