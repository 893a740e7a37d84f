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
    classes: [Class; CLASSES],
}

struct Class {
    /// The first block.
    list: Cell<*mut Free>,
    /// How many more blocks are kept.
    room: Cell<u32>,
}

struct Free {
    next: *mut Free,
}

/// What a cell takes: the layout of its block, and the class of that, if such blocks are kept. A constant of each
/// type of cells, so that allocating and freeing need not know the type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    layout: Layout,
    /// At `CLASSES` and beyond there is none.
    class: u8,
}

impl Size {
    /// The size of cells of the type `T`.
    ///
    /// In debug builds no blocks are kept, so that tools which watch the allocator see each cell.
    pub(crate) const fn of<T>() -> Self {
        let layout = Layout::new::<T>();
        if cfg!(debug_assertions) || layout.size() > LARGEST || layout.align() > ALIGN {
            return Self { layout, class: u8::MAX };
        }
        let class = layout.size().saturating_sub(EXTRA + 1) / STEP;
        Self { layout: layout_of(class), class: class as u8 }
    }
}

const fn layout_of(class: usize) -> Layout {
    const { assert!(CLASSES < u8::MAX as usize) };
    match Layout::from_size_align((class + 1) * STEP + EXTRA, ALIGN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

impl Cells {
    pub(crate) fn new() -> Self {
        let class = |class| Class {
            list: Cell::new(ptr::null_mut()),
            room: Cell::new((KEPT / layout_of(class).size()) as u32),
        };
        Self { classes: std::array::from_fn(class) }
    }

    #[inline]
    fn take(&self, class: u8) -> Option<NonNull<u8>> {
        let class = self.classes.get(usize::from(class))?;
        let block = NonNull::new(class.list.get())?;
        // SAFETY: on the list, so it links to the next (A1).
        class.list.set(unsafe { block.as_ref() }.next);
        class.room.set(class.room.get() + 1);
        Some(block.cast())
    }

    /// Keeps a block; `false` if there are enough of its class, or it has none.
    #[inline]
    fn keep(&self, class: u8, block: NonNull<u8>) -> bool {
        let Some(class) = self.classes.get(usize::from(class)) else { return false };
        let room = class.room.get();
        if room == 0 {
            return false;
        }
        let block = block.cast::<Free>();
        // SAFETY: the caller's unused block, which is large enough (the smallest has 24 bytes).
        unsafe { block.write(Free { next: class.list.get() }) };
        class.list.set(block.as_ptr());
        class.room.set(room - 1);
        true
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        for class in 0..CLASSES {
            while let Some(block) = self.take(class as u8) {
                // SAFETY: from the allocator with this layout, and unused (A1).
                unsafe { dealloc(block.as_ptr(), layout_of(class)) };
            }
        }
    }
}

/// Memory for a cell: from `cells`, if given and not empty, else from the allocator.
#[inline]
pub(crate) fn allocate(cells: Option<&Cells>, size: Size) -> NonNull<u8> {
    match cells.and_then(|cells| cells.take(size.class)) {
        Some(block) => block,
        None => fresh(size.layout),
    }
}

#[inline(never)]
fn fresh(layout: Layout) -> NonNull<u8> {
    // SAFETY: no cell has a size of zero.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives a cell's memory back: to `cells`, if given and not full, else to the allocator.
///
/// # Safety
///
/// `block` came from [`allocate`] with the same size, and is not used any more.
#[inline]
pub(crate) unsafe fn free(cells: Option<&Cells>, block: NonNull<u8>, size: Size) {
    if cells.is_some_and(|cells| cells.keep(size.class, block)) {
        return;
    }
    // SAFETY: the caller's promise; `allocate` used this layout.
    unsafe { dealloc(block.as_ptr(), size.layout) };
}
