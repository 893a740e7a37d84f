//! The count of a cell's references.

use corio_sync::prim::{AtomicU32, Ordering, planted};

/// References: task list, handle, wakers, cancellers, mailbox. The cell goes with the last.
#[derive(Debug)]
pub(super) struct Refs(AtomicU32);

/// References beyond which the process is ended rather than the count wrapped (T10 of the faults).
pub(super) const MAX: u32 = u32::MAX / 2;

impl Refs {
    pub(super) fn new(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }

    /// Makes one from one that the caller knows.
    #[inline]
    pub(super) fn add(&self) {
        // Ordering: Relaxed, a reference is made from a reference.
        if self.0.fetch_add(1, Ordering::Relaxed) > MAX {
            // Wakers forgotten by the billion; going on would free the task under its users.
            std::process::abort();
        }
    }

    /// Gives one up; `true` if it was the last.
    #[inline]
    pub(super) fn give_up(&self) -> bool {
        // Who has the only reference has nobody beside him to make or give up another, so there is nothing to count:
        // a load will do. It cannot be an old count that is seen: another reference was made from this one, by its
        // owner or by who had borrowed it under a lock that its owner took later (T1), so before this one came here.
        // Ordering: Acquire takes the accesses of those who gave theirs up before. Pairs with the Release below.
        let acquire = if planted("last-relaxed") { Ordering::Relaxed } else { Ordering::Acquire };
        if self.0.load(acquire) == 1 {
            return true;
        }
        // Ordering: Release hands this user's accesses to whoever frees the cell, Acquire takes
        // those of the others. (A fence would do with less; ThreadSanitizer does not see fences.)
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// How many there are, as of a moment ago.
    pub(super) fn count(&self) -> u32 {
        // Ordering: Relaxed, a snapshot.
        self.0.load(Ordering::Relaxed)
    }

    /// Makes the count another one.
    #[cfg(all(test, not(corio_loom)))]
    pub(super) fn set(&self, count: u32) {
        // Ordering: Relaxed, for a test of one thread.
        self.0.store(count, Ordering::Relaxed);
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::Refs;
    use corio_sync::prim::{Arc, AtomicU32, Ordering, UnsafeCell, thread};

    /// What is counted: each user writes to the word of its own, and the last one reads them all.
    struct Counted {
        refs: Refs,
        words: [UnsafeCell<u32>; 3],
        freed: AtomicU32,
    }
    // SAFETY: the model is what is under test: loom reports a race on the words.
    unsafe impl Sync for Counted {}
    // SAFETY: see above.
    unsafe impl Send for Counted {}

    impl Counted {
        fn new(count: u32) -> Arc<Self> {
            let words = [UnsafeCell::new(0), UnsafeCell::new(0), UnsafeCell::new(0)];
            Arc::new(Self { refs: Refs::new(count), words, freed: AtomicU32::new(0) })
        }

        fn write_and_give_up(&self, word: usize) {
            // SAFETY: each user has a word; the last user of all reads them.
            self.words[word].with_mut(|word| unsafe { *word += 1 });
            if self.refs.give_up() {
                for word in &self.words {
                    // SAFETY: nobody else has a reference; loom tells if somebody still writes.
                    word.with_mut(|word| unsafe { *word += 1 });
                }
                self.freed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// However they go, one of the users is the last, and sees what the others have written.
    #[test]
    fn loom_t10_the_last_reference_sees_the_writes_of_all() {
        loom::model(|| {
            let counted = Counted::new(2);
            let theirs = counted.clone();
            let other = thread::spawn(move || {
                // As a waker that is cloned and dropped in passing.
                theirs.refs.add();
                theirs.write_and_give_up(1);
                theirs.write_and_give_up(2);
            });
            counted.write_and_give_up(0);
            other.join().unwrap();
            assert_eq!(counted.freed.load(Ordering::Relaxed), 1);
        });
    }

    /// A reference that is made from one that another thread lends, as that of the task list under its lock, is seen
    /// by its owner when it goes.
    #[test]
    fn loom_a_reference_made_from_a_borrowed_one_counts() {
        loom::model(|| {
            let counted = Counted::new(1);
            let theirs = counted.clone();
            let lent = Arc::new(corio_sync::prim::Mutex::new(true));
            let borrowed = lent.clone();
            let other = thread::spawn(move || {
                let list = borrowed.lock();
                let made = *list;
                if made {
                    theirs.refs.add();
                }
                drop(list);
                if made {
                    theirs.write_and_give_up(1);
                }
            });
            *lent.lock() = false;
            counted.write_and_give_up(0);
            other.join().unwrap();
            assert_eq!(counted.freed.load(Ordering::Relaxed), 1);
        });
    }
}
