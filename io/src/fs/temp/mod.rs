//! Files and directories that are removed when nobody needs them any more.
//!
//! *How is it named?* At random, with permissions for its owner alone, in the directory for temporary
//! files ([`std::env::temp_dir`]) or in one that is given. *When does it go?* With
//! [`close`](TempDir::close), which waits and says what happened, or when the value is dropped, also by
//! a panic or by cancelling: then in the background, and what goes wrong is told on stderr. A program
//! that is killed leaves it behind. [`keep`](TempDir::keep) keeps it.

mod dir;
mod file;
mod removal;

pub use dir::{TempDir, dir, dir_in};
pub use file::{TempFile, file, file_in};
