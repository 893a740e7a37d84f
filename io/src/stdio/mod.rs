//! The standard streams of the program.
//!
//! Reading waits without a thread where it can, so that a program ends whether or not somebody presses
//! Enter. Writes are taken at once and written in the background, in the order in which all
//! tasks made them, and before the runtime ends.

mod input;
mod output;
mod source;

pub use input::{Stdin, stdin};
pub use output::{Stderr, Stdout, stderr, stdout};
