//! U05, U08: readers and writers that break their contract, through every adaptor.
//!
//! Whatever they claim, the answer is an error, and no byte is shown that was not read.

mod common;

use std::io::{IoSlice, IoSliceMut, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use common::*;
use corio_io::framed::{BytesCodec, Framed, LengthDelimitedCodec, LinesCodec};
use corio_io::prelude::*;
use corio_io::{
    AsyncBufReadExt, BufReader, BufStream, BufWriter, ErrorKind, copy, copy_bidirectional,
    copy_buf, split,
};

/// Counts that no buffer here can hold.
const LIES: [usize; 4] = [1 << 20, usize::MAX / 2, usize::MAX - 1, usize::MAX];

fn liar(lie: usize) -> Script {
    Script::reader([Data(b"ab".to_vec()), Pending, Claim(lie)])
}

/// Runs `read` against a lying reader and expects the lie to be called one.
fn caught<T: std::fmt::Debug>(name: &str, mut read: impl FnMut(Script) -> Result<T>) {
    for lie in LIES {
        let error = read(liar(lie)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{name}, {lie}: {error}");
        assert!(error.to_string().contains("claims"), "{name}: {error}");
    }
}

#[test]
fn u05_a_lying_reader_is_an_error_in_every_read() {
    caught("read", |mut r| {
        block_on(r.read(&mut [0; 8])).unwrap();
        block_on(r.read(&mut [0; 8]))
    });
    caught("read_vectored", |mut r| {
        let mut a = [0; 4];
        block_on(r.read_vectored(&mut [IoSliceMut::new(&mut a)])).unwrap();
        block_on(r.read_vectored(&mut [IoSliceMut::new(&mut a)]))
    });
    caught("read_exact", |mut r| block_on(r.read_exact(&mut [0; 8])));
    caught("read_u64", |mut r| block_on(r.read_u64()));
    caught("read_to_end", |mut r| {
        let mut all = Vec::with_capacity(2);
        let result = block_on(r.read_to_end(&mut all));
        assert_eq!(all, b"ab");
        result
    });
    caught("read_to_end_limited", |mut r| {
        let mut all = Vec::new();
        let result = block_on(r.read_to_end_limited(&mut all, 2));
        assert_eq!(all, b"ab");
        result
    });
    caught("read_to_string", |mut r| block_on(r.read_to_string(&mut String::new())));
}

#[test]
fn u05_a_lying_reader_is_an_error_in_every_adaptor() {
    caught("take", |r| block_on(r.take(100).read_to_end(&mut Vec::new())));
    caught("chain, first", |r| block_on(r.chain(&b""[..]).read_to_end(&mut Vec::new())));
    caught("chain, second", |r| block_on((&b""[..]).chain(r).read_to_end(&mut Vec::new())));
    caught("split", |r| block_on(split(r).0.read_to_end(&mut Vec::new())));
    for capacity in [0, 1, 2, 3, 1000] {
        let buffered = |r| BufReader::with_capacity(capacity, r);
        caught("BufReader", |r| block_on(buffered(r).read_to_end(&mut Vec::new())));
        caught("BufReader, vectored", |r| {
            let mut r = buffered(r);
            loop {
                let (mut a, mut b) = ([0; 2], [0; 2]);
                let mut bufs = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
                block_on(r.read_vectored(&mut bufs))?;
            }
            #[expect(unreachable_code, reason = "it gives the closure its type")]
            Ok(())
        });
        caught("read_until", |r| block_on(buffered(r).read_until(b'\n', &mut Vec::new())));
        caught("read_line", |r| block_on(buffered(r).read_line(&mut String::new())));
        caught("lines", |r| block_on(buffered(r).lines().next_line()));
        caught("split", |r| block_on(buffered(r).split(b'x').next_segment()));
        caught("copy_buf", |r| block_on(copy_buf(&mut buffered(r), &mut corio_io::sink())));
        caught("fill_buf", |r| {
            let mut r = buffered(r);
            loop {
                let n = block_on(r.fill_buf())?.len();
                r.consume(n);
            }
            #[expect(unreachable_code, reason = "it gives the closure its type")]
            Ok(())
        });
    }
    caught("BufStream", |r| block_on(BufStream::new(r).read_to_end(&mut Vec::new())));
    caught("BufWriter", |r| block_on(BufWriter::new(r).read_to_end(&mut Vec::new())));
}

#[test]
fn u05_a_lying_reader_is_an_error_in_copies_and_frames() {
    caught("copy", |mut r| block_on(copy(&mut r, &mut corio_io::sink())));
    caught("copy_bidirectional", |mut r| {
        block_on(copy_bidirectional(&mut r, &mut Script::reader([Stall])))
    });
    caught("copy_bidirectional, back", |mut r| {
        block_on(copy_bidirectional(&mut Script::reader([Stall]), &mut r))
    });
    caught("lines", |r| block_on(Framed::new(r, LinesCodec::new()).next()).unwrap());
    caught("length", |r| block_on(Framed::new(r, LengthDelimitedCodec::new()).next()).unwrap());
    caught("bytes", |r| {
        let mut framed = Framed::new(r, BytesCodec::new());
        assert_eq!(block_on(framed.next()).unwrap().unwrap(), b"ab");
        block_on(framed.next()).unwrap()
    });
}

#[test]
fn u05_bytes_that_a_reader_claims_and_does_not_write_are_never_old_memory() {
    // The reader claims four bytes and touches none: the vector shows zeros, not what was there.
    let mut all = b"secret".to_vec();
    all.clear();
    block_on(Script::reader([Claim(4), End]).read_to_end(&mut all)).unwrap();
    assert_eq!(all, [0; 4]);
    let mut reader = BufReader::new(Script::reader([Claim(3)]));
    assert_eq!(block_on(reader.fill_buf()).unwrap(), [0; 3]);
    let mut framed = Framed::new(Script::reader([Claim(3)]), BytesCodec::new());
    assert_eq!(block_on(framed.next()).unwrap().unwrap(), [0; 3]);
}

#[test]
fn u05_a_lying_writer_is_an_error_everywhere() {
    fn caught<T: std::fmt::Debug>(name: &str, mut write: impl FnMut(Script) -> Result<T>) {
        for lie in LIES {
            for first in [vec![], vec![Take(1), Pending]] {
                let script = Script::writer(first.into_iter().chain([Claim(lie)]));
                let error = write(script).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData, "{name}, {lie}: {error}");
                assert!(error.to_string().contains("claims"), "{name}: {error}");
            }
        }
    }
    caught("write", |mut w| {
        block_on(w.write(b"a"))?;
        block_on(w.write(b"a"))
    });
    caught("write_all", |mut w| block_on(w.write_all(b"some bytes")));
    caught("write_u64", |mut w| block_on(w.write_u64(7)));
    caught("write_vectored", |mut w| {
        let bufs = [IoSlice::new(b"a"), IoSlice::new(b"bc")];
        block_on(w.write_vectored(&bufs))?;
        block_on(w.write_vectored(&bufs))
    });
    caught("write_all_vectored", |mut w| {
        block_on(w.write_all_vectored(&mut [IoSlice::new(b"a"), IoSlice::new(b"bc")]))
    });
    caught("copy", |mut w| block_on(copy(&mut &b"some"[..], &mut w)));
    caught("copy_buf", |mut w| block_on(copy_buf(&mut &b"some"[..], &mut w)));
    for capacity in [0, 3, 100] {
        caught("BufWriter", |w| {
            let mut writer = BufWriter::with_capacity(capacity, w);
            block_on(writer.write_all(b"some"))?;
            block_on(writer.flush())
        });
    }
    caught("Framed", |w| block_on(Framed::new(w, LinesCodec::new()).send("some")));
}

/// A buffered reader that has bytes at one poll and none at the next.
struct Fickle(bool);

impl AsyncRead for Fickle {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<Result<usize>> {
        Poll::Ready(Ok(0))
    }
}

impl AsyncBufRead for Fickle {
    fn poll_fill_buf(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        self.0 = !self.0;
        if self.0 { Poll::Ready(Ok(b"now")) } else { Poll::Pending }
    }
    fn consume(self: Pin<&mut Self>, _: usize) {}
}

#[test]
fn u05_a_reader_whose_bytes_vanish_is_an_error() {
    let error = block_on(Fickle(false).fill_buf()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("poll_fill_buf"), "{error}");
}

#[test]
fn u08_consuming_too_much_takes_what_there_is() {
    for n in [4, 1000, usize::MAX] {
        let mut reader = BufReader::new(Script::pieces(b"abcdef", 3, 0));
        block_on(reader.fill_buf()).unwrap();
        reader.consume(1);
        reader.consume(n);
        assert_eq!(block_on(reader.fill_buf()).unwrap(), b"def");
        let mut chain = BufReader::new(&b"abc"[..]).chain(BufReader::new(&b"def"[..]));
        block_on(chain.fill_buf()).unwrap();
        chain.consume(n);
        assert_eq!(block_on(chain.fill_buf()).unwrap(), b"def");
    }
}

#[test]
fn random_scripts_through_stacks_of_adaptors_never_go_out_of_range() {
    let mut rng = Rng(23);
    for _ in 0..2000 {
        let mut steps = Vec::new();
        for _ in 0..rng.below(10) {
            steps.push(match rng.below(8) {
                0 => Pending,
                1 => Claim(rng.below(20)),
                2 => Claim(usize::MAX - rng.below(3)),
                3 => Fail(ErrorKind::Other),
                4 => Data(b"line\n".to_vec()),
                _ => Data((0..rng.below(30)).map(|_| rng.next() as u8).collect()),
            });
        }
        let inner = Script::reader(steps).take(rng.below(60) as u64).chain(&b"tail\n"[..]);
        let mut lines =
            BufReader::with_capacity(rng.below(20), inner).lines().max_length(rng.below(20));
        // Errors do not end the lines; each one uses up at least a step of the script.
        for _ in 0..100 {
            if let Ok(None) = block_on(lines.next_line()) {
                break;
            }
        }
    }
}
