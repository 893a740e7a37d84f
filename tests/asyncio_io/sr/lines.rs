//! Lines, whole and in parts, and those that are too long.

use corio::net::LimitOverrun;

use crate::support::{consumed, fed, fed_with_limit, holding, settle};

/// A line comes with its line feed; what is behind stays.
#[corio::test]
async fn sr_18_a_line_has_its_line_feed() {
    let (writer, mut reader) = fed();
    writer.write(b"line1\nline2").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"line1\n");
    assert_eq!(reader.buffer(), b"line2");
}

/// A line that comes in parts is one line.
#[corio::test]
async fn sr_19_a_line_in_parts_is_one() {
    let (writer, mut reader) = fed();
    writer.write(b"chunk1 ").unwrap();
    let task = corio::spawn(async move { (reader.read_line().await, reader) });
    for part in [&b"chunk2 "[..], b"chunk3 ", b"\n chunk4"] {
        settle().await;
        writer.write(part).unwrap();
    }
    let (line, reader) = task.await.unwrap();
    assert_eq!(line.unwrap(), b"chunk1 chunk2 chunk3 \n");
    assert_eq!(reader.buffer(), b" chunk4");
}

/// A last line may lack its line feed.
#[corio::test]
async fn sr_20_a_last_line_may_lack_its_line_feed() {
    let mut reader = holding(b"some data");
    assert_eq!(reader.read_line().await.unwrap(), b"some data");
    assert_eq!(reader.read_line().await.unwrap(), b"");
}

/// The limit counts what stands before the separator.
#[corio::test]
async fn sr_21_40_a_line_of_the_limit_passes() {
    let (writer, mut reader) = fed_with_limit(7);
    writer.write(b"1234567\n1234567XY").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"1234567\n");
    assert_eq!(reader.read_until(b"XY").await.unwrap(), b"1234567XY");
}

/// A line that is too long is taken away, and the next one is read.
#[corio::test]
async fn sr_22_too_long_a_line_is_taken_away() {
    let (writer, mut reader) = fed_with_limit(4);
    writer.write(b"abcdefgh\nok\n").unwrap();
    let error = reader.read_line().await.unwrap_err();
    assert_eq!(LimitOverrun::of(&error).unwrap().limit(), 4);
    assert!(error.to_string().contains("limit is 4"), "{error}");
    assert_eq!(reader.read_line().await.unwrap(), b"ok\n");
}

/// Without an end in sight everything is taken away, as soon as it is too much.
#[corio::test]
async fn sr_23_24_too_much_without_an_end_is_taken_away_at_once() {
    let (writer, mut reader) = fed_with_limit(3);
    writer.write(b"chu").unwrap();
    let task = corio::spawn(async move { (reader.read_line().await, reader) });
    settle().await;
    assert!(!task.is_finished(), "three bytes are not too many");
    writer.write(b"nk").unwrap();
    let (line, mut reader) = task.await.unwrap();
    assert!(!LimitOverrun::of(&line.unwrap_err()).unwrap().found());
    assert_eq!(reader.buffer(), b"");
    writer.write(b"2\n").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"2\n");
}

/// Lines and bytes may be read by turns.
#[corio::test]
async fn sr_25_lines_and_bytes_by_turns() {
    let data = b"line1\nline2\nline3";
    let mut reader = holding(data);
    let mut all = reader.read_line().await.unwrap();
    all.extend(reader.read(7).await.unwrap());
    all.extend(reader.read_to_end().await.unwrap());
    assert_eq!(all, data);
}

/// That the end comes right behind does not make a line shorter.
#[corio::test]
async fn sr_26_the_end_behind_too_long_a_line_changes_nothing() {
    let mut reader = holding(b"abcdefgh\n");
    reader.set_limit(4).unwrap();
    assert_eq!(consumed(&reader.read_line().await.unwrap_err()), 8);
    assert_eq!(reader.read_line().await.unwrap(), b"");
}

/// The lines as a stream, the last one too.
#[corio::test]
async fn sr_45_the_lines_as_a_stream() {
    let (mut lines, mut all) = (holding(b"line1\nline2\nline3").lines(), Vec::new());
    while let Some(line) = lines.next().await {
        all.push(line.unwrap());
    }
    assert_eq!(all, [&b"line1\n"[..], b"line2\n", b"line3"]);
    assert!(lines.next().await.is_none());
    assert!(lines.into_inner().at_eof());
}
