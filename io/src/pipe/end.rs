//! What the two ends of a pipe have in common: a descriptor, registered, that may have been closed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::task::{Context, Poll};

use corio_runtime::reactor::{Direction, Interest, Readiness, Registered, Registration, Wait};
use corio_runtime::sys::{set_status_flags, status_flags};

use crate::with_context;

pub(super) struct End {
    /// None once it is closed.
    io: Option<Registered<File>>,
    direction: Direction,
    /// A transfer of fewer bytes than asked for shows that there is no more to be had. So it is with
    /// pipes; a terminal hands out one line at a time.
    short_is_all: bool,
    is_terminal: bool,
}

impl End {
    /// Takes the end of a pipe that is in non-blocking mode.
    pub(super) fn of_pipe(fd: OwnedFd, direction: Direction) -> Self {
        let io = Some(Registered::new(File::from(fd)));
        Self { io, direction, short_is_all: true, is_terminal: false }
    }

    /// Takes any descriptor that can be waited for, and puts it into non-blocking mode.
    pub(super) fn of_fd(fd: OwnedFd, direction: Direction) -> Result<Self> {
        let file = File::from(fd);
        let kind = file.metadata()?.file_type();
        if !(kind.is_fifo() || kind.is_socket() || kind.is_char_device()) {
            let text = "not a pipe, socket or character device but a file, which is always ready: \
                        use `fs::File`";
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let flags = status_flags(file.as_fd())?;
        let wrong = match direction {
            Direction::Read => libc::O_WRONLY,
            Direction::Write => libc::O_RDONLY,
        };
        if flags & libc::O_ACCMODE == wrong {
            let text = match direction {
                Direction::Read => "the descriptor is open for writing only: make a `Sender` of it",
                Direction::Write => {
                    "the descriptor is open for reading only: make a `Receiver` of it"
                }
            };
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        set_status_flags(file.as_fd(), flags | libc::O_NONBLOCK)?;
        let end = Self::of_pipe(file.into(), direction);
        Ok(Self { short_is_all: kind.is_fifo(), is_terminal: kind.is_char_device(), ..end })
    }

    /// Opens a named pipe without waiting for the other side.
    pub(super) fn open(path: &Path, direction: Direction) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new()
                .read(direction == Direction::Read)
                .write(direction == Direction::Write)
                .custom_flags(libc::O_NONBLOCK)
                .open(path)?;
            let end = Self::of_fd(file.into(), direction)?;
            Ok(match direction {
                // Before the first writer has come, a read finds the end of the input. The system
                // knows better: it reports nothing until there was a writer.
                Direction::Read => end.unready(),
                Direction::Write => end,
            })
        };
        open().map_err(|error| {
            with_context(error, format_args!("cannot open the pipe {}", path.display()))
        })
    }

    fn unready(self) -> Self {
        let io = self.io.map(|io| {
            let registration = Registration::new_unready(Interest::Both);
            Registered::with_registration(io.into_inner(), registration)
        });
        Self { io, ..self }
    }

    pub(super) fn io(&self) -> Result<&Registered<File>> {
        self.io.as_ref().ok_or_else(closed)
    }

    /// Closes the descriptor, for the other side to notice.
    pub(super) fn close(&mut self) {
        self.io = None;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.io.is_none()
    }

    /// Transfers up to `len` bytes with `operation`, once that does not block.
    pub(super) fn poll_io(
        &self,
        wait: Wait,
        len: usize,
        cx: &mut Context<'_>,
        operation: &mut dyn FnMut(&File) -> Result<usize>,
    ) -> Poll<Result<usize>> {
        let io = self.io()?;
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        if self.short_is_all {
            return io.poll_stream_io(self.direction, wait, len, cx, operation);
        }
        io.poll_io(self.direction, wait, cx, operation).map(|result| match result {
            // What Linux says of a terminal whose other side is closed is its way to say "the end".
            Err(error) if self.is_ended_terminal(&error) => Ok(0),
            result => result,
        })
    }

    fn is_ended_terminal(&self, error: &Error) -> bool {
        self.is_terminal
            && self.direction == Direction::Read
            && error.raw_os_error() == Some(libc::EIO)
    }

    pub(super) fn try_io(&self, operation: impl FnOnce(&File) -> Result<usize>) -> Result<usize> {
        self.io()?.try_io(self.direction, operation)
    }

    /// Waits until the end can be used again, in `direction`.
    pub(super) fn poll_ready(
        &self,
        direction: Direction,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Readiness>> {
        self.io()?.poll_ready(direction, wait, cx)
    }

    /// Gives the descriptor back, still in non-blocking mode.
    pub(super) fn into_fd(self) -> Result<OwnedFd> {
        Ok(self.io.ok_or_else(closed)?.into_inner().into())
    }

    pub(super) fn into_blocking_fd(self) -> Result<OwnedFd> {
        let fd = self.into_fd()?;
        // The mode belongs to the open file and not to the descriptor.
        set_status_flags(fd.as_fd(), status_flags(fd.as_fd())? & !libc::O_NONBLOCK)?;
        Ok(fd)
    }
}

#[cold]
fn closed() -> Error {
    Error::new(ErrorKind::BrokenPipe, "this end of the pipe is closed: use it before `close`")
}

impl AsFd for End {
    /// # Panics
    ///
    /// After `close`: there is no descriptor any more.
    #[track_caller]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.io {
            Some(io) => io.as_fd(),
            None => panic!("this end of the pipe is closed and has no descriptor any more"),
        }
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.io {
            Some(io) => io.get_ref().fmt(f),
            None => f.write_str("closed"),
        }
    }
}

/// The conversions from and to std, for either end.
macro_rules! end_conversions {
    ($type:ident, $($std:ty),+) => {
        impl TryFrom<OwnedFd> for $type {
            type Error = Error;

            /// Takes a pipe, a socket or a character device (a terminal).
            ///
            /// The descriptor is put into non-blocking mode. That mode belongs to the open file: other
            /// descriptors of it, and other processes that share it, see it too.
            ///
            /// # Errors
            ///
            /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) for regular files and directories, and
            /// for a descriptor that is open for the other direction only.
            fn try_from(fd: OwnedFd) -> Result<Self> {
                Self::of_fd(fd)
            }
        }

        $(
            impl TryFrom<$std> for $type {
                type Error = Error;

                /// Takes the parent's end of a child's stream; the child does not notice.
                ///
                /// # Errors
                ///
                /// Those of the system's `fcntl`.
                fn try_from(stream: $std) -> Result<Self> {
                    Self::of_fd(stream.into())
                }
            }
        )+

        impl TryFrom<$type> for OwnedFd {
            type Error = Error;

            /// Gives the descriptor back, in non-blocking mode still.
            ///
            /// # Errors
            ///
            /// [`BrokenPipe`](std::io::ErrorKind::BrokenPipe) when it is closed.
            fn try_from(end: $type) -> Result<Self> {
                end.0.into_fd()
            }
        }

        impl TryFrom<$type> for Stdio {
            type Error = Error;

            /// Makes the end a standard stream of a child process, in the mode that programs expect.
            ///
            /// # Errors
            ///
            /// Those of `into_blocking_fd`.
            fn try_from(end: $type) -> Result<Self> {
                Ok(end.into_blocking_fd()?.into())
            }
        }

        impl AsFd for $type {
            /// # Panics
            ///
            /// When the end is closed.
            #[track_caller]
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl AsRawFd for $type {
            /// # Panics
            ///
            /// When the end is closed.
            #[track_caller]
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }

        impl $type {
            /// Gives the descriptor back, in blocking mode, as most programs expect it.
            ///
            /// # Errors
            ///
            /// [`BrokenPipe`](std::io::ErrorKind::BrokenPipe) when it is closed; else those of the
            /// system's `fcntl`.
            pub fn into_blocking_fd(self) -> Result<OwnedFd> {
                self.0.into_blocking_fd()
            }
        }
    };
}

pub(super) use end_conversions;
