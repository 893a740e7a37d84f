//! Small files that the system has in its memory are opened and read at once, without a thread.
//!
//! The kernel is asked to do it from its caches or not at all (`RESOLVE_CACHED` for the path, `RWF_NOWAIT` for
//! the bytes); whatever it cannot do so, a call does. Two things it does not promise are seen to here. A pipe or
//! a device must not be opened on trial, since that has effects: what it is, is found out first, without
//! opening it. And a file system that asks a server or another program waits for it in `open`: only
//! kinds that are known to live on this machine's own disks and memory count, and a call has to
//! find out the kind first. The idea to try and fall back is that of the kernel's own io_uring.

use std::io::Result;
use std::path::Path;

#[cfg(target_os = "linux")]
pub(super) use linux::{learn, open, read, room};
#[cfg(not(target_os = "linux"))]
pub(super) use nowhere::{learn, open, read, room};

/// Reads a whole file, blocking; what is learnt about its file system helps the next.
pub(super) fn read_by_call(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;

    let mut file = std::fs::File::open(path)?;
    let mut bytes = room(learn(&file))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{Error, Result};
    use std::os::fd::AsFd;
    use std::path::Path;

    use corio_runtime::sys;
    use corio_sync::hooks;
    use corio_sync::prim::Mutex;
    use corio_sync::prim::statics::OnceLock;

    /// From this size on a file fills at least one large page, however they are placed.
    const LARGE: u64 = 4 << 20;
    /// Larger files are worth a thread.
    const MOST: usize = 64 << 10;
    /// One of these is worth so many operations of the task's budget.
    const OPERATIONS: usize = 8;

    /// File systems on this machine's own disks and memory, by what `statfs` says: ext2 to ext4, xfs, btrfs,
    /// f2fs, tmpfs, ramfs, overlayfs.
    const LOCAL: [u32; 7] =
        [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994, 0x8584_58F6, 0x794C_7630];

    /// The devices that files were found on, and whether their file systems are local ones.
    static DEVICES: OnceLock<Mutex<Vec<(Device, bool)>>> = OnceLock::new();

    type Device = (u32, u32);

    /// More devices than this are not remembered.
    const MOST_DEVICES: usize = 64;

    fn is_local(device: Device) -> Option<bool> {
        let devices = DEVICES.get()?.lock();
        devices.iter().find(|known| known.0 == device).map(|known| known.1)
    }

    /// Remembers what kind of file system a file is on, and tells the file's size, if it has one. It may block.
    pub(in super::super) fn learn(file: &File) -> u64 {
        let Ok(stat) = sys::stat(file.as_fd()) else { return 0 };
        if is_local(stat.device).is_none() {
            if let Ok(kind) = sys::file_system(file.as_fd()) {
                let mut devices = DEVICES.get_or_init(Mutex::default).lock();
                if devices.len() < MOST_DEVICES {
                    devices.push((stat.device, LOCAL.contains(&kind)));
                }
            }
        }
        if stat.is_file { stat.size } else { 0 }
    }

    /// Memory for what is read from a file of `size` bytes.
    ///
    /// To take it for a large file page by page costs more than to read the file: large pages are asked for.
    pub(in super::super) fn room(size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if size >= LARGE {
            bytes.try_reserve_exact(usize::try_from(size).map_err(Error::other)?)?;
            sys::prefer_large_pages(&mut bytes);
        }
        Ok(bytes)
    }

    /// Opens a regular file for reading, if that needs no waiting; gives its size, too.
    fn open_sized(path: &Path) -> Option<(File, u64)> {
        let found = sys::open_cached(path, libc::O_PATH).ok()?;
        let stat = sys::stat_cached(found.as_fd()).ok()?;
        if !stat.is_file || is_local(stat.device) != Some(true) {
            return None;
        }
        // Not to wait for somebody's lease.
        let flags = libc::O_RDONLY | libc::O_NOCTTY | libc::O_NONBLOCK;
        let file = sys::open_cached(path, flags).ok()?;
        Some((file.into(), stat.size))
    }

    /// Opens a regular file for reading, if that needs no waiting.
    pub(in super::super) fn open(path: &Path) -> Option<File> {
        let (file, _) = open_sized(path)?;
        sys::set_status_flags(file.as_fd(), 0).ok()?;
        spend();
        Some(file)
    }

    /// Reads a whole small file, if that needs no waiting.
    pub(in super::super) fn read(path: &Path) -> Option<Vec<u8>> {
        let (file, size) = open_sized(path)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= MOST)?;
        // One byte more shows a file that has grown; fewer, one that is not all in memory.
        let mut bytes = vec![0; size + 1];
        let n = sys::read_cached(file.as_fd(), &mut bytes, Some(0)).ok()?;
        if n != size {
            return None;
        }
        bytes.truncate(n);
        spend();
        Some(bytes)
    }

    fn spend() {
        (0..OPERATIONS).for_each(|_| hooks::spend());
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::fs::File;
    use std::path::Path;

    pub(in super::super) fn learn(_: &File) -> u64 {
        0
    }

    pub(in super::super) fn room(_: u64) -> std::io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    pub(in super::super) fn open(_: &Path) -> Option<File> {
        None
    }

    pub(in super::super) fn read(_: &Path) -> Option<Vec<u8>> {
        None
    }
}
