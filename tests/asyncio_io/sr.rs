//! StreamReader.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use corio::io::{AsyncBufReadExt, AsyncReadExt};
use corio::net::{ConnectOptions, LimitOverrun, StreamReader};

use crate::support::{
    LONG, consumed, cut, echo_server, fed, fed_with_limit, holding, narrow_tcp, reset, settle, tcp,
};

/// A limit that would let nothing through is refused, by a connection before it is opened.
#[corio::test]
async fn sr_01_a_limit_of_nothing_is_refused() {
    let error = holding(b"").set_limit(0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    // Port 1 would refuse the connection: it is not even tried.
    let error = ConnectOptions::new().limit(0).open("127.0.0.1:1").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

/// Nothing that is written wakes nobody.
#[corio::test]
async fn sr_02_nothing_wakes_nobody() {
    let (writer, mut reader) = fed();
    let mut read = pin!(reader.read(10));
    assert!(poll_once(read.as_mut()).is_pending());
    writer.write(b"").unwrap();
    settle().await;
    assert!(poll_once(read.as_mut()).is_pending());
    writer.write(b"x").unwrap();
    assert_eq!(read.await.unwrap(), b"x");
}

/// Zero bytes are there at once, without an end.
#[corio::test]
async fn sr_03_zero_bytes_are_there_at_once() {
    let (_writer, mut reader) = fed();
    assert_eq!(reader.read(0).await.unwrap(), b"");
    assert!(!reader.at_eof());
}

/// What is there is returned at once, and the rest kept.
#[corio::test]
async fn sr_04_what_is_there_comes_at_once() {
    let (writer, mut reader) = fed();
    writer.write(b"line 1\nline 2\n").unwrap();
    assert_eq!(reader.read(9).await.unwrap(), b"line 1\nli");
    assert_eq!(reader.buffer(), b"ne 2\n");
}

/// An empty reader waits for some bytes, not for all.
#[corio::test]
async fn sr_05_an_empty_reader_waits_for_some() {
    let (writer, mut reader) = fed();
    let task = corio::spawn(async move { reader.read(30).await });
    settle().await;
    assert!(!task.is_finished());
    writer.write(b"line 1\n").unwrap();
    assert_eq!(task.await.unwrap().unwrap(), b"line 1\n");
}

/// Line breaks mean nothing to `read`.
#[corio::test]
async fn sr_06_read_does_not_stop_at_a_line_break() {
    assert_eq!(holding(b"line 1\nline 2").read(30).await.unwrap(), b"line 1\nline 2");
}

/// The end is the end, each time.
#[corio::test]
async fn sr_07_the_end_stays_the_end() {
    let mut reader = holding(b"");
    for _ in 0..3 {
        assert_eq!(reader.read(1024).await.unwrap(), b"");
    }
}

/// Everything up to the end, however it comes, and whatever the limit.
#[corio::test]
async fn sr_08_09_everything_up_to_the_end() {
    let (writer, mut reader) = fed_with_limit(4);
    let task = corio::spawn(async move { reader.read_to_end().await });
    for part in [&b"chunk1"[..], b"\n", b"chunk2"] {
        writer.write(part).unwrap();
        settle().await;
        assert!(!task.is_finished());
    }
    writer.write_eof().unwrap();
    assert_eq!(task.await.unwrap().unwrap(), b"chunk1\nchunk2");
}

/// The limit is not for `read`.
#[corio::test]
async fn sr_10_read_knows_no_limit() {
    let (writer, mut reader) = fed_with_limit(3);
    writer.write(b"chunk").unwrap();
    assert_eq!(reader.read(5000).await.unwrap(), b"chunk");
    writer.write(b"chunk\n").unwrap();
    assert_eq!(reader.read(5000).await.unwrap(), b"chunk\n");
}

/// An error comes again with every read; what was read before it stays.
#[corio::test]
async fn sr_11_an_error_stays() {
    let ((mut reader, writer), (far_reader, far_writer)) = tcp().await;
    far_writer.write(b"half").unwrap();
    assert_eq!(reader.fill_buf().await.unwrap(), b"half");
    reset(far_reader, far_writer);
    for _ in 0..2 {
        for error in [
            reader.read_exact(10).await.unwrap_err(),
            reader.read_line().await.unwrap_err(),
            reader.read_until(b"!").await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
    }
    assert_eq!(reader.buffer(), b"half");
    drop(writer);
}

/// Whoever waits is given the error; whoever has gone meanwhile does no harm.
#[corio::test]
async fn sr_12_an_error_ends_a_wait() {
    let ((mut reader, _writer), (far_reader, far_writer)) = tcp().await;
    {
        let mut gone = pin!(reader.read(1));
        assert!(poll_once(gone.as_mut()).is_pending());
    }
    let task = corio::spawn(async move { reader.read(1).await });
    settle().await;
    reset(far_reader, far_writer);
    assert_eq!(task.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// A cancelled read has taken nothing.
#[corio::test]
async fn sr_14_a_cancelled_read_loses_nothing() {
    let (writer, mut reader) = fed();
    {
        let mut read = pin!(reader.read_exact(6));
        assert!(poll_once(read.as_mut()).is_pending());
        writer.write(b"line ").unwrap();
        assert!(poll_once(read.as_mut()).is_pending());
    }
    {
        let mut line = pin!(reader.read_line());
        assert!(poll_once(line.as_mut()).is_pending());
    }
    writer.write(b"1\n").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"line 1\n");
}

/// It is at the end when the end has come and everything is taken.
#[corio::test]
async fn sr_15_at_the_end_when_all_is_taken() {
    let (writer, mut reader) = fed();
    assert!(!reader.at_eof());
    writer.write(b"some data\n").unwrap();
    assert_eq!(reader.fill_buf().await.unwrap(), b"some data\n");
    assert!(!reader.at_eof());
    writer.write_eof().unwrap();
    // The end is met by a read that wants more, and what was there is still there.
    assert!(poll_once(pin!(reader.read_to_end())).is_ready());
    assert!(reader.at_eof());
    let mut reader = holding(b"ab");
    reader.read_exact(3).await.unwrap_err();
    assert!(reader.at_eof());
}

/// A peer that was held up by a full buffer goes on as soon as there is room.
#[corio::test]
async fn sr_17_reading_lets_the_peer_go_on() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    let data = vec![7; 1 << 20];
    let sending = corio::spawn(async move { writer.write_all(&data).await.map(|()| writer) });
    settle().await;
    assert!(!sending.is_finished(), "the peer reads nothing");
    let mut count = 0;
    while count < 1 << 20 {
        count += reader.read(4096).await.unwrap().len();
    }
    drop(sending.await.unwrap().unwrap());
    assert_eq!(reader.read(1).await.unwrap(), b"");
}

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

/// An exact number of bytes, none of them included.
#[corio::test]
async fn sr_41_42_exactly_so_many() {
    let (writer, mut reader) = fed();
    assert_eq!(reader.read_exact(0).await.unwrap(), b"");
    let task = corio::spawn(async move { (reader.read_exact(8).await, reader) });
    for part in [&b"chunk"[..], b"chunk"] {
        settle().await;
        writer.write(part).unwrap();
    }
    let (data, reader) = task.await.unwrap();
    assert_eq!(data.unwrap(), b"chunkchu");
    assert_eq!(reader.buffer(), b"nk");
}

/// Who asks for a number knows how much it is: the limit is not for it.
#[corio::test]
async fn sr_43_an_exact_number_knows_no_limit() {
    let (writer, mut reader) = fed_with_limit(4);
    writer.write(&[7; 20]).unwrap();
    assert_eq!(reader.read_exact(20).await.unwrap(), [7; 20]);
}

/// An end that comes too early hands over what came.
#[corio::test]
async fn sr_44_an_end_too_early() {
    let mut reader = holding(b"line");
    assert_eq!(cut(&reader.read_exact(100).await.unwrap_err()), (b"line".to_vec(), Some(100)));
    assert_eq!(reader.read(1).await.unwrap(), b"");
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

/// Anything that can be read will do.
#[corio::test]
async fn sr_46_a_source_that_cannot_be_held_up() {
    let mut reader = StreamReader::new(corio::io::repeat(b'x').take(1 << 20));
    assert_eq!(reader.read_to_end().await.unwrap().len(), 1 << 20);
}

/// Nothing is read ahead of the user beyond a buffer: the peer is held up instead.
#[corio::test]
async fn sr_48_a_peer_that_is_not_read_is_held_up() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    writer.write(b"one line\n").unwrap();
    writer.write(&vec![b'x'; 4 << 20]).unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"one line\n");
    settle().await;
    assert!(writer.buffered() > 1 << 20, "the peer keeps what nobody asks for");
    assert!(reader.buffer().len() <= 128 * 1024);
}

/// Wanting more than the peer may send at once is no deadlock.
#[corio::test]
async fn sr_49_wanting_more_than_fits_is_no_deadlock() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    reader.set_limit(2 << 20).unwrap();
    writer.write(&vec![b'x'; 1 << 20]).unwrap();
    writer.write(b"\n").unwrap();
    let read = corio::timeout(LONG, reader.read_until(b"\n")).await.unwrap().unwrap();
    assert_eq!(read.len(), (1 << 20) + 1);
    writer.write(&vec![b'y'; 1 << 20]).unwrap();
    let read = corio::timeout(LONG, reader.read_exact(1 << 20)).await.unwrap().unwrap();
    assert!(read.iter().all(|byte| *byte == b'y'));
}

/// All methods agree on where the reader is.
#[corio::test]
async fn sr_50_all_methods_agree_on_the_place() {
    let mut reader = holding(b"12345line\nuntil;any:rest");
    assert_eq!(reader.read_exact(5).await.unwrap(), b"12345");
    assert_eq!(reader.read_line_ref().await.unwrap(), b"line\n");
    assert_eq!(reader.read_until_ref(b";").await.unwrap(), b"until;");
    assert_eq!(reader.read_until_any(&[b";", b":"]).await.unwrap(), b"any:");
    let mut two = [0; 2];
    AsyncReadExt::read_exact(&mut reader, &mut two).await.unwrap();
    assert_eq!(&two, b"re");
    assert_eq!(reader.read_to_end().await.unwrap(), b"st");
}

/// The end wakes whoever waits, and each method makes its own of it.
#[corio::test]
async fn sr_51_the_end_wakes_who_waits() {
    let (writer, mut reader) = fed();
    let task = corio::spawn(async move {
        let error = reader.read_exact(5).await.unwrap_err();
        (cut(&error), reader.read_line().await.unwrap())
    });
    settle().await;
    writer.write(b"abc").unwrap();
    drop(writer);
    assert_eq!(task.await.unwrap(), ((b"abc".to_vec(), Some(5)), Vec::new()));
}

/// A reader shows what it knows, and not what was received.
#[corio::test]
async fn sr_53_a_reader_shows_itself() {
    let mut reader = holding(b"secret");
    reader.set_limit(77).unwrap();
    reader.fill_buf().await.unwrap();
    let shown = format!("{reader:?}");
    assert!(shown.contains("buffered: 6") && shown.contains("limit: 77"), "{shown}");
    assert!(!shown.contains("secret"));
    reader.read_to_end().await.unwrap();
    assert!(format!("{reader:?}").contains("eof: true"));
}

/// It reads from a real server as it does from memory.
#[corio::test]
async fn lines_come_back_from_an_echo_server() {
    let server = echo_server().await;
    let (mut reader, writer) = corio::net::open_connection(server.local_addrs()[0]).await.unwrap();
    for number in 0..1000 {
        let line = format!("line {number}\n");
        writer.write(line.as_bytes()).unwrap();
        assert_eq!(reader.read_line().await.unwrap(), line.as_bytes());
    }
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
