//! Files and directories, as std has them, without holding up the threads that run tasks.
//!
//! | I want to | use |
//! |---|---|
//! | read or write a whole file | [`read`], [`read_to_string`], [`write()`] |
//! | replace a file so that nobody ever sees half of it | [`write_atomic`] |
//! | read and write piece by piece | [`File`], [`OpenOptions`] |
//! | do the same to a thousand small files | [`batch`] |
//! | see what is in a directory | [`read_dir`] |
//! | have a file or directory for a while | [`temp`] |
//! | move, copy, remove, look | [`rename`], [`copy`], [`remove_file`], [`remove_dir_all`], [`metadata`], … |
//!
//! Systems have no readiness for files: a read takes as long as the disk takes. So every operation here is
//! one call on a thread for blocking calls, except reads, and opening for reading, of what the system has
//! in its memory: that is done at once. Paths, permissions and metadata are std's types.
//!
//! Errors have std's kind and name the operation and the path; the error of the system, with its number,
//! is their [`source`](std::error::Error::source).
//!
//! # Cancel safety
//!
//! An operation that is dropped before it has begun is not done. One that has begun goes on to its end,
//! and its result is thrown away; at the end of the runtime it is waited for.

mod batch;
mod cached;
pub(crate) mod call;
mod file;
mod name;
mod options;
mod path;
mod read_dir;
pub mod temp;
mod whole;

pub use batch::{Batch, batch};
pub use call::Call;
pub use file::File;
pub use options::OpenOptions;
pub use path::{
    canonicalize, copy, create_dir, create_dir_all, exists, hard_link, is_dir, is_file, metadata,
    read_link, remove_dir, remove_dir_all, remove_file, rename, set_permissions, symlink,
    symlink_metadata,
};
pub use read_dir::{DirEntry, ReadDir, read_dir};
pub use std::fs::{FileTimes, FileType, Metadata, Permissions};
pub use whole::{read, read_to_string, write, write_atomic};
