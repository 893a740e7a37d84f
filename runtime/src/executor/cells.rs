//! Memory for task cells, kept by the core that freed it for its next spawns.
//!
//! A batch of spawns empties the few entries that malloc keeps per thread, and then pays for its
//! general path: a third of the instructions of a spawn. A core's own lists cost a handful.
//!
//! The invariant of the file:
//! - **A1** A block on the list of class `c` came from the global allocator with `layout_of(c)`, is
//!   unused, and its first word links to the next.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

/// Blocks are multiples of this, and a word more: with malloc's own word they fill its steps of 16.
const STEP: usize = 16;
const EXTRA: usize = size_of::<usize>();
/// The largest block that is kept.
const LARGEST: usize = 512 + EXTRA;
const CLASSES: usize = LARGEST / STEP;
/// The alignment of all blocks; a cell that needs more is not kept.
const ALIGN: usize = 16;
/// The most bytes that one class keeps.
const KEPT: usize = 128 << 10;

/// Free blocks of one core, by class. Used by the core's thread alone.
pub(crate) struct Cells {
    lists: [Cell<*mut Free>; CLASSES],
    counts: [Cell<u32>; CLASSES],
}

struct Free {
    next: *mut Free,
}

/// The class of blocks that fit `layout`, if there is one.
///
/// In debug builds there is none, so that tools which watch the allocator see each cell.
#[inline]
const fn class_of(layout: Layout) -> Option<usize> {
    if cfg!(debug_assertions) || layout.size() > LARGEST || layout.align() > ALIGN {
        return None;
    }
    Some(layout.size().saturating_sub(EXTRA + 1) / STEP)
}

#[inline]
const fn layout_of(class: usize) -> Layout {
    match Layout::from_size_align((class + 1) * STEP + EXTRA, ALIGN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

impl Cells {
    pub(crate) fn new() -> Self {
        Self {
            lists: [const { Cell::new(ptr::null_mut()) }; CLASSES],
            counts: [const { Cell::new(0) }; CLASSES],
        }
    }

    #[inline]
    fn take(&self, class: usize) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.lists[class].get())?;
        // SAFETY: on the list, so it links to the next (A1).
        self.lists[class].set(unsafe { block.as_ref() }.next);
        self.counts[class].set(self.counts[class].get() - 1);
        Some(block.cast())
    }

    /// Keeps a block; `false` if there are enough of its class.
    #[inline]
    fn keep(&self, class: usize, block: NonNull<u8>) -> bool {
        let count = self.counts[class].get();
        if count as usize * layout_of(class).size() >= KEPT {
            return false;
        }
        let block = block.cast::<Free>();
        // SAFETY: the caller's unused block, which is large enough (the smallest has 24 bytes).
        unsafe { block.write(Free { next: self.lists[class].get() }) };
        self.lists[class].set(block.as_ptr());
        self.counts[class].set(count + 1);
        true
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        for class in 0..CLASSES {
            while let Some(block) = self.take(class) {
                // SAFETY: from the allocator with this layout, and unused (A1).
                unsafe { dealloc(block.as_ptr(), layout_of(class)) };
            }
        }
    }
}

/// Memory for a cell: from `cells`, if given and not empty, else from the allocator.
#[inline]
pub(crate) fn allocate(cells: Option<&Cells>, layout: Layout) -> NonNull<u8> {
    let class = class_of(layout);
    if let (Some(cells), Some(class)) = (cells, class) {
        if let Some(block) = cells.take(class) {
            return block;
        }
    }
    let layout = class.map_or(layout, layout_of);
    // SAFETY: no cell has a size of zero.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives a cell's memory back: to `cells`, if given and not full, else to the allocator.
///
/// # Safety
///
/// `block` came from [`allocate`] with the same layout, and is not used any more.
#[inline]
pub(crate) unsafe fn free(cells: Option<&Cells>, block: NonNull<u8>, layout: Layout) {
    let class = class_of(layout);
    if let (Some(cells), Some(class)) = (cells, class) {
        if cells.keep(class, block) {
            return;
        }
    }
    // SAFETY: the caller's promise; `allocate` used this layout.
    unsafe { dealloc(block.as_ptr(), class.map_or(layout, layout_of)) };
}
