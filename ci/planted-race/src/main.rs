//! A data race, made with the runtime's own primitives, that ThreadSanitizer must report.
//!
//! Two threads write to one cell and nothing orders them. If this passes without a report, a
//! suppression is too wide or the sanitizer does not see the primitives.

use corio_sync::prim::{Arc, UnsafeCell, thread};

struct Shared(UnsafeCell<u64>);

// SAFETY: it is not; the program exists to be caught.
unsafe impl Sync for Shared {}

fn main() {
    let shared = Arc::new(Shared(UnsafeCell::new(0)));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || {
                for _ in 0..1000 {
                    // SAFETY: the cell outlives the thread; the race is the point.
                    shared.0.with_mut(|number| unsafe { *number += 1 });
                }
            })
        })
        .collect();
    for thread in threads {
        if thread.join().is_err() {
            std::process::exit(1);
        }
    }
    println!("two threads wrote without order");
}
