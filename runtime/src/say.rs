//! What corio has to tell people when there is nobody who could be given an error. The crates above call it, too.

use std::fmt;
use std::io::Write;

/// Writes a line to stderr.
///
/// Unlike `eprintln!` it does not panic when stderr is closed or full: most of its callers are loops
/// that everybody depends on, or drops.
pub fn say(args: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "corio: {args}");
}
