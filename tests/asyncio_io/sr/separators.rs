//! Pieces that end with a separator, or with the first of several.

use std::io;
use std::pin::pin;
use std::task::Poll;

use corio::net::LimitOverrun;

use crate::support::poll_once;
use crate::support::{consumed, cut, fed, fed_with_limit, holding, settle};

/// A piece comes with its separator, of whatever length.
#[corio::test]
async fn sr_27_a_piece_has_its_separator() {
    let mut reader = holding(b"oneBBtwoB");
    assert_eq!(reader.read_until(b"BB").await.unwrap(), b"oneBB");
    assert_eq!(reader.read_until(b"B").await.unwrap(), b"twoB");
}

/// A separator is found however it is cut, and a false beginning misleads nobody.
#[corio::test]
async fn sr_28_a_separator_in_parts_is_found() {
    let (writer, mut reader) = fed();
    let task = corio::spawn(async move { (reader.read_until(b"ababc").await, reader) });
    for byte in b"xabababcy" {
        settle().await;
        writer.write(&[*byte]).unwrap();
    }
    settle().await;
    let (piece, mut reader) = task.await.unwrap();
    assert_eq!(piece.unwrap(), b"xabababc");
    assert_eq!(reader.read(9).await.unwrap(), b"y");
}

/// A separator beyond the limit is an error that takes nothing; what stands before can be taken.
#[corio::test]
async fn sr_29_31_a_separator_beyond_the_limit_takes_nothing() {
    let (writer, mut reader) = fed_with_limit(4);
    writer.write(b"abcdefgh\nrest").unwrap();
    let error = reader.read_until(b"\n").await.unwrap_err();
    assert_eq!(consumed(&error), 8);
    assert!(LimitOverrun::of(&error).unwrap().found());
    assert_eq!(reader.buffer(), b"abcdefgh\nrest");
    assert_eq!(reader.read_exact(8).await.unwrap(), b"abcdefgh");
    assert_eq!(reader.read_until(b"\n").await.unwrap(), b"\n");
}

/// Without a separator in sight the certain part counts.
#[corio::test]
async fn sr_30_the_certain_part_counts() {
    for (data, separator, expected) in
        [(&b"abcde"[..], &b"Z"[..], Some(5)), (b"abcdeX", b"XY", Some(5)), (b"abcd", b"Z", None)]
    {
        let (writer, mut reader) = fed_with_limit(4);
        writer.write(data).unwrap();
        match (poll_once(pin!(reader.read_until(separator))), expected) {
            (Poll::Ready(Err(error)), Some(expected)) => assert_eq!(consumed(&error), expected),
            (Poll::Pending, None) => {}
            (other, _) => panic!("{other:?}"),
        }
        assert_eq!(reader.buffer(), data);
    }
}

/// An end before the separator hands over what came.
#[corio::test]
async fn sr_32_an_end_before_the_separator() {
    let mut reader = holding(b"some data");
    let error = reader.read_until(b"\n").await.unwrap_err();
    assert_eq!(cut(&error), (b"some data".to_vec(), None));
    assert_eq!(reader.buffer(), b"");
    assert!(reader.at_eof());
}

/// Separators that would be found at once, or never, are refused.
#[corio::test]
async fn sr_33_36_separators_that_make_no_sense() {
    let mut reader = holding(b"data");
    for error in [
        reader.read_until(b"").await.unwrap_err(),
        reader.read_until_any(&[]).await.unwrap_err(),
        reader.read_until_any(&[b"a", b""]).await.unwrap_err(),
        reader.read_until_ref(b"").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(reader.read(4).await.unwrap(), b"data");
}

/// Of several separators the one that ends first counts.
#[corio::test]
async fn sr_34_the_earliest_end_counts() {
    let mut reader = holding(b"ABCDEFG");
    assert_eq!(reader.read_until_any(&[b"DEF", b"BCDE"]).await.unwrap(), b"ABCDE");
    assert_eq!(reader.read(9).await.unwrap(), b"FG");
    let mut reader = holding(b"line 1\nline 2\r");
    assert_eq!(reader.read_until_any(&[b"\r", b"\n"]).await.unwrap(), b"line 1\n");
    assert_eq!(reader.read_until_any(&[b"\r", b"\n"]).await.unwrap(), b"line 2\r");
}

/// Of two that end in one place the shorter counts for the limit.
#[corio::test]
async fn sr_35_of_two_ends_in_one_place_the_shorter_counts() {
    for separators in [[&b"XYZ"[..], b"Z"], [b"Z", b"XYZ"]] {
        let mut reader = holding(b"abcXYZ");
        reader.set_limit(4).unwrap();
        let error = reader.read_until_any(&separators).await.unwrap_err();
        assert_eq!(consumed(&error), 5, "the Z begins at 5, beyond the limit; XYZ begins at 3");
        reader.set_limit(5).unwrap();
        assert_eq!(reader.read_until_any(&separators).await.unwrap(), b"abcXYZ");
    }
}

/// The limit looks at the match, not at a longer one that begins before.
#[corio::test]
async fn sr_37_the_limit_looks_at_the_match() {
    let mut reader = holding(b"some dataA");
    reader.set_limit(3).unwrap();
    let error = reader.read_until_any(&[b"A", b"ome dataA"]).await.unwrap_err();
    assert_eq!(consumed(&error), 9);
    assert_eq!(reader.buffer(), b"some dataA");
}

/// Separators of different lengths, and data in parts.
#[corio::test]
async fn sr_38_long_and_short_separators_in_parts() {
    let (writer, mut reader) = fed();
    writer.write(b"data").unwrap();
    let task =
        corio::spawn(async move { (reader.read_until_any(&[b"A", b"long sep"]).await, reader) });
    for part in [&b"Z"[..], b"Aaaa"] {
        settle().await;
        writer.write(part).unwrap();
    }
    let (piece, mut reader) = task.await.unwrap();
    assert_eq!(piece.unwrap(), b"dataZA");
    assert_eq!(reader.read(9).await.unwrap(), b"aaa");
}
