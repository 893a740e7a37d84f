//! S13: each future is polled k times and dropped, for every k, and the bytes are counted.
//!
//! "Safe" in the documentation means that what was taken from the reader and what is still in it make
//! up the input; the "Unsafe" ones must at least lose nothing but what their documentation says.

mod common;

use common::*;
use corio_io::prelude::*;
use corio_io::{AsyncBufReadExt, Cursor, IoSlice, IoSliceMut, SeekFrom, duplex};

const INPUT: &[u8] = b"first line\nsecond\n";
/// More polls than any of these futures needs.
const POLLS: usize = 70;

fn reader() -> Script {
    Script::pieces(INPUT, 2, 1)
}

#[test]
fn s13_read_takes_no_byte_unless_it_returns_it() {
    for polls in 0..POLLS {
        let mut reader = reader();
        let mut buf = [0; 5];
        let n = poll_then_drop(reader.read(&mut buf), polls).map_or(0, Result::unwrap);
        assert_eq!([&buf[..n], &reader.unread()].concat(), INPUT);

        let mut reader = self::reader();
        let mut buf = [0; 5];
        let mut bufs = [IoSliceMut::new(&mut buf)];
        let n = poll_then_drop(reader.read_vectored(&mut bufs), polls).map_or(0, Result::unwrap);
        assert_eq!([&buf[..n], &reader.unread()].concat(), INPUT);

        let mut reader = self::reader();
        let byte = poll_then_drop(reader.read_u8(), polls).map(Result::unwrap);
        assert_eq!([byte.as_slice(), &reader.unread()].concat(), INPUT);
    }
}

#[test]
fn s13_read_to_end_and_read_until_leave_what_they_read_in_the_vector() {
    for polls in 0..POLLS {
        let mut reader = reader();
        let mut all = Vec::new();
        poll_then_drop(reader.read_to_end(&mut all), polls);
        assert_eq!([&all[..], &reader.unread()].concat(), INPUT);
        block_on(reader.read_to_end(&mut all)).unwrap();
        assert_eq!(all, INPUT);

        let mut reader = Strict::new(self::reader());
        let mut buf = Vec::new();
        poll_then_drop(reader.read_until(b'\n', &mut buf), polls);
        assert_eq!([&buf[..], &reader.unread()].concat(), INPUT);
        if !buf.ends_with(b"\n") {
            block_on(reader.read_until(b'\n', &mut buf)).unwrap();
        }
        assert_eq!(buf, b"first line\n");
    }
}

#[test]
fn s13_lines_keep_a_half_read_line() {
    for polls in 0..POLLS {
        let mut lines = Strict::new(reader()).lines();
        let mut all: Vec<String> = Vec::new();
        for _ in 0..3 {
            if let Some(line) = poll_then_drop(lines.next_line(), polls) {
                all.extend(line.unwrap());
            }
        }
        while let Some(line) = block_on(lines.next_line()).unwrap() {
            all.push(line);
        }
        assert_eq!(all, ["first line", "second"], "dropped after {polls} polls");

        let mut parts = Strict::new(reader()).split(b' ');
        let mut all: Vec<Vec<u8>> = Vec::new();
        all.extend(poll_then_drop(parts.next_segment(), polls).and_then(Result::unwrap));
        while let Some(part) = block_on(parts.next_segment()).unwrap() {
            all.push(part);
        }
        assert_eq!(all, [&b"first"[..], b"line\nsecond\n"]);
    }
}

#[test]
fn s13_a_skipped_overlong_line_may_be_dropped_too() {
    for polls in 0..POLLS {
        let input = b"far too long a line\nok\n";
        let mut lines = Strict::new(Script::pieces(input, 1, 1)).lines().max_length(4);
        assert!(block_on(lines.next_line()).is_err());
        let early = poll_then_drop(lines.next_line(), polls).map(Result::unwrap);
        let line = early.unwrap_or_else(|| block_on(lines.next_line()).unwrap());
        assert_eq!(line.as_deref(), Some("ok"));
    }
}

#[test]
fn s13_fill_buf_and_seek_take_nothing() {
    for polls in 0..4 {
        let mut reader = Strict::new(reader());
        poll_then_drop(reader.fill_buf(), polls).map(|bytes| bytes.unwrap().len());
        assert_eq!(reader.unread(), INPUT);
        let mut cursor = Cursor::new(INPUT);
        poll_then_drop(cursor.stream_position(), polls);
        assert_eq!(cursor.position(), 0);
        poll_then_drop(cursor.seek(SeekFrom::Start(3)), polls);
        assert_eq!(cursor.position(), if polls == 0 { 0 } else { 3 });
    }
}

#[test]
fn s13_the_unsafe_ones_lose_only_what_they_hold() {
    for polls in 0..POLLS {
        // The bytes of a dropped `read_exact` are in its buffer, from the front.
        let mut reader = reader();
        let mut buf = [0; 11];
        poll_then_drop(reader.read_exact(&mut buf), polls);
        let taken = INPUT.len() - reader.unread().len();
        assert_eq!(&buf[..taken], &INPUT[..taken]);
        assert!(buf[taken..].iter().all(|b| *b == 0));

        // A dropped `read_line` or `read_to_string` leaves the string as it was.
        let mut line = String::from("old");
        let done = poll_then_drop(Strict::new(self::reader()).read_line(&mut line), polls);
        assert_eq!(line, if done.is_some() { "oldfirst line\n" } else { "old" });
        let mut text = String::from("old");
        let done = poll_then_drop(self::reader().read_to_string(&mut text), polls);
        assert_eq!(text.len(), if done.is_some() { 3 + INPUT.len() } else { 3 });
    }
}

fn writer() -> Script {
    Script::writer([Take(2), Pending, Take(1), Pending, Pending, Take(3), Pending, Take(1)])
}

#[test]
fn s13_write_writes_nothing_unless_it_says_so() {
    for polls in 0..6 {
        for mut writer in [writer(), Script::writer([Pending, Pending, Take(2)])] {
            let n = poll_then_drop(writer.write(INPUT), polls).map_or(0, Result::unwrap);
            assert_eq!(writer.written, &INPUT[..n]);
            let n = poll_then_drop(writer.write_vectored(&[IoSlice::new(b"more")]), polls)
                .map_or(0, Result::unwrap);
            assert!(writer.written.ends_with(&b"more"[..n]));
        }
    }
}

#[test]
fn s13_a_dropped_vectored_write_says_what_is_left() {
    for polls in 0..20 {
        let mut writer = writer();
        let mut bufs = [IoSlice::new(&INPUT[..5]), IoSlice::new(b""), IoSlice::new(&INPUT[5..])];
        poll_then_drop(writer.write_all_vectored(&mut bufs), polls);
        block_on(writer.write_all_vectored(&mut bufs)).unwrap();
        assert_eq!(writer.written, INPUT);
    }
}

#[test]
fn s13_a_dropped_write_all_has_written_the_front() {
    for polls in 0..20 {
        let mut writer = writer();
        poll_then_drop(writer.write_all(INPUT), polls);
        assert!(INPUT.starts_with(&writer.written));
    }
}

#[test]
fn s13_dropped_reads_and_writes_of_a_pipe_lose_nothing() {
    let mut rng = Rng(13);
    for capacity in [1, 3, 64] {
        let (mut a, mut b) = duplex(capacity);
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        for turn in 0..2000 {
            let bytes = [turn as u8; 3];
            if let Some(n) = poll_then_drop(a.write(&bytes), rng.below(3)) {
                sent.extend_from_slice(&bytes[..n.unwrap()]);
            }
            let mut buf = [0; 2];
            if let Some(n) = poll_then_drop(b.read(&mut buf), rng.below(3)) {
                got.extend_from_slice(&buf[..n.unwrap()]);
            }
        }
        drop(a);
        block_on(b.read_to_end(&mut got)).unwrap();
        assert!(got == sent);
    }
}
