//! Files on Linux: what can be had from the system's memory at once, and a transfer to a socket.
//!
//! The invariants of the file:
//! - **L1** A descriptor, a path or memory that is passed is borrowed for the call, memory with its length; a path
//!   ends in a zero.
//! - **L2** A descriptor that the system has just made belongs to nobody else.
//! - **L3** A structure that the system fills has the system's layout, and zeroes are a value of it.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::{offset_of, size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::c_int;

use super::check;

/// Opens `path` with `flags`, closed in child processes, if the system finds the whole way in its memory.
///
/// # Errors
///
/// [`WouldBlock`](io::ErrorKind::WouldBlock) when it does not; `ENOSYS` before Linux 5.6 and `EINVAL` before 5.12;
/// else those of the system's `openat2`.
pub fn open_cached(path: &Path, flags: c_int) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: numbers only (L3).
    let mut how: libc::open_how = unsafe { zeroed() };
    how.flags = (flags | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_CACHED;
    // SAFETY: the path and the structure are borrowed, with the size of the latter (L1).
    let fd = check(unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            path.as_ptr(),
            &raw const how,
            size_of::<libc::open_how>(),
        )
    })?;
    // SAFETY: the system has just made it (L2).
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Reads what is in the system's memory at `offset`, or, without one, what is there at the file's position or in
/// the stream.
///
/// # Errors
///
/// [`WouldBlock`](io::ErrorKind::WouldBlock) when nothing is there; [`InvalidInput`](io::ErrorKind::InvalidInput),
/// without a number of the system's, when the offset is beyond what it knows; else those of the system's `preadv2`,
/// by which some file systems refuse such reads.
pub fn read_cached(fd: BorrowedFd<'_>, buf: &mut [u8], offset: Option<u64>) -> io::Result<usize> {
    // An offset of -1 is the position.
    let offset = match offset {
        Some(offset) => libc::off_t::try_from(offset).map_err(|_| beyond(offset))?,
        None => -1,
    };
    let part = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    // SAFETY: the descriptor is open, and the one part is the buffer (L1).
    check(unsafe { libc::preadv2(fd.as_raw_fd(), &raw const part, 1, offset, libc::RWF_NOWAIT) })
}

#[cold]
fn beyond(offset: u64) -> io::Error {
    let most = libc::off_t::MAX;
    let text =
        format!("an offset of {offset} is beyond the end of any file: {most} is the largest");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// How many bytes it has.
    pub size: u64,
    /// The device that it is on.
    pub device: (u32, u32),
}

/// Asks what an open file is. A network file system asks its server.
///
/// # Errors
///
/// Those of the system's `statx`, which Linux has since 4.11.
pub fn stat(fd: BorrowedFd<'_>) -> io::Result<Stat> {
    stat_with(fd, 0)
}

/// As [`stat`], from the system's memory, even if that is out of date.
///
/// # Errors
///
/// As those of [`stat`].
pub fn stat_cached(fd: BorrowedFd<'_>) -> io::Result<Stat> {
    stat_with(fd, DONT_SYNC)
}

/// The kernel's `struct statx`, the same on all machines; libc has it for some C libraries only.
#[repr(C)]
struct KernelStat {
    before_mode: [u32; 7],
    mode: u16,
    padding: u16,
    inode: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    times: [[u64; 2]; 4],
    rdev: [u32; 2],
    device: [u32; 2],
    rest: [u64; 14],
}

const _: () = assert!(size_of::<KernelStat>() == 256 && offset_of!(KernelStat, size) == 0x28);
const _: () = assert!(offset_of!(KernelStat, device) == 0x88);

/// `AT_STATX_DONT_SYNC`, `STATX_TYPE`, `STATX_SIZE`: of the kernel, too.
const DONT_SYNC: c_int = 0x4000;
const TYPE_AND_SIZE: u32 = 0x0001 | 0x0200;

fn stat_with(fd: BorrowedFd<'_>, flags: c_int) -> io::Result<Stat> {
    const NO_PATH: &CStr = c"";
    // SAFETY: numbers only (L3).
    let mut stat: KernelStat = unsafe { zeroed() };
    // SAFETY: the descriptor is open, the path is empty, and the structure is the system's (L1, L3).
    check(unsafe {
        libc::syscall(
            libc::SYS_statx,
            fd.as_raw_fd(),
            NO_PATH.as_ptr(),
            libc::AT_EMPTY_PATH | flags,
            TYPE_AND_SIZE,
            &raw mut stat,
        )
    })?;
    let is_file = libc::mode_t::from(stat.mode) & libc::S_IFMT == libc::S_IFREG;
    Ok(Stat { is_file, size: stat.size, device: stat.device.into() })
}

/// The kind of the file system that an open file is on, as the kernel numbers them.
///
/// # Errors
///
/// Those of the system's `fstatfs`.
pub fn file_system(fd: BorrowedFd<'_>) -> io::Result<u32> {
    // SAFETY: numbers only (L3).
    let mut about: libc::statfs = unsafe { zeroed() };
    // SAFETY: the descriptor is open, and the structure is the system's (L1, L3).
    check(unsafe { libc::fstatfs(fd.as_raw_fd(), &raw mut about) })?;
    // On some machines the type has 32 bits, and the largest numbers a sign.
    Ok(about.f_type as u32)
}

/// Moves up to `count` bytes of a file, from `offset` on, to a socket; says how many.
///
/// # Errors
///
/// Those of the system's `sendfile`.
pub fn send_file(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offset: u64,
    count: usize,
) -> io::Result<usize> {
    // The system says the same of a negative offset.
    let from = libc::off_t::try_from(offset);
    let mut from = from.map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: both descriptors are open, and the offset is on this stack (L1).
    check(unsafe { libc::sendfile(socket.as_raw_fd(), file.as_raw_fd(), &raw mut from, count) })
}
