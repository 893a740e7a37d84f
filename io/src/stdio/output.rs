//! Standard output and standard error.

use std::io::{ErrorKind, IoSlice, Result, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_runtime::sys::{self, PollFd, poll};
use corio_sync::prim::Arc;
use corio_sync::prim::statics::OnceLock;
use futures_io::AsyncWrite;

use crate::behind::{Behind, Sink};

static STDOUT: OnceLock<Arc<Behind<Standard>>> = OnceLock::new();
static STDERR: OnceLock<Arc<Behind<Standard>>> = OnceLock::new();

enum Standard {
    Output,
    Error,
}

impl Sink for Standard {
    /// The lines of several tasks do not mix.
    fn takes_whole(&self) -> bool {
        true
    }

    fn stays(&self) -> bool {
        true
    }

    /// Holds std's own lock, so that `println!` does not come in between.
    fn write(&self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Output => {
                let mut stdout = std::io::stdout().lock();
                // What a `print!` has left there is older.
                stdout.flush()?;
                write_all(stdout.as_fd(), bytes)
            }
            Self::Error => write_all(std::io::stderr().lock().as_fd(), bytes),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Output => "standard output".to_owned(),
            Self::Error => "standard error".to_owned(),
        }
    }
}

/// Writes all of `bytes`, or says how much went before something failed.
fn write_all(stream: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match sys::write(stream, &bytes[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another program that shares the stream has made it non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(stream)?,
            // Without the stream, what is written goes nowhere, as std has it.
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => return Ok(bytes.len()),
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The bytes of all `bufs`.
fn joined(bufs: &[IoSlice<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bufs.iter().for_each(|buf| bytes.extend_from_slice(buf));
    bytes
}

fn wait_for_room(stream: BorrowedFd<'_>) -> Result<()> {
    match poll(&mut [PollFd::writable(stream)], None) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// The two streams, written once.
macro_rules! output {
    ($(#[$doc:meta])* $type:ident, $(#[$fn_doc:meta])* $function:ident, $stream:ident, $variant:ident) => {
        $(#[$doc])*
        ///
        /// All handles are one stream. A write is taken whole and at once, unless 2 MiB are outstanding,
        /// and appears in one piece: neither another task's writes nor `println!` come into the middle
        /// of it. It is written on a thread for blocking calls, before the runtime ends. An
        /// error, such as [`BrokenPipe`](std::io::ErrorKind::BrokenPipe) when the reader has gone, or
        /// [`StorageFull`](std::io::ErrorKind::StorageFull), is that of a later write or
        /// [`flush`](Self::flush); if none of them comes, a line on stderr tells of it when the runtime
        /// ends. A program that must know flushes.
        ///
        /// # Cancel safety
        ///
        /// Safe: what has been taken is written, and a dropped `write` has taken nothing; so has a
        /// dropped `write_all`, which is one write here.
        #[derive(Clone, Debug)]
        pub struct $type(Arc<Behind<Standard>>);

        inherent_write!($type);

        $(#[$fn_doc])*
        pub fn $function() -> $type {
            $type($stream.get_or_init(|| Arc::new(Behind::new(Standard::$variant))).clone())
        }

        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<Result<usize>> {
                self.0.poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<Result<usize>> {
                self.0.poll_write(cx, &joined(bufs))
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                self.0.poll_flush(cx)
            }

            /// Flushes; the stream belongs to the program and stays open.
            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                self.0.poll_flush(cx)
            }
        }
    };
}

output! {
    /// Standard output.
    Stdout,
    /// A handle of standard output.
    ///
    /// # Examples
    ///
    /// ```
    /// # corio_runtime::run(async {
    /// let mut out = corio_io::stdout();
    /// out.write_all(b"hello\n").await?;
    /// out.flush().await?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    stdout, STDOUT, Output
}

output! {
    /// Standard error.
    Stderr,
    /// A handle of standard error.
    ///
    /// # Examples
    ///
    /// ```
    /// # corio_runtime::run(async {
    /// corio_io::stderr().write_all(b"careful\n").await?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    stderr, STDERR, Error
}
