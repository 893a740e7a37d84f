//! The files that are read. They are made once, beside the program, and kept for the next time.

use crate::cli;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The bytes in which the large file is counted.
pub(crate) const MIB: usize = 1 << 20;
/// The size of the large file.
pub(crate) const LARGE_MIB: u64 = 256;
/// The bytes of a small file.
pub(crate) const SMALL_BYTES: usize = 4 << 10;
/// As many small files are there.
const SMALL_FILES: u64 = 10_000;

/// The large file.
pub(crate) fn large() -> &'static Path {
    static LARGE: OnceLock<PathBuf> = OnceLock::new();
    LARGE.get_or_init(|| made("large", make_large).expect("a large file beside the program"))
}

/// The small file whose turn it is; after the last the first comes again.
pub(crate) fn small(turn: u64) -> &'static Path {
    static SMALL: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let small = SMALL.get_or_init(|| {
        let folder = made("small", make_small).expect("small files beside the program");
        (0..SMALL_FILES).map(|index| folder.join(index.to_string())).collect()
    });
    &small[(turn % SMALL_FILES) as usize]
}

/// What `make` makes, under `name`. It is made under another name first: what has the name is complete.
fn made(name: &str, make: fn(&Path) -> io::Result<()>) -> Result<PathBuf, String> {
    let folder = cli::default_folder()?.with_file_name("corio-bench-files");
    let path = folder.join(name);
    let make = || {
        if path.exists() {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        let unfinished = folder.join(format!("{name}.{}", std::process::id()));
        make(&unfinished)?;
        match fs::rename(&unfinished, &path) {
            // Another process was faster.
            Err(_) if path.exists() => fs::remove_dir_all(&unfinished),
            renamed => renamed,
        }
    };
    make().map_err(|error| format!("cannot make {}: {error}", path.display()))?;
    Ok(path)
}

fn make_large(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let piece = vec![b'x'; MIB];
    (0..LARGE_MIB).try_for_each(|_| file.write_all(&piece))
}

fn make_small(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    let contents = vec![b'x'; SMALL_BYTES];
    (0..SMALL_FILES).try_for_each(|index| fs::write(folder.join(index.to_string()), &contents))
}
