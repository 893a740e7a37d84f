//! Reads that are answered from the system's cache or not at all (`RWF_NOWAIT` of Linux).
//!
//! A hand-off to another thread costs more than the copy; the system's own read-ahead sees to it that a
//! file that is read in order is mostly there.

#[cfg(target_os = "linux")]
pub(super) use linux::AtOnce;
#[cfg(not(target_os = "linux"))]
pub(super) use nowhere::AtOnce;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::ErrorKind;
    use std::os::fd::AsFd;

    use corio_runtime::sys::read_cached;
    use corio_sync::hooks;
    use corio_sync::prim::{AtomicBool, Ordering};

    /// As much is read at once: it takes some ten microseconds.
    const MOST: usize = 128 << 10;
    /// So many bytes are worth one operation of the task's budget.
    const BYTES_PER_OPERATION: usize = 4 << 10;

    pub(in super::super) struct AtOnce {
        /// The file system has refused such reads.
        refused: AtomicBool,
    }

    impl AtOnce {
        pub(in super::super) fn new() -> Self {
            Self { refused: AtomicBool::new(false) }
        }

        /// Reads at `offset`, or at the position, what is there now. None says that only a call can
        /// tell.
        pub(in super::super) fn read(
            &self,
            file: &File,
            buf: &mut [u8],
            offset: Option<u64>,
        ) -> Option<usize> {
            // Ordering: Relaxed, a flag that only saves a failing call.
            if self.refused.load(Ordering::Relaxed) {
                return None;
            }
            let len = buf.len().min(MOST);
            match read_cached(file.as_fd(), &mut buf[..len], offset) {
                Ok(n) => {
                    (0..=n / BYTES_PER_OPERATION).for_each(|_| hooks::spend());
                    Some(n)
                }
                // Not in the cache. Other errors are told by the call.
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    None
                }
                // The system has not been asked: the offset is beyond what it knows.
                Err(error) if error.raw_os_error().is_none() => None,
                Err(_) => {
                    // Ordering: Relaxed, see above.
                    self.refused.store(true, Ordering::Relaxed);
                    None
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::fs::File;

    /// There is no such call.
    pub(in super::super) struct AtOnce;

    impl AtOnce {
        pub(in super::super) fn new() -> Self {
            Self
        }

        pub(in super::super) fn read(
            &self,
            _: &File,
            _: &mut [u8],
            _: Option<u64>,
        ) -> Option<usize> {
            None
        }
    }
}
