//! Reading and writing bytes: traits, extensions, buffers, in-memory pipes, frames.
//!
//! *How do I read a line, copy a stream, or cut a stream into messages?*
//!
//! | I want to | use |
//! |---|---|
//! | read or write some bytes, an exact number, a number type | [`AsyncReadExt`], [`AsyncWriteExt`] |
//! | read up to a byte, or line by line | [`AsyncBufReadExt`] on a [`BufReader`] |
//! | spare system calls | [`BufReader`], [`BufWriter`], [`BufStream`] |
//! | move everything from a reader to a writer | [`copy()`], [`copy_buf`], [`copy_bidirectional`] |
//! | read in one task and write in another | [`split`] |
//! | connect two tasks, or a test, without a socket | [`duplex()`], [`simplex`] |
//! | send and receive messages instead of bytes | [`Framed`] |
//! | read from memory, nothing, or a constant; throw bytes away | [`Cursor`], [`empty`], [`repeat`], [`sink`] |
//!
//! The traits are those of the `futures-io` crate, so types of other crates that implement them work
//! here, and the types of this crate work there. Nothing in these modules needs a particular runtime:
//! they know [`Waker`](std::task::Waker) and nothing else.
//!
//! # Limits
//!
//! Input that comes from a peer has no natural end. Whatever collects until a delimiter stops at
//! [`DEFAULT_MAX_LENGTH`] bytes with an error that names the limit; each of these futures has a
//! method `max_length` that sets another one.
//!
//! # Peers and types that lie
//!
//! A reader that claims more bytes than fit the buffer, or a writer that claims more than it was
//! given, breaks its trait's contract. Every adaptor here answers with an error of kind
//! [`InvalidData`](ErrorKind::InvalidData); none shows bytes that were not read.
#![forbid(unsafe_code)]

#[macro_use]
mod inherent;
#[macro_use]
mod support;
#[doc(hidden)]
pub use support::find_byte;

#[cfg(unix)]
mod async_fd;
#[doc(hidden)]
pub mod background;
#[cfg(all(unix, feature = "fs"))]
mod behind;
pub mod buf_read;
mod buffer;
mod buffered;
mod context;
pub mod copy;
mod cursor;
pub mod duplex;
pub mod framed;
#[cfg(all(unix, feature = "fs"))]
pub mod fs;
#[cfg(unix)]
pub mod pipe;
#[cfg(target_os = "linux")]
mod poller;
pub mod prelude;
#[cfg(all(unix, feature = "process"))]
pub mod process;
pub mod read;
pub mod seek;
mod split;
#[cfg(all(unix, feature = "fs"))]
mod stdio;
mod trivial;
pub mod write;

pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
pub use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Result, SeekFrom};

#[cfg(unix)]
pub use async_fd::AsyncFd;
pub use buf_read::{AsyncBufReadExt, Lines, Split};
pub use buffered::{BufReader, BufStream, BufWriter};
pub use context::raw_os_error;
#[doc(hidden)]
pub use context::{told, with_context};
pub use copy::{copy, copy_bidirectional, copy_buf};
#[cfg(unix)]
pub use corio_runtime::reactor::{Direction, Interest, Readiness};
pub use cursor::Cursor;
pub use duplex::{DuplexStream, SimplexReader, SimplexWriter, duplex, simplex};
pub use framed::{Decoder, Encoder, Framed};
#[cfg(unix)]
pub use pipe::pipe;
#[cfg(target_os = "linux")]
pub use poller::{Poller, PollerEvent};
pub use read::{AsyncReadExt, Chain, Take};
pub use seek::AsyncSeekExt;
pub use split::{ReadHalf, ReuniteError, WriteHalf, split};
#[cfg(all(unix, feature = "fs"))]
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};
pub use trivial::{Empty, Repeat, Sink, empty, repeat, sink};
pub use write::AsyncWriteExt;

#[doc(hidden)]
pub use support::example;

/// The most bytes that a line, a segment or a frame may have unless `max_length` says otherwise: 8 MiB.
pub const DEFAULT_MAX_LENGTH: usize = 8 << 20;
