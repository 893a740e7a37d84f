//! What the futures of this crate share: honest counts, wait sites, turns of a loop, sizes in `Debug`.
//!
//! Who spends the task's budget: the resource (a socket, a [`duplex`](crate::duplex()) pipe,
//! [`repeat`](crate::repeat)) for each operation, and here only a loop that goes round without
//! leaving its future, since a foreign reader may be ready for ever and know nothing of budgets.

use std::io::{Error, ErrorKind, Result};
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use corio_sync::hooks::{self, Site, WaitKind};

/// Implements `Debug` by sizes: the contents of a buffer never reach a log.
macro_rules! debug_sizes {
    ([$($generics:tt)*] $type:ty as $name:literal, $this:ident => { $($field:ident: $value:expr),* $(,)? }) => {
        impl<$($generics)*> std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $this = self;
                f.debug_struct($name)
                    $(.field(stringify!($field), &$value))*
                    .finish_non_exhaustive()
            }
        }
    };
}

/// `n` if a reader can have put so many bytes into a buffer of `room`.
#[inline]
pub(crate) fn read_count(n: usize, room: usize) -> Result<usize> {
    if n <= room { Ok(n) } else { Err(false_claim("reader", "poll_read", n, room)) }
}

/// `n` if a writer can have taken so many of `given` bytes.
#[inline]
pub(crate) fn write_count(n: usize, given: usize) -> Result<usize> {
    if n <= given { Ok(n) } else { Err(false_claim("writer", "poll_write", n, given)) }
}

#[cold]
fn false_claim(who: &str, method: &str, n: usize, room: usize) -> Error {
    let text = format!("the {who} claims {n} bytes of a buffer of {room}: its `{method}` is wrong");
    Error::new(ErrorKind::InvalidData, text)
}

/// A read that met the end of the input too early.
#[cold]
pub(crate) fn early_end(have: usize, wanted: usize) -> Error {
    let text = format!("the input ended after {have} of {wanted} bytes");
    Error::new(ErrorKind::UnexpectedEof, text)
}

/// A write of which the writer took nothing.
#[cold]
pub(crate) fn write_zero(done: usize, whole: usize) -> Error {
    let text = format!("the writer takes no more bytes, after {done} of {whole}");
    Error::new(ErrorKind::WriteZero, text)
}

/// More input than `limit` where an end was expected.
#[cold]
pub(crate) fn too_long(what: &str, limit: usize) -> Error {
    let text = format!("{what} is longer than {limit} bytes: set a higher limit with `max_length`");
    Error::new(ErrorKind::InvalidData, text)
}

/// Text that is not UTF-8.
#[cold]
pub(crate) fn not_utf8(what: &str, at: usize) -> Error {
    let text = format!("{what} is not valid UTF-8 from its byte {at} on: read it as bytes instead");
    Error::new(ErrorKind::InvalidData, text)
}

/// Leaves the wait site if `poll` is pending.
#[inline]
pub(crate) fn noted<T>(poll: Poll<T>, site: Site, kind: WaitKind) -> Poll<T> {
    if poll.is_pending() {
        hooks::set_wait(site, kind);
    }
    poll
}

/// Asks for another turn of a loop inside one poll.
#[inline]
pub(crate) fn another_turn(cx: &mut Context<'_>) -> Poll<()> {
    ready!(hooks::poll_budget(cx));
    hooks::spend();
    Poll::Ready(())
}

/// The place of the first `byte`.
#[inline]
pub fn find_byte(byte: u8, bytes: &[u8]) -> Option<usize> {
    corio_runtime::sys::find_byte(byte, bytes)
}

/// Takes `byte` off the end, if it is there.
pub(crate) fn pop_byte(bytes: &mut Vec<u8>, byte: u8) -> bool {
    let there = bytes.last() == Some(&byte);
    if there {
        bytes.pop();
    }
    there
}

/// Runs an example of this crate's documentation.
#[doc(hidden)]
pub fn example<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        // The examples talk to themselves: each poll makes progress.
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u05_counts_beyond_the_buffer_are_errors() {
        assert_eq!(read_count(4, 4).unwrap(), 4);
        let error = read_count(5, 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("5 bytes of a buffer of 4"));
        assert!(write_count(usize::MAX, 0).is_err());
    }
}
