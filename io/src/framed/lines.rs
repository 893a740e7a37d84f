//! Lines of text: [`LinesCodec`].

use std::io::{Error, ErrorKind};
use std::string::FromUtf8Error;

use super::{Buffer, Decoder, Encoder};
use crate::DEFAULT_MAX_LENGTH;
use crate::support::{find_byte, not_utf8, pop_byte, too_long};

/// Lines that end with `\n` or `\r\n` when read, and with `\n` when sent.
///
/// A line that is too long or not UTF-8 is an error, and the next message is the next line. The last
/// line needs no end.
///
/// # Examples
///
/// ```
/// use corio_io::framed::{Framed, LinesCodec};
///
/// # corio_io::example(async {
/// let mut out = Framed::new(Vec::new(), LinesCodec::new());
/// out.send("hello").await?;
/// assert_eq!(out.get_ref(), b"hello\n");
/// // A line with an end inside would arrive as two.
/// assert!(out.send("two\nlines").await.is_err());
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct LinesCodec {
    limit: usize,
    /// How much of the buffer has no end of line in it.
    seen: usize,
    /// The line was too long and has been reported: its rest is to be thrown away.
    skipping: bool,
}

impl Clone for LinesCodec {
    /// Makes a codec with the same limit, for another stream: it stands at the start of a line.
    fn clone(&self) -> Self {
        Self::new().max_length(self.limit)
    }
}

impl Default for LinesCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl LinesCodec {
    /// Makes the codec, for lines of up to [`DEFAULT_MAX_LENGTH`] bytes.
    pub fn new() -> Self {
        Self { limit: DEFAULT_MAX_LENGTH, seen: 0, skipping: false }
    }

    /// Sets how many bytes a line may have before its `\n`.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Throws away the rest of a line that was too long; true if its end has been found.
    fn skip(&mut self, buf: &mut Buffer) -> bool {
        let end = find_byte(b'\n', buf);
        buf.consume(end.map_or(buf.len(), |at| at + 1));
        self.skipping = end.is_none();
        end.is_some()
    }

    fn over(&mut self, buf: &mut Buffer, taken: usize, skipping: bool) -> Error {
        buf.consume(taken);
        self.skipping = skipping;
        too_long("the line", self.limit)
    }

    fn text(line: Vec<u8>) -> Result<Option<String>, Error> {
        let not_text = |e: FromUtf8Error| not_utf8("the line", e.utf8_error().valid_up_to());
        String::from_utf8(line).map(Some).map_err(not_text)
    }
}

impl Decoder for LinesCodec {
    type Item = String;
    type Error = Error;

    fn decode(&mut self, buf: &mut Buffer) -> Result<Option<String>, Error> {
        if self.skipping && !self.skip(buf) {
            return Ok(None);
        }
        // What came earlier has been searched, unless someone took it away.
        let seen = std::mem::take(&mut self.seen).min(buf.len());
        match find_byte(b'\n', &buf[seen..]).map(|at| seen + at) {
            Some(end) if end > self.limit => Err(self.over(buf, end + 1, false)),
            Some(end) => {
                let mut line = buf.split_to(end);
                buf.consume(1);
                pop_byte(&mut line, b'\r');
                Self::text(line)
            }
            None if buf.len() > self.limit => Err(self.over(buf, buf.len(), true)),
            None => {
                self.seen = buf.len();
                Ok(None)
            }
        }
    }

    fn decode_eof(&mut self, buf: &mut Buffer) -> Result<Option<String>, Error> {
        match self.decode(buf)? {
            None if !buf.is_empty() => {
                let rest = buf.len();
                // A `\r` without `\n` belongs to the text.
                Self::text(buf.split_to(rest))
            }
            line => Ok(line),
        }
    }

    fn max_length(&self) -> usize {
        // The codec itself reports what is too long.
        usize::MAX
    }
}

impl<I: AsRef<str>> Encoder<I> for LinesCodec {
    type Error = Error;

    fn encode(&mut self, item: I, buf: &mut Vec<u8>) -> Result<(), Error> {
        let line = item.as_ref().as_bytes();
        if let Some(at) = find_byte(b'\n', line) {
            let text = format!("the line has an end at its byte {at}: send its parts one by one");
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        if line.len() > self.limit {
            return Err(too_long("the line", self.limit));
        }
        buf.extend_from_slice(line);
        buf.push(b'\n');
        Ok(())
    }
}
