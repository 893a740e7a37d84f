//! Memory that the system fills, and a search in memory.
//!
//! The invariants of the file:
//! - **M1** A descriptor that is passed is borrowed for the call, and so is all memory, with its length.
//! - **M2** What a vector has room for behind its contents is its own to be written to, and when the system says
//!   that it has read so many bytes, they are there.
//! - **M3** The advice given here changes no memory: it is about the pages beneath.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// Appends up to `most` bytes to `bytes`, within the room that it has, in one read; says how many. Nothing is
/// written there before.
///
/// # Errors
///
/// Those of the system's `read`.
#[inline]
pub fn read_within(fd: BorrowedFd<'_>, bytes: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let room = bytes.spare_capacity_mut();
    let most = most.min(room.len());
    // SAFETY: the descriptor is open, and the room is borrowed, with no more than its length (M1, M2).
    let count = check(unsafe { libc::read(fd.as_raw_fd(), room.as_mut_ptr().cast(), most) })?;
    let len = bytes.len() + count;
    // SAFETY: the system has written so many bytes behind the contents (M2).
    unsafe { bytes.set_len(len) };
    Ok(count)
}

/// The first place of `byte`; the system's search, which knows what the processor is good at.
#[inline]
pub fn find_byte(byte: u8, bytes: &[u8]) -> Option<usize> {
    let start = bytes.as_ptr();
    // SAFETY: the memory is borrowed, with its length (M1).
    let found = unsafe { libc::memchr(start.cast(), byte.into(), bytes.len()) };
    (!found.is_null()).then(|| found as usize - start as usize)
}

/// Asks for large pages under the room that `bytes` has behind its contents, all of which is about to be filled.
/// A system that has none to give goes on as before.
#[cfg(target_os = "linux")]
pub fn prefer_large_pages(bytes: &mut Vec<u8>) {
    let room = bytes.spare_capacity_mut();
    // SAFETY: it asks for a number (M1).
    let Ok(page) = check(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }) else { return };
    let before = room.as_ptr() as usize % page;
    let (start, len) = (room.as_mut_ptr().wrapping_byte_sub(before), room.len() + before);
    // The answer is of no interest: it is advice.
    // SAFETY: the pages are those under memory that is borrowed, and nothing in them changes (M1, M3).
    let _ = unsafe { libc::madvise(start.cast(), len, libc::MADV_HUGEPAGE) };
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::{pipe, write};

    #[test]
    fn a_read_fills_the_room_and_no_more_than_was_asked_for() {
        let (read_end, write_end) = pipe().unwrap();
        write(write_end.as_fd(), b"abcdef").unwrap();
        let mut bytes = b"> ".to_vec();
        assert_eq!(read_within(read_end.as_fd(), &mut Vec::new(), 4).unwrap(), 0, "no room");
        bytes.reserve_exact(100);
        assert_eq!(read_within(read_end.as_fd(), &mut bytes, 4).unwrap(), 4);
        assert_eq!(bytes, b"> abcd");
        bytes.truncate(2);
        assert_eq!(read_within(read_end.as_fd(), &mut bytes, usize::MAX).unwrap(), 2);
        assert_eq!(bytes, b"> ef");
        let error = read_within(read_end.as_fd(), &mut bytes, 1).unwrap_err();
        assert_eq!((error.kind(), &*bytes), (io::ErrorKind::WouldBlock, &b"> ef"[..]));
    }

    #[test]
    fn the_first_of_several_bytes_is_found() {
        for len in 0..100 {
            let mut bytes = vec![b'a'; len];
            assert_eq!(find_byte(b'x', &bytes), None);
            for at in (0..len).rev() {
                bytes[at] = b'x';
                assert_eq!(find_byte(b'x', &bytes), Some(at));
                assert_eq!(find_byte(b'x', &bytes[..at]), None, "nothing behind the end is seen");
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn advice_changes_no_memory() {
        for size in [0, 1, 10_000, 5 << 20] {
            let mut bytes = Vec::with_capacity(size);
            bytes.extend_from_slice(&b"before"[..size.min(6)]);
            prefer_large_pages(&mut bytes);
            bytes.resize(size, 7);
            assert!(bytes.starts_with(&b"before"[..size.min(6)]));
            assert!(bytes.iter().skip(6).all(|byte| *byte == 7));
        }
    }
}
