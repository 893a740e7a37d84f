//! Messages instead of bytes: [`Framed`] and its codecs.
//!
//! *How do I send whole messages over a stream?* Wrap it in a [`Framed`] with a codec:
//!
//! | messages | codec |
//! |---|---|
//! | lines of text | [`LinesCodec`] |
//! | bytes with their length in front | [`LengthDelimitedCodec`] |
//! | bytes as they come | [`BytesCodec`] |
//! | anything else | your own [`Decoder`] and [`Encoder`] |

mod bytes;
mod length;
mod lines;
mod next;
mod send;

use std::fmt;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::Site;
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use pin_project_lite::pin_project;

use crate::DEFAULT_MAX_LENGTH;
use next::ReadState;
use send::WriteState;

pub use crate::buffer::Buffer;
pub use bytes::BytesCodec;
pub use length::LengthDelimitedCodec;
pub use lines::LinesCodec;
pub use next::Next;
pub use send::{Close, Feed, Flush, Sending};

/// Makes messages out of bytes.
pub trait Decoder {
    /// A message.
    type Item;
    /// What may go wrong; errors of the stream are turned into it.
    type Error: From<Error>;

    /// Takes the first message off the front of `buf`; `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// Whatever makes the bytes no message. The error is passed on, and decoding goes on with what is
    /// then in `buf`; a decoder that cannot go on leaves `buf` as it is, and the stream ends.
    fn decode(&mut self, buf: &mut Buffer) -> Result<Option<Self::Item>, Self::Error>;

    /// Takes the next message off `buf` when no more bytes will come; `None` ends the stream.
    ///
    /// It is called until it returns `None`.
    ///
    /// # Errors
    ///
    /// Unless it is overridden, `UnexpectedEof` when bytes are left that are no message.
    fn decode_eof(&mut self, buf: &mut Buffer) -> Result<Option<Self::Item>, Self::Error> {
        match self.decode(buf)? {
            None if !buf.is_empty() => Err(unfinished(buf.len()).into()),
            item => Ok(item),
        }
    }

    /// The most bytes that may wait in the buffer for the rest of their message.
    ///
    /// More is an error of kind `InvalidData` that ends the stream, so that no peer can make the
    /// buffer grow without end. Unless it is overridden, [`DEFAULT_MAX_LENGTH`].
    fn max_length(&self) -> usize {
        DEFAULT_MAX_LENGTH
    }
}

/// Makes bytes out of messages.
pub trait Encoder<Item> {
    /// What may go wrong; errors of the stream are turned into it.
    type Error: From<Error>;

    /// Appends the bytes of `item` to `buf`.
    ///
    /// # Errors
    ///
    /// Whatever makes `item` impossible to send. What was appended is then taken back.
    fn encode(&mut self, item: Item, buf: &mut Vec<u8>) -> Result<(), Self::Error>;
}

/// The input ended in the middle of a message.
fn unfinished(left: usize) -> Error {
    let text = format!("the input ended inside a message, of which {left} bytes came");
    Error::new(ErrorKind::UnexpectedEof, text)
}

pin_project! {
    /// A stream of messages over a stream of bytes.
    ///
    /// Over a reader it is a `Stream` of `Result<Item, Error>`, and [`next`](Self::next) needs no
    /// stream extension. Over a writer it sends with [`send`](Self::send). To do both at once from two
    /// tasks, [`split`](crate::split) the byte stream and wrap each half.
    ///
    /// After an error of the byte stream, or one from which the decoder cannot go on, there are no
    /// more messages.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::framed::{Framed, LengthDelimitedCodec};
    ///
    /// # corio_io::example(async {
    /// let (a, b) = corio_io::duplex(1024);
    /// let mut a = Framed::new(a, LengthDelimitedCodec::new());
    /// let mut b = Framed::new(b, LengthDelimitedCodec::new());
    /// a.send(b"first").await?;
    /// a.send(b"second").await?;
    /// drop(a);
    /// assert_eq!(b.next().await.transpose()?.as_deref(), Some(&b"first"[..]));
    /// assert_eq!(b.next().await.transpose()?.as_deref(), Some(&b"second"[..]));
    /// assert!(b.next().await.is_none());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "FramedRead")]
    #[doc(alias = "FramedWrite")]
    pub struct Framed<T, C> {
        #[pin]
        io: T,
        codec: C,
        read: ReadState,
        write: WriteState,
        // Where it was made, for polls that come from no call of ours.
        site: Site,
    }
}

impl<T, C> Framed<T, C> {
    /// Wraps `io`, with messages as `codec` has them.
    #[track_caller]
    pub fn new(io: T, codec: C) -> Self {
        let (read, write) = Default::default();
        Self { io, codec, read, write, site: Site::caller() }
    }

    /// Returns a reference to the byte stream.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// Returns a mutable reference to the byte stream; reading or writing there cuts into messages.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// Returns a reference to the codec.
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// Returns a mutable reference to the codec.
    pub fn codec_mut(&mut self) -> &mut C {
        &mut self.codec
    }

    /// Returns what has been read and is no message yet.
    pub fn read_buffer(&self) -> &[u8] {
        self.read.buffer()
    }

    /// Returns what has been encoded and waits to be written.
    pub fn write_buffer(&self) -> &[u8] {
        self.write.buffer()
    }

    /// Returns the byte stream; what is in the buffers is lost.
    pub fn into_inner(self) -> T {
        self.io
    }

    /// Goes on with another codec, from the byte where this one stopped (after a handshake, say).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::framed::{BytesCodec, Framed, LinesCodec};
    ///
    /// # corio_io::example(async {
    /// let mut lines = Framed::new(&b"UPGRADE\nraw bytes"[..], LinesCodec::new());
    /// assert_eq!(lines.next().await.transpose()?.as_deref(), Some("UPGRADE"));
    /// let mut raw = lines.map_codec(|_| BytesCodec::new());
    /// assert_eq!(raw.next().await.transpose()?.as_deref(), Some(&b"raw bytes"[..]));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn map_codec<D>(self, map: impl FnOnce(C) -> D) -> Framed<T, D> {
        let Self { io, codec, read, write, site } = self;
        Framed { io, codec: map(codec), read, write, site }
    }

    /// Returns the next message, or `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// Safe: what a dropped `next` has read is kept for the next one.
    ///
    /// # Errors
    ///
    /// Those of the byte stream and of the decoder.
    #[expect(clippy::should_implement_trait, reason = "it is the async form of the iterator's")]
    #[track_caller]
    pub fn next(&mut self) -> Next<'_, T, C>
    where
        T: AsyncRead + Unpin,
        C: Decoder,
    {
        Next { framed: self, site: Site::caller() }
    }

    /// Sends `item` and flushes.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `send` may have encoded its item, and then the item goes out with the next
    /// flush; an item is never cut in two.
    ///
    /// # Errors
    ///
    /// Those of the byte stream and of the encoder.
    #[track_caller]
    pub fn send<I>(&mut self, item: I) -> Sending<'_, T, C, I>
    where
        T: AsyncWrite + Unpin,
        C: Encoder<I>,
    {
        Sending { feed: self.feed(item) }
    }

    /// Encodes `item` without flushing, once there is room in the buffer.
    ///
    /// # Cancel safety
    ///
    /// Safe, but whether the item of a dropped `feed` goes out is not known, as with [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn feed<I>(&mut self, item: I) -> Feed<'_, T, C, I>
    where
        T: AsyncWrite + Unpin,
        C: Encoder<I>,
    {
        Feed { framed: self, item: Some(item), site: Site::caller() }
    }

    /// Writes out what was encoded, and flushes the byte stream.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost; flush again.
    ///
    /// # Errors
    ///
    /// Those of the byte stream; `WriteZero` when it takes no more.
    #[track_caller]
    pub fn flush(&mut self) -> Flush<'_, T, C>
    where
        T: AsyncWrite + Unpin,
    {
        Flush { framed: self, site: Site::caller() }
    }

    /// Writes out what was encoded, and closes the byte stream: the peer sees the end.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost; close again.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    #[track_caller]
    pub fn close(&mut self) -> Close<'_, T, C>
    where
        T: AsyncWrite + Unpin,
    {
        Close { framed: self, site: Site::caller() }
    }
}

impl<T: AsyncRead, C: Decoder> Stream for Framed<T, C> {
    type Item = Result<C::Item, C::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        this.read.poll_next(this.io, this.codec, cx, *this.site)
    }
}

impl<T: fmt::Debug, C: fmt::Debug> fmt::Debug for Framed<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed")
            .field("io", &self.io)
            .field("codec", &self.codec)
            .field("read", &self.read)
            .field("write", &self.write)
            .finish()
    }
}
