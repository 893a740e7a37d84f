//! `AsyncWriteExt`: what each method writes, and how it ends when the writer takes no more.

mod common;

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use common::*;
use corio_io::ErrorKind;
use corio_io::prelude::*;

#[test]
fn write_all_goes_on_after_short_writes_and_pauses() {
    let mut writer = Script::writer([Take(1), Pending, Take(3), Pending, Pending, Take(2)]);
    block_on(writer.write_all(b"0123456789")).unwrap();
    assert_eq!(writer.written, b"0123456789");
}

#[test]
fn a_writer_that_takes_nothing_ends_write_all() {
    let mut writer = Script::writer([Take(3), Take(0)]);
    let error = block_on(writer.write_all(b"01234567")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(error.to_string(), "the writer takes no more bytes, after 3 of 8");
    let mut writer = Script::writer([Take(0)]);
    assert_eq!(block_on(writer.write(b"x")).unwrap(), 0);
    let mut writer = Script::writer([Take(1), Take(0)]);
    assert_eq!(block_on(writer.write_u32(1)).unwrap_err().kind(), ErrorKind::WriteZero);
}

#[test]
fn an_error_at_byte_n_stops_there() {
    for n in 0..5 {
        let mut writer = Script::writer([Take(n), Fail(ErrorKind::BrokenPipe)]);
        let error = block_on(writer.write_all(b"01234")).unwrap_err();
        let kind = if n == 0 { ErrorKind::WriteZero } else { ErrorKind::BrokenPipe };
        assert_eq!((error.kind(), &writer.written[..]), (kind, &b"01234"[..n]));
    }
}

/// A writer with vectored writes that takes up to `size` bytes at a time.
struct Vectored {
    size: usize,
    written: Vec<u8>,
    most_slices: usize,
}

impl AsyncWrite for Vectored {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        b: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(b)])
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let mut left = self.size;
        self.most_slices = self.most_slices.max(bufs.len());
        for buf in bufs {
            let n = buf.len().min(left);
            self.written.extend_from_slice(&buf[..n]);
            left -= n;
        }
        Poll::Ready(Ok(self.size - left))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn n13_a_partial_vectored_write_goes_on_at_the_right_byte() {
    let parts: [&[u8]; 7] = [b"", b"ab", b"", b"", b"cdef", b"g", b""];
    for size in 1..9 {
        let mut writer = Vectored { size, written: Vec::new(), most_slices: 0 };
        let mut bufs = parts.map(IoSlice::new);
        block_on(writer.write_all_vectored(&mut bufs)).unwrap();
        assert_eq!(writer.written, b"abcdefg", "{size} at a time");
        assert!(bufs.iter().all(|b| b.is_empty()));
    }
    // A writer with no vectored write of its own takes the first slice that has bytes.
    for size in 1..9 {
        let mut writer = Script::writer(vec![Take(size); 20]);
        block_on(writer.write_all_vectored(&mut parts.map(IoSlice::new))).unwrap();
        assert_eq!(writer.written, b"abcdefg");
    }
}

#[test]
fn n12_no_more_slices_at_once_than_a_system_call_takes() {
    let mut writer = Vectored { size: usize::MAX, written: Vec::new(), most_slices: 0 };
    let mut bufs = vec![IoSlice::new(b"x"); 5000];
    block_on(writer.write_all_vectored(&mut bufs)).unwrap();
    assert_eq!(writer.written.len(), 5000);
    assert_eq!(writer.most_slices, 1024);
}

#[test]
fn n12_empty_writes_ask_nothing_of_the_writer() {
    let mut writer = Script::writer([Fail(ErrorKind::Other)]);
    block_on(writer.write_all(b"")).unwrap();
    block_on(writer.write_all_vectored(&mut [])).unwrap();
    block_on(writer.write_all_vectored(&mut [IoSlice::new(b""), IoSlice::new(b"")])).unwrap();
    assert_eq!(writer.polls.write, 0);
}

#[test]
fn a_vectored_write_that_fails_says_what_is_left() {
    let mut writer = Script::writer([Take(2), Take(1), Take(0)]);
    let mut bufs = [IoSlice::new(b"abc"), IoSlice::new(b"de")];
    let error = block_on(writer.write_all_vectored(&mut bufs)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(error.to_string(), "the writer takes no more bytes, after 3 of 5");
    assert_eq!((bufs[0].len(), &*bufs[1]), (0, &b"de"[..]));
}

#[test]
fn numbers_go_out_in_both_byte_orders() {
    macro_rules! check {
        ($($type:ident $value:expr, $name:ident $name_le:ident)*) => {$({
            let mut writer = Script::writer([Take(1), Pending, Take(1)]);
            block_on(writer.$name($value)).unwrap();
            assert_eq!(writer.written, $value.to_be_bytes());
            let mut writer = Script::writer([Take(1), Pending, Take(1)]);
            block_on(writer.$name_le($value)).unwrap();
            assert_eq!(writer.written, $value.to_le_bytes());
        })*};
    }
    check!(u16 0x0102_u16, write_u16 write_u16_le u32 0x0102_0304_u32, write_u32 write_u32_le);
    check!(u64 u64::MAX - 7, write_u64 write_u64_le u128 u128::MAX - 9, write_u128 write_u128_le);
    check!(i16 -2_i16, write_i16 write_i16_le i32 -3_i32, write_i32 write_i32_le);
    check!(i64 -4_i64, write_i64 write_i64_le i128 -5_i128, write_i128 write_i128_le);
    check!(f32 1.5_f32, write_f32 write_f32_le f64 -2.5_f64, write_f64 write_f64_le);
    let mut bytes = Vec::new();
    block_on(bytes.write_u8(255)).unwrap();
    block_on(bytes.write_i8(-1)).unwrap();
    assert_eq!(bytes, [255, 255]);
}

#[test]
fn flush_and_close_reach_the_writer() {
    let mut writer = Script { flushes: [Pending].into(), ..Script::default() };
    block_on(writer.flush()).unwrap();
    block_on(writer.close()).unwrap();
    assert_eq!((writer.polls.flush, writer.polls.close, writer.closed), (2, 1, true));
}
