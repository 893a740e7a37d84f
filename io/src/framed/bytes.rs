//! Bytes as they come: [`BytesCodec`].

use std::io::Error;

use super::{Buffer, Decoder, Encoder};

/// No messages at all: each item is whatever one read brought.
///
/// # Examples
///
/// ```
/// use corio_io::framed::{BytesCodec, Framed};
///
/// # corio_io::example(async {
/// let mut chunks = Framed::new(&b"some bytes"[..], BytesCodec::new());
/// assert_eq!(chunks.next().await.transpose()?.as_deref(), Some(&b"some bytes"[..]));
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BytesCodec(());

impl BytesCodec {
    /// Makes the codec.
    pub fn new() -> Self {
        Self(())
    }
}

impl Decoder for BytesCodec {
    type Item = Vec<u8>;
    type Error = Error;

    fn decode(&mut self, buf: &mut Buffer) -> Result<Option<Vec<u8>>, Error> {
        let len = buf.len();
        Ok((len > 0).then(|| buf.split_to(len)))
    }
}

impl<I: AsRef<[u8]>> Encoder<I> for BytesCodec {
    type Error = Error;

    fn encode(&mut self, item: I, buf: &mut Vec<u8>) -> Result<(), Error> {
        buf.extend_from_slice(item.as_ref());
        Ok(())
    }
}
