//! `AsyncBufReadExt`: delimiters, lines and their limits, over every way the bytes may be cut.

mod common;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use common::*;
use corio_io::{AsyncBufReadExt, BufReader, ErrorKind};
use futures_core::Stream;

fn lines_of(input: &[u8], size: usize) -> Vec<String> {
    let mut lines = Strict::new(Script::pieces(input, size, 1)).lines();
    let mut all = Vec::new();
    while let Some(line) = block_on(lines.next_line()).unwrap() {
        all.push(line);
    }
    assert_eq!(block_on(lines.next_line()).unwrap(), None, "the end stays the end");
    all
}

#[test]
fn lines_end_with_lf_or_crlf_wherever_the_reads_cut() {
    let input = b"one\ntwo\r\n\n\r\nth\rree\r\nlast\r";
    for size in 1..=input.len() {
        assert_eq!(lines_of(input, size), ["one", "two", "", "", "th\rree", "last\r"]);
    }
    assert_eq!(lines_of(b"", 1), Vec::<String>::new());
    assert_eq!(lines_of(b"\n", 1), [""]);
    assert_eq!(lines_of(b"no end", 2), ["no end"]);
}

#[test]
fn split_cuts_at_its_delimiter_only() {
    let input = b"a,b\r\n,,c,";
    for size in 1..=input.len() {
        let mut parts = Strict::new(Script::pieces(input, size, 1)).split(b',');
        let mut all = Vec::new();
        while let Some(part) = block_on(parts.next_segment()).unwrap() {
            all.push(part);
        }
        assert_eq!(all, [&b"a"[..], b"b\r\n", b"", b"c"]);
    }
}

#[test]
fn read_until_appends_and_keeps_the_delimiter() {
    let mut reader = Strict::new(Script::pieces(b"key=value", 2, 1));
    let mut buf = b"old ".to_vec();
    assert_eq!(block_on(reader.read_until(b'=', &mut buf)).unwrap(), 4);
    assert_eq!(buf, b"old key=");
    assert_eq!(block_on(reader.read_until(b'=', &mut buf)).unwrap(), 5);
    assert_eq!(block_on(reader.read_until(b'=', &mut buf)).unwrap(), 0);
    assert_eq!(buf, b"old key=value");
}

#[test]
fn read_until_stops_exactly_at_its_limit() {
    for size in 1..8 {
        for limit in 0..8_usize {
            let mut reader = Strict::new(Script::pieces(b"12345\nrest", size, 1));
            let mut buf = Vec::new();
            let result = block_on(reader.read_until(b'\n', &mut buf).max_length(limit));
            if limit >= 5 {
                assert_eq!((result.unwrap(), &buf[..]), (6, &b"12345\n"[..]));
            } else {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert!(error.to_string().contains(&format!("{limit} bytes")), "{error}");
                assert!(error.to_string().contains("max_length"), "{error}");
                assert_eq!(buf, &b"12345"[..limit]);
            }
            // Not a byte is lost: what was not taken is still there.
            assert_eq!([buf, reader.unread()].concat(), b"12345\nrest");
        }
    }
}

#[test]
fn read_line_leaves_the_string_alone_when_it_fails() {
    let mut line = String::from("old");
    let mut reader = Strict::new(Script::pieces(b"ok\n\xff\xfe\nlong line\nend", 3, 1));
    assert_eq!(block_on(reader.read_line(&mut line)).unwrap(), 3);
    assert_eq!(line, "oldok\n");
    let error = block_on(reader.read_line(&mut line)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("not valid UTF-8 from its byte 0"), "{error}");
    assert_eq!(line, "oldok\n");
    let error = block_on(reader.read_line(&mut line).max_length(4)).unwrap_err();
    assert!(error.to_string().contains("longer than 4 bytes"), "{error}");
    assert_eq!(line, "oldok\n");
    assert_eq!(block_on(reader.read_line(&mut line)).unwrap(), 6);
    assert_eq!(line, "oldok\n line\n");
}

#[test]
fn lines_skip_what_is_too_long_or_no_text_and_go_on() {
    let input = b"short\nfar too long\nnext\n\xff\nlast, too long";
    for size in 1..=input.len() {
        let mut lines = Strict::new(Script::pieces(input, size, 1)).lines().max_length(5);
        let mut next = || block_on(lines.next_line());
        assert_eq!(next().unwrap().as_deref(), Some("short"));
        assert!(next().unwrap_err().to_string().contains("longer than 5 bytes"));
        assert_eq!(next().unwrap().as_deref(), Some("next"));
        assert!(next().unwrap_err().to_string().contains("UTF-8"));
        assert_eq!(next().unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(next().unwrap(), None);
    }
}

#[test]
fn an_error_of_the_reader_loses_nothing_of_the_line() {
    let fail = || Fail(ErrorKind::TimedOut);
    let steps = [Data(b"he".to_vec()), fail(), Data(b"llo".to_vec()), fail(), Data(b"\n".to_vec())];
    let mut lines = Strict::new(Script::reader(steps)).lines();
    assert_eq!(block_on(lines.next_line()).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(block_on(lines.next_line()).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(block_on(lines.next_line()).unwrap().as_deref(), Some("hello"));
}

#[test]
fn an_endless_line_ends_at_the_default_limit() {
    let limit = corio_io::DEFAULT_MAX_LENGTH;
    let endless = || BufReader::with_capacity(64 << 10, corio_io::repeat(b'x'));
    let mut line = String::new();
    let error = block_on(endless().read_line(&mut line)).unwrap_err();
    assert!(error.to_string().contains(&limit.to_string()), "{error}");

    let mut buf = Vec::new();
    let error = block_on(endless().read_until(b'\n', &mut buf)).unwrap_err();
    assert_eq!((error.kind(), buf.len()), (ErrorKind::InvalidData, limit));
    assert!(buf.capacity() <= 2 * limit);

    let error = block_on(endless().lines().next_line()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let error = block_on(endless().split(b',').next_segment()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn fill_buf_and_consume_look_ahead_without_taking() {
    let mut reader = BufReader::new(Script::pieces(b"abcdef", 4, 1));
    assert_eq!(block_on(reader.fill_buf()).unwrap(), b"abcd");
    reader.consume(3);
    assert_eq!(block_on(reader.fill_buf()).unwrap(), b"d");
    reader.consume(1);
    assert_eq!(block_on(reader.fill_buf()).unwrap(), b"ef");
    reader.consume(2);
    assert_eq!(block_on(reader.fill_buf()).unwrap(), b"");
}

#[test]
#[should_panic(expected = "`fill_buf` was polled after its end")]
fn fill_buf_polled_after_its_end_says_so() {
    let mut reader = BufReader::new(&b"abc"[..]);
    let mut future = reader.fill_buf();
    assert!(poll_once(&mut future).is_ready());
    let _ = poll_once(&mut future);
}

#[test]
fn lines_and_split_are_streams() {
    fn all<S: Stream + Unpin>(mut stream: S) -> Vec<S::Item> {
        let mut items = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match Pin::new(&mut stream).poll_next(&mut cx) {
                Poll::Ready(Some(item)) => items.push(item),
                Poll::Ready(None) => return items,
                Poll::Pending => {}
            }
        }
    }
    let reader = || Strict::new(Script::pieces(b"a\nb\nc", 2, 1));
    let lines: Vec<String> = all(reader().lines()).into_iter().map(Result::unwrap).collect();
    assert_eq!(lines, ["a", "b", "c"]);
    let parts: Vec<Vec<u8>> = all(reader().split(b'b')).into_iter().map(Result::unwrap).collect();
    assert_eq!(parts, [&b"a\n"[..], b"\nc"]);
}

#[test]
fn d03_a_line_in_one_byte_pieces_costs_about_its_own_size() {
    let line = vec![b'x'; 100_000];
    let mut reader = Strict::new(Script::pieces(&line, 1, 0));
    let mut buf = Vec::new();
    block_on(reader.read_until(b'\n', &mut buf)).unwrap();
    assert!(buf.capacity() <= 2 * line.len());
}
