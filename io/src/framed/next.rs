//! The reading side: bytes into messages.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncRead;

use super::{Decoder, Framed};
use crate::buffer::Buffer;
use crate::support::{another_turn, noted};

/// The least room for a read, and what the buffer grows by when there is less.
const ROOM: usize = 1 << 10;
const CHUNK: usize = 8 << 10;
/// The memory that an empty buffer keeps after a large message.
const KEEP: usize = 64 << 10;

/// How far the bytes have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The buffer holds no whole message.
    #[default]
    Reading,
    /// The buffer may hold another message.
    Decoding,
    /// No more bytes will come; the buffer may hold messages.
    Ending,
    /// No more messages will come.
    Ended,
}

/// What was read and not yet decoded.
#[derive(Debug, Default)]
pub(super) struct ReadState {
    buf: Buffer,
    phase: Phase,
}

type Item<D> = Result<<D as Decoder>::Item, <D as Decoder>::Error>;

impl ReadState {
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buf
    }

    pub(super) fn poll_next<R: AsyncRead, D: Decoder>(
        &mut self,
        mut reader: Pin<&mut R>,
        decoder: &mut D,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<Option<Item<D>>> {
        loop {
            match self.phase {
                Phase::Reading => {
                    if let Err(e) = ready!(self.poll_fill(reader.as_mut(), cx, site)) {
                        self.phase = Phase::Ended;
                        return Poll::Ready(Some(Err(e.into())));
                    }
                }
                Phase::Decoding => {
                    if let Some(item) = self.decode(decoder) {
                        return Poll::Ready(Some(item));
                    }
                    ready!(another_turn(cx));
                }
                Phase::Ending => return Poll::Ready(self.decode_eof(decoder)),
                Phase::Ended => return Poll::Ready(None),
            }
        }
    }

    fn poll_fill<R: AsyncRead>(
        &mut self,
        reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<std::io::Result<()>> {
        self.buf.shrink(KEEP);
        if self.buf.room() < ROOM {
            self.buf.make_room(CHUNK);
        }
        let n = ready!(noted(self.buf.poll_fill(reader, cx), site, WaitKind::Read))?;
        self.phase = if n == 0 { Phase::Ending } else { Phase::Decoding };
        Poll::Ready(Ok(()))
    }

    /// A message, an error, or nothing until more bytes come.
    fn decode<D: Decoder>(&mut self, decoder: &mut D) -> Option<Item<D>> {
        let before = self.buf.len();
        match decoder.decode(&mut self.buf) {
            Ok(Some(item)) => return Some(Ok(item)),
            Ok(None) => {}
            Err(e) => {
                // A decoder that took nothing would give the same error for ever.
                if self.buf.len() == before {
                    self.phase = Phase::Ended;
                }
                return Some(Err(e));
            }
        }
        let limit = decoder.max_length();
        if self.buf.len() > limit {
            self.phase = Phase::Ended;
            let text = format!("more than {limit} bytes make no message: raise the codec's limit");
            return Some(Err(Error::new(ErrorKind::InvalidData, text).into()));
        }
        self.phase = Phase::Reading;
        None
    }

    fn decode_eof<D: Decoder>(&mut self, decoder: &mut D) -> Option<Item<D>> {
        let before = self.buf.len();
        let item = decoder.decode_eof(&mut self.buf).transpose();
        let ended = match &item {
            None => true,
            Some(Err(_)) => self.buf.len() == before,
            Some(Ok(_)) => false,
        };
        if ended {
            self.phase = Phase::Ended;
        }
        item
    }
}

/// The future of [`Framed::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Next<'a, T, C> {
    pub(super) framed: &'a mut Framed<T, C>,
    pub(super) site: Site,
}

impl<T: AsyncRead + Unpin, C: Decoder> Future for Next<'_, T, C> {
    type Output = Option<Item<C>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        let framed = &mut *self.framed;
        framed.read.poll_next(Pin::new(&mut framed.io), &mut framed.codec, cx, site)
    }
}
