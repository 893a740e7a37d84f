//! Reading: at once what is in the system's cache, everything else by a call.

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{self, Site};
use corio_sync::prim::Arc;

use super::at_once::AtOnce;
use super::inner::Inner;
use crate::background::Running;
use crate::behind::Behind;
use crate::fs::call::{poll_task, start};

/// As much is read by one call.
const MOST_BY_CALL: usize = 2 << 20;

/// What is known about the position of a file, besides what the system knows.
pub(super) struct Reading {
    /// What a call has read lies between `taken` and `filled`; the system's position is at its end.
    bytes: Vec<u8>,
    taken: usize,
    filled: usize,
    call: Option<Running<Done>>,
    at_once: AtOnce,
}

enum Done {
    /// Into the buffer, so much.
    Read(Vec<u8>, Result<usize>),
    Seek(SeekFrom, Result<u64>),
}

/// How a call ended that was under way.
pub(super) enum Ended {
    Read(Result<()>),
    Seek(SeekFrom, Result<u64>),
}

impl Reading {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), taken: 0, filled: 0, call: None, at_once: AtOnce::new() }
    }

    /// Reads into `buf`.
    pub(super) fn poll_read(
        &mut self,
        inner: &Arc<Behind<Inner>>,
        site: Site,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        ready!(hooks::poll_budget(cx));
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            let ended = ready!(self.poll_idle(site, cx));
            let bytes = &self.bytes[self.taken..self.filled];
            match ended {
                Some(Ended::Read(Err(error))) => return Poll::Ready(Err(error)),
                // The end of the file.
                Some(Ended::Read(Ok(()))) if bytes.is_empty() => return Poll::Ready(Ok(0)),
                _ => {}
            }
            if !bytes.is_empty() {
                let n = bytes.len().min(buf.len());
                buf[..n].copy_from_slice(&bytes[..n]);
                self.taken += n;
                hooks::spend();
                return Poll::Ready(Ok(n));
            }
            if inner.is_clean() {
                if let Some(n) = self.at_once.read(&inner.sink.file, buf, None) {
                    return Poll::Ready(Ok(n));
                }
            }
            self.call = Some(self.start_read(inner, buf.len())?);
        }
    }

    fn start_read(&mut self, inner: &Arc<Behind<Inner>>, len: usize) -> Result<Running<Done>> {
        let inner = inner.clone();
        let mut bytes = std::mem::take(&mut self.bytes);
        (self.taken, self.filled) = (0, 0);
        let len = len.min(MOST_BY_CALL);
        start(move || {
            let turn = inner.turn();
            if bytes.len() < len {
                bytes.resize(len, 0);
            }
            let read = loop {
                match (&*inner.sink.file).read(&mut bytes[..len]) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => break read.map_err(|error| inner.sink.named("read", error)),
                }
            };
            drop(turn);
            Done::Read(bytes, read)
        })
    }

    /// Waits for the call that is under way, if there is one; its bytes are then here.
    pub(super) fn poll_idle(&mut self, site: Site, cx: &mut Context<'_>) -> Poll<Option<Ended>> {
        let Some(task) = &mut self.call else { return Poll::Ready(None) };
        let result = ready!(poll_task(task, site, cx));
        self.call = None;
        Poll::Ready(Some(match result {
            Ok(Done::Read(bytes, read)) => {
                self.bytes = bytes;
                Ended::Read(read.map(|n| self.filled = n))
            }
            Ok(Done::Seek(to, result)) => Ended::Seek(to, result),
            Err(error) => Ended::Read(Err(error)),
        }))
    }

    /// Gives back what has been read too much, so that the system's position is the user's. No call is
    /// under way.
    pub(super) fn go_back(&mut self, mut file: &File) {
        let unread = (self.filled - self.taken) as i64;
        // What cannot be sought (a terminal) keeps it for the next read.
        if unread > 0 && file.seek(SeekFrom::Current(-unread)).is_ok() {
            (self.taken, self.filled) = (0, 0);
        }
    }

    /// Reads at `offset` what is in the cache; see [`AtOnce::read`].
    pub(super) fn read_at_once(&self, file: &File, buf: &mut [u8], offset: u64) -> Option<usize> {
        self.at_once.read(file, buf, Some(offset))
    }

    /// Starts a seek that has to ask for the length. No call is under way.
    pub(super) fn start_seek(&mut self, inner: &Arc<Behind<Inner>>, to: SeekFrom) -> Result<()> {
        let inner = inner.clone();
        self.call = Some(start(move || {
            let _turn = inner.turn();
            Done::Seek(to, inner.sink.seek(to))
        })?);
        Ok(())
    }
}
