//! Bytes with their length in front: [`LengthDelimitedCodec`].

use std::io::{Error, ErrorKind};

use super::{Buffer, Decoder, Encoder};
use crate::DEFAULT_MAX_LENGTH;

/// Messages of bytes, each behind a header with its length.
///
/// As [`new`](Self::new) makes it, the header is four bytes, big-endian, and counts what follows it.
/// Other formats are described step by step; the order of the bytes of a message on the wire is
///
/// ```text
/// [ offset bytes ][ length field ][ … up to `header` bytes ][ payload ]
/// ```
///
/// where the field holds `payload - adjust`. Decoding yields the payload; with
/// [`keep_header`](Self::keep_header) the header too. Encoding writes zeros around the length field.
///
/// # Examples
///
/// A format whose two-byte, little-endian field counts itself:
///
/// ```
/// use corio_io::framed::{Framed, LengthDelimitedCodec};
///
/// # corio_io::example(async {
/// let codec = LengthDelimitedCodec::new().field(2).little_endian().adjust(-2);
/// let mut out = Framed::new(Vec::new(), codec.clone());
/// out.send(b"abc").await?;
/// assert_eq!(out.get_ref(), &[5, 0, b'a', b'b', b'c']);
///
/// let mut input = Framed::new(&out.get_ref()[..], codec);
/// assert_eq!(input.next().await.transpose()?.as_deref(), Some(&b"abc"[..]));
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct LengthDelimitedCodec {
    offset: usize,
    field: usize,
    header: usize,
    adjust: i64,
    little_endian: bool,
    keep_header: bool,
    limit: usize,
}

/// The bytes of the largest length field.
const WIDEST: usize = size_of::<u64>();

impl Default for LengthDelimitedCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl LengthDelimitedCodec {
    /// Makes the codec: four bytes, big-endian, for payloads up to [`DEFAULT_MAX_LENGTH`].
    pub fn new() -> Self {
        Self {
            offset: 0,
            field: size_of::<u32>(),
            header: 0,
            adjust: 0,
            little_endian: false,
            keep_header: false,
            limit: DEFAULT_MAX_LENGTH,
        }
    }

    /// Sets how many bytes stand before the length field.
    pub fn offset(mut self, bytes: usize) -> Self {
        self.offset = bytes;
        self
    }

    /// Sets how many bytes the length field has, 1 to 8.
    ///
    /// # Panics
    ///
    /// When `bytes` is not 1 to 8.
    #[track_caller]
    pub fn field(mut self, bytes: usize) -> Self {
        assert!((1..=WIDEST).contains(&bytes), "a length field has 1 to 8 bytes, not {bytes}");
        self.field = bytes;
        self
    }

    /// Sets how many bytes stand before the payload in all, if more than offset and field.
    pub fn header(mut self, bytes: usize) -> Self {
        self.header = bytes;
        self
    }

    /// Sets what is added to the field's number to get the payload's length.
    ///
    /// It is negative when the field counts some of the header.
    pub fn adjust(mut self, bytes: i64) -> Self {
        self.adjust = bytes;
        self
    }

    /// Has the smallest byte of the length come first.
    pub fn little_endian(mut self) -> Self {
        self.little_endian = true;
        self
    }

    /// Leaves the header in front of the payload when decoding.
    pub fn keep_header(mut self) -> Self {
        self.keep_header = true;
        self
    }

    /// Sets how long a payload may be.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    fn header_len(&self) -> usize {
        self.offset.saturating_add(self.field).max(self.header)
    }

    fn read_field(&self, header: &[u8]) -> u64 {
        let field = &header[self.offset..self.offset + self.field];
        let join = |n: u64, byte: &u8| (n << 8) | u64::from(*byte);
        if self.little_endian {
            field.iter().rev().fold(0, join)
        } else {
            field.iter().fold(0, join)
        }
    }

    /// The field's bytes for a payload of `len`.
    fn write_field(&self, len: usize) -> Result<Vec<u8>, Error> {
        let number =
            u64::try_from(len).ok().and_then(|n| n.checked_add_signed(self.adjust.checked_neg()?));
        let fits = |n: &u64| self.field == WIDEST || n >> (8 * self.field) == 0;
        let Some(number) = number.filter(fits) else {
            return Err(invalid(format!(
                "a payload of {len} bytes does not fit a length field of {} bytes",
                self.field
            )));
        };
        let mut bytes = number.to_le_bytes()[..self.field].to_vec();
        if !self.little_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }

    /// The payload's length, if it is one that may come.
    fn payload_len(&self, number: u64) -> Result<usize, Error> {
        let Some(len) = number.checked_add_signed(self.adjust) else {
            let adjust = self.adjust;
            return Err(invalid(format!("a length field of {number} is no length with {adjust}")));
        };
        match usize::try_from(len) {
            Ok(len) if len <= self.limit => Ok(len),
            _ => Err(self.over(len)),
        }
    }

    fn over(&self, len: u64) -> Error {
        let limit = self.limit;
        invalid(format!(
            "a message of {len} bytes is longer than {limit}: set a higher limit with `max_length`"
        ))
    }
}

fn invalid(text: String) -> Error {
    Error::new(ErrorKind::InvalidData, text)
}

impl Decoder for LengthDelimitedCodec {
    type Item = Vec<u8>;
    type Error = Error;

    fn decode(&mut self, buf: &mut Buffer) -> Result<Option<Vec<u8>>, Error> {
        let header = self.header_len();
        if buf.len() < header {
            return Ok(None);
        }
        let payload = self.payload_len(self.read_field(buf))?;
        let whole = header.saturating_add(payload);
        if buf.len() < whole {
            return Ok(None);
        }
        if self.keep_header {
            return Ok(Some(buf.split_to(whole)));
        }
        buf.advance(header);
        Ok(Some(buf.split_to(payload)))
    }

    fn max_length(&self) -> usize {
        self.limit.saturating_add(self.header_len())
    }
}

impl<I: AsRef<[u8]>> Encoder<I> for LengthDelimitedCodec {
    type Error = Error;

    fn encode(&mut self, item: I, buf: &mut Vec<u8>) -> Result<(), Error> {
        let payload = item.as_ref();
        if payload.len() > self.limit {
            return Err(self.over(payload.len() as u64));
        }
        let field = self.write_field(payload.len())?;
        let start = buf.len();
        buf.resize(start + self.header_len(), 0);
        buf[start + self.offset..][..field.len()].copy_from_slice(&field);
        buf.extend_from_slice(payload);
        Ok(())
    }
}
