//! `BufReader`, `BufWriter`, `BufStream`: the same bytes, in fewer calls.

mod common;

use std::io::IoSlice;

use common::*;
use corio_io::prelude::*;
use corio_io::{BufReader, BufStream, BufWriter, Cursor, ErrorKind, IoSliceMut, SeekFrom};

#[test]
fn any_mix_of_reads_gives_the_same_bytes() {
    let mut rng = Rng(7);
    let input: Vec<u8> = (0..5000).map(|_| rng.next() as u8).collect();
    for capacity in [0, 1, 2, 7, 64, 8192] {
        let script = Script::pieces(&input, 1 + rng.below(100), 1);
        let mut reader = BufReader::with_capacity(capacity, script);
        let mut all = Vec::new();
        loop {
            let mut buf = vec![0; 1 + rng.below(150)];
            let half = buf.len() / 2;
            let n = match rng.below(3) {
                0 => block_on(reader.read(&mut buf)).unwrap(),
                1 => {
                    let (a, b) = buf.split_at_mut(half);
                    let mut bufs = [IoSliceMut::new(a), IoSliceMut::new(b)];
                    block_on(reader.read_vectored(&mut bufs)).unwrap()
                }
                _ => {
                    let bytes = block_on(reader.fill_buf()).unwrap();
                    let n = bytes.len().min(buf.len());
                    buf[..n].copy_from_slice(&bytes[..n]);
                    reader.consume(n);
                    n
                }
            };
            all.extend_from_slice(&buf[..n]);
            if n == 0 {
                break;
            }
        }
        assert!(all == input, "capacity {capacity}");
    }
}

#[test]
fn small_reads_cost_one_read_below_and_large_ones_no_copy() {
    let mut reader = BufReader::with_capacity(16, Script::pieces(&[1; 48], 16, 0));
    for _ in 0..16 {
        block_on(reader.read_u8()).unwrap();
    }
    assert_eq!(reader.get_ref().polls.read, 1);
    let mut large = [0; 16];
    block_on(reader.read_exact(&mut large)).unwrap();
    assert_eq!((reader.get_ref().polls.read, reader.buffer().len()), (2, 0));
    block_on(reader.read_u8()).unwrap();
    assert_eq!((reader.get_ref().polls.read, reader.buffer().len()), (3, 15));
}

#[test]
fn n12_an_empty_read_does_not_reach_the_reader_below() {
    let mut reader = BufReader::new(Script::reader([Fail(ErrorKind::Other)]));
    assert_eq!(block_on(reader.read(&mut [])).unwrap(), 0);
    assert_eq!(block_on(reader.read_vectored(&mut [])).unwrap(), 0);
    assert_eq!(reader.get_ref().polls.read, 0);
}

#[test]
fn seeking_counts_from_what_the_user_has_read() {
    let text: Vec<u8> = (0..100).collect();
    let mut reader = BufReader::with_capacity(10, Cursor::new(text));
    block_on(async {
        for expected in 0..5 {
            assert_eq!(reader.read_u8().await?, expected);
        }
        assert_eq!(reader.seek(SeekFrom::Current(3)).await?, 8);
        assert_eq!(reader.read_u8().await?, 8);
        assert_eq!(reader.seek(SeekFrom::Current(-9)).await?, 0);
        assert_eq!(reader.read_u8().await?, 0);
        assert_eq!(reader.stream_position().await?, 1);
        assert_eq!(reader.seek(SeekFrom::End(-1)).await?, 99);
        assert_eq!(reader.read_u8().await?, 99);
        assert!(reader.buffer().is_empty());
        // U08: too far back for one number, so it goes in two steps.
        reader.seek(SeekFrom::Start(50)).await?;
        assert_eq!(reader.read_u8().await?, 50);
        assert!(reader.seek(SeekFrom::Current(i64::MIN)).await.is_err());
        assert_eq!(reader.stream_position().await?, 51);
        std::io::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn writes_are_collected_and_go_out_when_flushed() {
    let mut writer = BufWriter::with_capacity(8, Script::default());
    block_on(async {
        writer.write_all(b"abc").await?;
        writer.write_all(b"de").await?;
        assert_eq!((writer.get_ref().polls.write, writer.buffer()), (0, &b"abcde"[..]));
        // Does not fit beside the rest: the rest goes out first.
        writer.write_all(b"fghi").await?;
        assert_eq!((&writer.get_ref().written[..], writer.buffer()), (&b"abcde"[..], &b"fghi"[..]));
        // As large as the buffer: no copy.
        writer.write_all(b"0123456789").await?;
        assert_eq!((writer.get_ref().written.len(), writer.buffer().len()), (19, 0));
        writer.write_all(b"end").await?;
        writer.flush().await?;
        assert_eq!(writer.get_ref().polls.flush, 1);
        writer.write_all(b"!").await?;
        writer.close().await
    })
    .unwrap();
    let script = writer.into_inner();
    assert_eq!(script.written, b"abcdefghi0123456789end!");
    assert!(script.closed);
}

#[test]
fn any_mix_of_writes_gives_the_same_bytes() {
    let mut rng = Rng(11);
    for capacity in [0, 1, 2, 7, 64, 8192] {
        let steps: Vec<Step> = (0..3000)
            .map(|_| if rng.below(3) == 0 { Pending } else { Take(1 + rng.below(40)) })
            .collect();
        let mut writer = BufWriter::with_capacity(capacity, Script::writer(steps));
        let mut all = Vec::new();
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..rng.below(30)).map(|_| rng.next() as u8).collect();
            let (a, b) = bytes.split_at(bytes.len() / 2);
            match rng.below(3) {
                0 => block_on(writer.write_all(&bytes)).unwrap(),
                1 => {
                    let mut bufs = [IoSlice::new(a), IoSlice::new(b)];
                    block_on(writer.write_all_vectored(&mut bufs)).unwrap();
                }
                _ => {
                    block_on(writer.write_all(&bytes)).unwrap();
                    block_on(writer.flush()).unwrap();
                }
            }
            all.extend_from_slice(&bytes);
            assert!(writer.buffer().len() <= capacity);
        }
        block_on(writer.close()).unwrap();
        assert!(writer.get_ref().written == all, "capacity {capacity}");
    }
}

#[test]
fn a_flush_that_was_dropped_goes_on_at_the_right_byte() {
    for polls in 0..12 {
        let steps = [Take(2), Pending, Take(1), Pending, Pending, Take(3), Pending];
        let mut writer = BufWriter::new(Script::writer(steps));
        block_on(writer.write_all(b"0123456789")).unwrap();
        poll_then_drop(writer.flush(), polls);
        block_on(writer.write_all(b"more")).unwrap();
        block_on(writer.flush()).unwrap();
        assert_eq!(writer.get_ref().written, b"0123456789more");
    }
}

#[test]
fn a_writer_that_takes_nothing_is_an_error_and_not_a_spin() {
    let mut writer = BufWriter::new(Script::writer([Take(1), Take(0)]));
    block_on(writer.write_all(b"abc")).unwrap();
    let error = block_on(writer.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(writer.buffer(), b"bc");
}

#[test]
fn a_buffered_stream_does_both_and_seeks() {
    let mut file = BufStream::with_capacity(4, 4, Cursor::new(b"0123456789".to_vec()));
    block_on(async {
        assert_eq!(file.read_u8().await?, b'0');
        file.seek(SeekFrom::Start(2)).await?;
        file.write_all(b"XY").await?;
        file.rewind().await?;
        let mut text = String::new();
        file.read_to_string(&mut text).await?;
        assert_eq!(text, "01XY456789");
        std::io::Result::Ok(())
    })
    .unwrap();
}
