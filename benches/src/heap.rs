//! Memory of things that are made and kept, as the allocator counts it.

use crate::sample::Sample;
use crate::sys;
use std::any::Any;
use std::hint::black_box;
use std::time::Instant;

/// Things made for a measurement of memory, still alive.
pub(crate) struct Held {
    /// The things.
    pub(crate) things: Box<dyn Any>,
    /// How many there are.
    pub(crate) count: u64,
    /// Bytes of the list that they lie in, which are not theirs.
    pub(crate) list: u64,
}

/// Makes a number of things and keeps them.
pub(crate) type Hold = fn(u64) -> Held;

/// Makes `n` things.
pub(crate) fn hold<T: 'static>(n: u64, make: impl Fn() -> T) -> Held {
    let mut things = Vec::with_capacity(n as usize);
    things.extend((0..n).map(|_| make()));
    let list = (things.capacity() * size_of::<T>()) as u64;
    Held { count: things.len() as u64, list, things: Box::new(things) }
}

/// Bytes on the heap for each of `n` things that `hold` makes.
pub(crate) fn heap_bytes_each(hold: Hold, n: u64) -> Result<Sample, String> {
    let heap = || sys::heap_bytes().map_err(|error| format!("cannot read the heap: {error}"));
    // The first one may bring something along that is made once for all.
    drop(hold(1).things);
    let cpu_now = || sys::cpu_time(0).map_err(|error| format!("cannot read the CPU time: {error}"));
    let before = heap()?;
    let (cpu, begin) = (cpu_now()?, Instant::now());
    let held = hold(n);
    let (wall, cpu) = (begin.elapsed(), cpu_now()? - cpu);
    let after = heap()?;
    black_box(&held.things);
    Ok(Sample {
        ops: n,
        count: held.count,
        wall_ns: wall.as_nanos() as f64,
        cpu_ns: cpu.as_nanos() as f64,
        bytes: Some(after.saturating_sub(before + held.list) as f64 / n as f64),
        hist: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_no_part_of_the_bytes_of_things() {
        // The other tests of this program take memory and give it back meanwhile: some kilobytes, of twenty megabytes.
        let of = |hold| heap_bytes_each(hold, 20_000).unwrap();
        let boxed = of(|n| hold(n, || Box::new([1_u8; 1000])));
        assert_eq!(boxed.count, 20_000);
        assert!((900.0..1200.0).contains(&boxed.bytes.unwrap()), "{boxed:?}");
        let in_the_list = of(|n| hold(n, || [1_u8; 1000])).bytes.unwrap();
        assert!(in_the_list < 100.0, "{in_the_list}");
    }
}
