//! `AsyncReadExt`: what each method reads, where it stops, and what it says.

mod common;

use common::*;
use corio_io::prelude::*;
use corio_io::{AsyncBufReadExt, Cursor, ErrorKind, IoSliceMut, SeekFrom};

#[test]
fn read_exact_fills_over_short_reads_and_pauses() {
    for size in 1..7 {
        let mut reader = Script::pieces(b"0123456789", size, 2);
        let mut buf = [0; 7];
        block_on(reader.read_exact(&mut buf)).unwrap();
        assert_eq!(&buf, b"0123456");
        assert_eq!(reader.unread(), b"789");
    }
}

#[test]
fn read_exact_says_how_many_of_how_many_came() {
    let mut reader = Script::pieces(b"abc", 1, 0);
    let mut buf = [0; 8];
    let error = block_on(reader.read_exact(&mut buf)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(error.to_string(), "the input ended after 3 of 8 bytes");
    assert_eq!(&buf[..3], b"abc");
}

#[test]
fn read_exact_of_nothing_reads_nothing() {
    let mut reader = Script::reader([Fail(ErrorKind::Other)]);
    block_on(reader.read_exact(&mut [])).unwrap();
    assert_eq!(reader.polls.read, 0);
}

#[test]
fn an_error_at_byte_n_comes_after_the_bytes_before_it() {
    for n in 0..5 {
        let data = vec![7; n];
        let steps = data.iter().map(|b| Data(vec![*b])).chain([Fail(ErrorKind::ConnectionReset)]);
        let mut all = Vec::new();
        let mut reader = Script::reader(steps.clone());
        let error = block_on(reader.read_to_end(&mut all)).unwrap_err();
        assert_eq!((error.kind(), &all), (ErrorKind::ConnectionReset, &data));

        let mut buf = [0; 5];
        let error = block_on(Script::reader(steps).read_exact(&mut buf)).unwrap_err();
        assert_eq!((error.kind(), &buf[..n]), (ErrorKind::ConnectionReset, &data[..]));
    }
}

#[test]
fn read_to_end_appends_whatever_the_sizes() {
    let mut rng = Rng(1);
    for len in [0, 1, 31, 32, 33, 1000, 100_000, 300_000] {
        let bytes: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        for size in [len.max(1), 1 + rng.below(len + 1), 4096] {
            for capacity in [0, len, len + 100] {
                let mut all = Vec::with_capacity(capacity);
                all.extend_from_slice(b"old".get(..capacity.min(3)).unwrap());
                let old = all.clone();
                let n = block_on(Script::pieces(&bytes, size, 1).read_to_end(&mut all)).unwrap();
                assert_eq!(n, len);
                assert_eq!(all, [old, bytes.clone()].concat());
            }
        }
    }
}

#[test]
fn read_to_end_does_not_grow_a_vector_that_fits() {
    let mut all = Vec::with_capacity(1000);
    let capacity = all.capacity();
    block_on(Cursor::new(vec![1; capacity]).read_to_end(&mut all)).unwrap();
    assert_eq!((all.len(), all.capacity()), (capacity, capacity));
}

#[test]
fn a_panicking_reader_leaves_only_bytes_that_came() {
    struct Bomb(usize);
    impl AsyncRead for Bomb {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buf: &mut [u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            assert!(self.0 > 0, "boom");
            self.0 -= 1;
            buf[0] = 9;
            std::task::Poll::Ready(Ok(1))
        }
    }
    let mut all = Vec::new();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(Bomb(3).read_to_end(&mut all))
    }));
    assert!(caught.is_err());
    assert_eq!(all, [9, 9, 9]);
}

#[test]
fn read_to_end_limited_stops_at_its_limit() {
    for len in 0..40_usize {
        for limit in 0..40_usize {
            let mut all = Vec::with_capacity(1 + len % 5);
            all.push(b'x');
            let mut reader = Script::pieces(&vec![5; len], 7, 1);
            let result = block_on(reader.read_to_end_limited(&mut all, limit));
            assert_eq!(all.len() - 1, len.min(limit));
            if len <= limit {
                assert_eq!(result.unwrap(), len);
            } else {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert!(error.to_string().contains(&format!("longer than {limit} bytes")));
                assert!(error.to_string().contains("max_length"));
            }
        }
    }
}

#[test]
fn an_endless_reader_costs_no_more_memory_than_the_limit() {
    let mut all = Vec::new();
    let limit = 1 << 20;
    let result = block_on(corio_io::repeat(1).read_to_end_limited(&mut all, limit));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(all.capacity() <= 2 * limit, "{}", all.capacity());
}

#[test]
fn read_to_string_keeps_bytes_that_are_no_text_out() {
    let mut text = String::from("before");
    let mut reader = Script::reader([Data(b"ok \xff".to_vec())]);
    let error = block_on(reader.read_to_string(&mut text)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("byte 3"), "{error}");
    assert_eq!(text, "before");

    // A character cut in two by the reads is one character.
    let mut reader = Script::pieces("grüße".as_bytes(), 1, 1);
    assert_eq!(block_on(reader.read_to_string(&mut text)).unwrap(), 7);
    assert_eq!(text, "beforegrüße");

    let mut reader = Script::reader([Data(b"lost".to_vec()), Fail(ErrorKind::TimedOut)]);
    let error = block_on(reader.read_to_string(&mut text)).unwrap_err();
    assert_eq!((error.kind(), text.as_str()), (ErrorKind::TimedOut, "beforegrüße"));

    let result = block_on(corio_io::repeat(b'a').read_to_string(&mut text).max_length(100));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn numbers_come_in_both_byte_orders() {
    let bytes: Vec<u8> = (1..=16).collect();
    macro_rules! check {
        ($($type:ident $name:ident $name_le:ident)*) => {$({
            let array = bytes[..size_of::<$type>()].try_into().unwrap();
            let mut reader = Script::pieces(&bytes, 1, 1);
            assert_eq!(block_on(reader.$name()).unwrap(), $type::from_be_bytes(array));
            let mut reader = Script::pieces(&bytes, 3, 1);
            assert_eq!(block_on(reader.$name_le()).unwrap(), $type::from_le_bytes(array));
        })*};
    }
    check!(u16 read_u16 read_u16_le u32 read_u32 read_u32_le u64 read_u64 read_u64_le);
    check!(u128 read_u128 read_u128_le i16 read_i16 read_i16_le i32 read_i32 read_i32_le);
    check!(i64 read_i64 read_i64_le i128 read_i128 read_i128_le);
    check!(f32 read_f32 read_f32_le f64 read_f64 read_f64_le);
    assert_eq!(block_on((&mut &bytes[..]).read_u8()).unwrap(), 1);
    assert_eq!(block_on((&mut &[0xff_u8][..]).read_i8()).unwrap(), -1);
    let error = block_on((&mut &bytes[..3]).read_u64()).unwrap_err();
    assert_eq!(error.to_string(), "the input ended after 3 of 8 bytes");
}

#[test]
fn n12_a_chain_goes_on_only_at_the_end_of_its_first_part() {
    let mut chain = (&b"ab"[..]).chain(&b"cd"[..]);
    // Nothing read into an empty buffer is not the end.
    assert_eq!(block_on(chain.read(&mut [])).unwrap(), 0);
    assert_eq!(block_on(chain.read_vectored(&mut [])).unwrap(), 0);
    let empty = &mut [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])];
    assert_eq!(block_on(chain.read_vectored(empty)).unwrap(), 0);
    let mut buf = [0; 8];
    assert_eq!(block_on(chain.read(&mut buf)).unwrap(), 2);
    assert_eq!(block_on(chain.read(&mut [])).unwrap(), 0);
    assert_eq!(block_on(chain.read(&mut buf[2..])).unwrap(), 2);
    assert_eq!(&buf[..4], b"abcd");
    assert_eq!(block_on(chain.read(&mut buf)).unwrap(), 0);
}

#[test]
fn a_chain_of_buffered_readers_consumes_the_right_one() {
    let mut chain = Cursor::new("ab\nc").chain(Cursor::new("d\ne"));
    let mut lines = Vec::new();
    let mut line = String::new();
    while block_on(chain.read_line(&mut line)).unwrap() > 0 {
        lines.push(std::mem::take(&mut line));
    }
    assert_eq!(lines, ["ab\n", "cd\n", "e"]);
}

#[test]
fn take_ends_after_its_limit_and_leaves_the_rest() {
    for limit in 0..12_u64 {
        let mut reader = Strict::new(Script::pieces(b"0123456789", 3, 1));
        let mut taken = (&mut reader).take(limit);
        let mut all = Vec::new();
        block_on(taken.read_to_end(&mut all)).unwrap();
        assert_eq!(all, &b"0123456789"[..limit.min(10) as usize]);
        assert_eq!(taken.limit(), limit.saturating_sub(10));
        assert_eq!([all, reader.unread()].concat(), b"0123456789");
    }
}

#[test]
fn take_never_polls_beyond_its_limit() {
    let mut reader = Script::reader([Data(b"ab".to_vec()), Stall]);
    let mut all = Vec::new();
    block_on((&mut reader).take(2).read_to_end(&mut all)).unwrap();
    assert_eq!(all, b"ab");
    let mut taken = (&mut reader).take(u64::MAX);
    taken.set_limit(0);
    assert_eq!(block_on(taken.read(&mut [0])).unwrap(), 0);
}

#[test]
fn u08_take_consumes_no_more_than_its_limit() {
    let mut taken = Cursor::new("abcdef").take(3);
    assert_eq!(block_on(taken.fill_buf()).unwrap(), b"abc");
    taken.consume(usize::MAX);
    assert_eq!(taken.limit(), 0);
    assert_eq!(block_on(taken.into_inner().fill_buf()).unwrap(), b"def");
}

#[test]
fn a_cursor_reads_writes_and_seeks() {
    let mut cursor = Cursor::new(Vec::new());
    block_on(async {
        cursor.write_all(b"hello world").await?;
        assert_eq!(cursor.seek(SeekFrom::Start(6)).await?, 6);
        let mut text = String::new();
        cursor.read_to_string(&mut text).await?;
        assert_eq!(text, "world");
        assert_eq!(cursor.seek(SeekFrom::Current(-5)).await?, 6);
        assert!(cursor.seek(SeekFrom::Current(-7)).await.is_err());
        assert_eq!(cursor.seek(SeekFrom::End(100)).await?, 111);
        assert_eq!(cursor.read(&mut [0]).await?, 0);
        cursor.consume(5);
        assert_eq!(cursor.position(), 111);
        cursor.rewind().await?;
        cursor.consume(usize::MAX);
        assert_eq!(cursor.stream_position().await?, 11);
        std::io::Result::Ok(())
    })
    .unwrap();
    let mut array = [0; 3];
    let error = block_on(Cursor::new(&mut array[..]).write_all(b"1234")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(&array, b"123");
}

#[test]
fn vectored_reads_fill_one_buffer_after_the_other() {
    let (mut a, mut b) = ([0; 2], [0; 3]);
    let mut bufs = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut []), IoSliceMut::new(&mut b)];
    let n = block_on(Cursor::new("wxyz").read_vectored(&mut bufs)).unwrap();
    assert_eq!((n, &a, &b[..2]), (4, b"wx", &b"yz"[..]));
}
