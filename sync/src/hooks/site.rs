//! A place in the source as a number, which fits beside others into one word.
//!
//! The invariant of the file:
//! - **H2** A [`Site`] word is made only from a `&'static Location`, by `Site::new`.

use std::fmt;
use std::panic::Location;

use crate::prim::Mutex;
use crate::prim::statics::OnceLock;

/// A place in the source, in one 27-bit word: no lookup to make it, none to store it.
///
/// A `Location` lies in the program's read-only data, so its distance from another one, in units of
/// its alignment, fits 26 bits. One that is farther away (a library loaded at run time) goes through
/// a table, and bit 26 says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Site(u32);

pub(super) const SITE_BITS: u32 = 27;
pub(super) const SITE_MASK: u32 = (1 << SITE_BITS) - 1;
const TABLED: u32 = 1 << 26;
const OFFSET_MASK: u32 = TABLED - 1;
const UNIT: usize = align_of::<Location<'static>>();

/// Locations out of reach of an offset. Written once for each call site in such a library.
static TABLE: OnceLock<Mutex<Vec<&'static Location<'static>>>> = OnceLock::new();

/// Where offsets are counted from. A static, because it has one address in the whole program, which
/// a constant that is inlined into several crates has not.
static BASE: Base = Base(0);

#[repr(align(8))]
struct Base(#[expect(dead_code, reason = "only the address counts")] u8);

#[inline]
fn base() -> usize {
    const { assert!(align_of::<Base>() % UNIT == 0) };
    (&raw const BASE).addr()
}

impl Site {
    /// The place of the caller.
    #[track_caller]
    #[inline]
    pub fn caller() -> Self {
        Self::new(Location::caller())
    }

    /// The place `location`.
    #[inline]
    pub fn new(location: &'static Location<'static>) -> Self {
        let address = std::ptr::from_ref(location).expose_provenance();
        let half = (OFFSET_MASK as usize).div_ceil(2) * UNIT;
        let offset = address.wrapping_sub(base()).wrapping_add(half) / UNIT;
        // Zero is kept for "nowhere".
        if offset != 0 && offset <= OFFSET_MASK as usize {
            return Self(offset as u32);
        }
        Self::tabled(location)
    }

    #[cold]
    fn tabled(location: &'static Location<'static>) -> Self {
        let mut table = TABLE.get_or_init(|| Mutex::new(Vec::new())).lock();
        let known = table.iter().position(|l| std::ptr::eq(*l, location));
        let index = known.unwrap_or_else(|| {
            table.push(location);
            table.len() - 1
        });
        Self(TABLED | (index as u32 & OFFSET_MASK))
    }

    /// The word itself.
    #[inline]
    pub fn to_bits(self) -> u32 {
        self.0
    }

    /// The location, from a word that [`to_bits`](Self::to_bits) gave.
    ///
    /// # Safety
    ///
    /// `bits` is zero or comes from `to_bits` (H2).
    pub unsafe fn locate(bits: u32) -> Option<&'static Location<'static>> {
        if bits & SITE_MASK == 0 {
            return None;
        }
        if bits & TABLED != 0 {
            return TABLE.get()?.lock().get((bits & OFFSET_MASK) as usize).copied();
        }
        let half = (OFFSET_MASK as usize).div_ceil(2) * UNIT;
        let address =
            ((bits & OFFSET_MASK) as usize * UNIT).wrapping_add(base()).wrapping_sub(half);
        // SAFETY: by H2 the word came from the address of a `&'static Location`, whose provenance
        // `new` exposed; the arithmetic above undoes `new`'s.
        Some(unsafe { &*std::ptr::with_exposed_provenance(address) })
    }

    /// The location of this site.
    pub fn location(self) -> &'static Location<'static> {
        // SAFETY: a `Site` holds only words of `new` (H2).
        unsafe { Self::locate(self.0) }.expect("a site is never nowhere")
    }
}

/// A place in the source that is not a [`Site`] yet.
///
/// A leaf that mostly completes at once keeps this: it is a constant of the call, and becomes a word
/// only when there is a wait to report.
#[derive(Clone, Copy)]
pub struct Caller(&'static Location<'static>);

impl Caller {
    /// The place of the caller.
    #[track_caller]
    #[inline]
    pub fn here() -> Self {
        Self(Location::caller())
    }

    /// The word for it.
    #[inline]
    pub fn site(self) -> Site {
        Site::new(self.0)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.location(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_gives_its_location_back() {
        let here = Location::caller();
        let site = Site::new(here);
        assert!(std::ptr::eq(site.location(), here));
        assert_eq!(Site::caller().location().line(), line!());
    }

    #[test]
    fn a_location_out_of_reach_goes_through_the_table() {
        let far: &'static Location<'static> = Box::leak(Box::new(*Location::caller()));
        let site = Site::new(far);
        assert_eq!(site.location(), far);
        assert_eq!(Site::new(far), site);
        // The heap may lie within reach on some system; the table must work either way.
        let tabled = Site::tabled(far);
        assert_eq!(tabled.location(), far);
    }
}
