//! Names that nobody can guess, for files that must not exist yet.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, RandomState};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// So many names are tried before it is given up.
const ATTEMPTS: u32 = 1000;

/// Calls `make` with one name after the other, until it does not say that the name is taken.
///
/// Guessing a name would help nobody: `make` has to fail for what exists, links included. So the keys of
/// std's hash tables, which come from the system's random source, are good enough.
pub(super) fn unused<T>(
    dir: &Path,
    prefix: &OsStr,
    suffix: &OsStr,
    make: impl Fn(&Path) -> Result<T>,
) -> Result<(T, PathBuf)> {
    for attempt in 0..ATTEMPTS {
        let path = name(dir, prefix, suffix, attempt);
        match make(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(made) => return Ok((made, path)),
        }
    }
    Err(all_taken(dir))
}

fn name(dir: &Path, prefix: &OsStr, suffix: &OsStr, attempt: u32) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(format!("{:016x}", RandomState::new().hash_one(attempt)));
    name.push(suffix);
    dir.join(name)
}

fn all_taken(dir: &Path) -> Error {
    let text = format!("{ATTEMPTS} random names in {} are all taken", dir.display());
    Error::new(ErrorKind::AlreadyExists, text)
}
