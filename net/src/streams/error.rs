//! The errors of streams that callers tell apart, inside of [`io::Error`]; and errors that last.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use corio_io::{raw_os_error, told};
use corio_sync::prim::Arc;

/// So many bytes, for people.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.0 == 1 { "byte" } else { "bytes" };
        write!(f, "{} {unit}", self.0)
    }
}

/// With whom the stream was, if it was a connection whose peer has an address.
type Peer = Option<SocketAddr>;

/// "the connection with 127.0.0.1:80", or "the stream".
struct Whose(Peer);

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(peer) => write!(f, "the connection with {peer}"),
            None => f.write_str("the stream"),
        }
    }
}

/// The stream ended before what was asked for had come.
///
/// It is inside of an [`io::Error`] of kind [`UnexpectedEof`](io::ErrorKind::UnexpectedEof). The bytes that
/// did come are here, and no longer in the reader.
///
/// # Examples
///
/// ```
/// use corio_net::{IncompleteRead, StreamReader};
///
/// # corio_runtime::run(async {
/// let mut reader = StreamReader::new(&b"18 bytes of the 36"[..]);
/// let error = reader.read_exact(36).await.unwrap_err();
/// let cut = IncompleteRead::of(&error).unwrap();
/// assert_eq!((cut.partial().len(), cut.expected()), (18, Some(36)));
/// # });
/// ```
#[doc(alias = "IncompleteReadError")]
#[derive(Clone, PartialEq, Eq)]
pub struct IncompleteRead {
    partial: Vec<u8>,
    expected: Option<usize>,
    peer: Peer,
}

impl IncompleteRead {
    pub(crate) fn error(partial: Vec<u8>, expected: Option<usize>, peer: Peer) -> io::Error {
        io::Error::new(io::ErrorKind::UnexpectedEof, Self { partial, expected, peer })
    }

    /// The `IncompleteRead` inside of `error`, if that is what it is.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// The bytes that came before the end.
    pub fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// How many bytes were asked for; `None` if a separator was.
    pub fn expected(&self) -> Option<usize> {
        self.expected
    }

    /// The peer's address; `None` if the stream is no connection, or its peer has none.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }
}

impl fmt::Display for IncompleteRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whose, came) = (Whose(self.peer), self.partial.len());
        match self.expected {
            Some(expected) => write!(f, "{whose} ended after {came} of {}", Bytes(expected)),
            None => {
                write!(f, "{whose} ended after {}, and none of the separators came", Bytes(came))
            }
        }
    }
}

// What was received is not for logs: its length is.
impl fmt::Debug for IncompleteRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncompleteRead")
            .field("partial_len", &self.partial.len())
            .field("expected", &self.expected)
            .field("peer", &self.peer)
            .finish()
    }
}

impl Error for IncompleteRead {}

/// No separator came within the reader's limit.
///
/// It is inside of an [`io::Error`] of kind [`InvalidData`](io::ErrorKind::InvalidData). After
/// [`read_until`](crate::StreamReader::read_until) the bytes are all still in the reader:
/// [`read_exact`](crate::StreamReader::read_exact) of [`consumed`](Self::consumed) takes those of which it is
/// certain that no separator begins in them. After [`read_line`](crate::StreamReader::read_line) what had come
/// of the line is gone.
#[doc(alias = "LimitOverrunError")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitOverrun {
    pub(crate) limit: usize,
    pub(crate) buffered: usize,
    pub(crate) consumed: usize,
    pub(crate) found: bool,
    /// The bytes are not in the reader any more.
    pub(crate) taken: bool,
    pub(crate) peer: Peer,
}

impl LimitOverrun {
    pub(crate) fn error(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self)
    }

    /// The `LimitOverrun` inside of `error`, if that is what it is.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// The reader's limit.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes the reader held.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// How many bytes stand before the first separator, or before where one might yet begin.
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// Whether there is a separator, beyond the limit.
    pub fn found(&self) -> bool {
        self.found
    }

    /// The peer's address; `None` if the stream is no connection, or its peer has none.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }
}

impl fmt::Display for LimitOverrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, found, taken, .. } = self;
        let (buffered, consumed) = (Bytes(self.buffered), Bytes(self.consumed));
        if self.peer.is_some() {
            write!(f, "{}: ", Whose(self.peer))?;
        }
        if *taken {
            let end = if *found { "ends only after" } else { "goes on after" };
            return write!(
                f,
                "the line {end} {consumed}, and the limit is {limit}: what had come of it is skipped, and \
                 the next read goes on behind; set a higher limit for such lines, or take them with \
                 `read_until`, which keeps the bytes"
            );
        }
        let what = if *found { "the separator comes only after" } else { "no separator within" };
        write!(
            f,
            "{what} {consumed}, and the limit is {limit} ({buffered} buffered): set a higher limit, or \
             read the bytes in parts"
        )
    }
}

impl Error for LimitOverrun {}

/// An error that is told to everybody who asks after it happened.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The system's number.
    os: Option<i32>,
    /// There is nothing but the number.
    bare: bool,
    kind: io::ErrorKind,
    text: Arc<str>,
}

impl Failure {
    pub(crate) fn new(kind: io::ErrorKind, text: &str) -> Self {
        Self { os: None, bare: false, kind, text: text.into() }
    }

    /// Whether `error` is about the connection, so that it stays.
    pub(crate) fn lasts(error: &io::Error) -> bool {
        raw_os_error(error).is_some() || error.kind() != io::ErrorKind::Other
    }

    /// Whether what the peer sends is lost by it, too. A broken pipe is not such a failure: it says only that
    /// the peer takes nothing more, and what it sent before its end has come.
    pub(crate) fn cuts_both(&self) -> bool {
        use io::ErrorKind::{
            ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable,
            TimedOut,
        };
        matches!(
            self.kind,
            ConnectionAborted
                | ConnectionReset
                | HostUnreachable
                | NetworkDown
                | NetworkUnreachable
                | TimedOut
        )
    }

    pub(crate) fn error(&self) -> io::Error {
        match self.os {
            Some(os) if self.bare => io::Error::from_raw_os_error(os),
            Some(os) => told(self.text.to_string(), io::Error::from_raw_os_error(os)),
            None => io::Error::new(self.kind, &*self.text),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        let bare = error.raw_os_error().is_some();
        Self { os: raw_os_error(error), bare, kind: error.kind(), text: error.to_string().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_the_same_each_time() {
        for error in [
            io::Error::from_raw_os_error(libc::ECONNRESET),
            corio_io::with_context(io::Error::from_raw_os_error(libc::ECONNRESET), "with a"),
            io::Error::new(io::ErrorKind::InvalidData, "odd"),
        ] {
            let failure = Failure::from(&error);
            for _ in 0..2 {
                let again = failure.error();
                assert_eq!(again.kind(), error.kind());
                assert_eq!(again.raw_os_error(), error.raw_os_error());
                assert_eq!(raw_os_error(&again), raw_os_error(&error));
                assert_eq!(again.to_string(), error.to_string());
                assert_eq!(failure.text(), error.to_string());
            }
        }
    }

    #[test]
    fn the_errors_name_their_numbers() {
        let overrun = LimitOverrun {
            limit: 4,
            buffered: 11,
            consumed: 8,
            found: true,
            taken: false,
            peer: None,
        };
        let text = overrun.clone().error().to_string();
        assert!(text.contains('4') && text.contains("11") && text.contains('8'), "{text}");
        assert_eq!(LimitOverrun::of(&overrun.clone().error()), Some(&overrun));
        let cut = IncompleteRead::error(vec![0; 18], Some(36), None);
        assert_eq!(cut.to_string(), "the stream ended after 18 of 36 bytes");
        let ended = |came: usize, expected| {
            IncompleteRead::error(vec![0; came], expected, None).to_string()
        };
        assert_eq!(ended(0, Some(1)), "the stream ended after 0 of 1 byte");
        assert!(ended(1, None).starts_with("the stream ended after 1 byte, "));
        assert!(ended(0, None).starts_with("the stream ended after 0 bytes, "));
        // What to do next depends on where the bytes are.
        assert!(text.contains("read the bytes in parts"), "{text}");
        let text = LimitOverrun { taken: true, ..overrun.clone() }.to_string();
        assert!(text.contains("skipped") && !text.contains("in parts"), "{text}");
        assert!(LimitOverrun::of(&cut).is_none() && IncompleteRead::of(&cut).is_some());
    }

    #[test]
    fn the_errors_name_the_peer() {
        let peer = Some("[::1]:80".parse().unwrap());
        let cut = IncompleteRead::error(vec![0; 18], Some(36), peer);
        assert_eq!(cut.to_string(), "the connection with [::1]:80 ended after 18 of 36 bytes");
        assert_eq!(IncompleteRead::of(&cut).unwrap().peer_addr(), peer);
        let cut = IncompleteRead::error(vec![0; 2], None, peer).to_string();
        assert!(cut.starts_with("the connection with [::1]:80 ended after 2 bytes, "), "{cut}");
        let (limit, buffered, consumed) = (4, 11, 8);
        for (found, taken) in [(false, false), (false, true), (true, false), (true, true)] {
            let overrun = LimitOverrun { limit, buffered, consumed, found, taken, peer };
            assert_eq!(overrun.peer_addr(), peer);
            let named = overrun.clone().error().to_string();
            let text = LimitOverrun { peer: None, ..overrun }.to_string();
            assert_eq!(named, format!("the connection with [::1]:80: {text}"));
        }
    }
}
