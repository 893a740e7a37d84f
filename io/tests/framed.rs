//! `Framed` and the codecs: messages whole, whatever the cuts; limits; hostile lengths.

mod common;

use common::*;
use corio_io::framed::{Buffer, BytesCodec, Decoder, Framed, LengthDelimitedCodec, LinesCodec};
use corio_io::{ErrorKind, duplex};

fn all<C: Decoder>(input: &[u8], size: usize, codec: C) -> Vec<Result<C::Item, C::Error>> {
    let mut framed = Framed::new(Script::pieces(input, size, 1), codec);
    let mut items = Vec::new();
    while let Some(item) = block_on(framed.next()) {
        items.push(item);
    }
    assert!(block_on(framed.next()).is_none(), "the end stays the end");
    items
}

fn encode<I, C: corio_io::Encoder<I, Error = std::io::Error> + Decoder>(
    codec: C,
    items: impl IntoIterator<Item = I>,
) -> Vec<u8> {
    let mut framed = Framed::new(Script::writer([Take(1), Pending, Take(2)]), codec);
    for item in items {
        block_on(framed.send(item)).unwrap();
    }
    framed.into_inner().written
}

#[test]
fn lines_come_whole_whatever_the_cuts() {
    let input = b"one\ntwo\r\n\nthree\r";
    for size in 1..=input.len() {
        let lines: Vec<String> =
            all(input, size, LinesCodec::new()).into_iter().map(Result::unwrap).collect();
        assert_eq!(lines, ["one", "two", "", "three\r"]);
    }
}

#[test]
fn lines_too_long_or_no_text_are_errors_and_the_next_line_comes() {
    let input = b"fine\nmuch too long\n\xff\nend\nagain too long";
    for size in 1..=input.len() {
        let items = all(input, size, LinesCodec::new().max_length(4));
        let seen: Vec<_> = items.into_iter().map(|i| i.map_err(|e| e.to_string())).collect();
        assert_eq!(seen.len(), 5, "{seen:?}");
        assert_eq!(seen[0].as_deref(), Ok("fine"));
        assert!(seen[1].as_ref().unwrap_err().contains("longer than 4"));
        assert!(seen[2].as_ref().unwrap_err().contains("UTF-8"));
        assert_eq!(seen[3].as_deref(), Ok("end"));
        assert!(seen[4].as_ref().unwrap_err().contains("longer than 4"));
    }
}

#[test]
fn an_endless_line_is_reported_once_and_costs_no_memory() {
    let input = vec![b'x'; 300_000];
    let mut framed = Framed::new(&input[..], LinesCodec::new().max_length(1000));
    let error = block_on(framed.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(framed.read_buffer().len() <= 16 << 10);
    assert!(block_on(framed.next()).is_none());
}

#[test]
fn lengths_of_every_width_and_order_make_the_round_trip() {
    let messages: [&[u8]; 4] = [b"", b"a", b"some words", &[7; 200]];
    for field in 1..=8 {
        for little in [false, true] {
            for (offset, header) in [(0, 0), (3, 0), (2, 15)] {
                let mut codec =
                    LengthDelimitedCodec::new().field(field).offset(offset).header(header);
                if little {
                    codec = codec.little_endian();
                }
                let bytes = encode(codec.clone(), messages);
                let head = header.max(offset + field);
                assert_eq!(bytes.len(), 4 * head + 211);
                for size in [1, 2, 5, 17, 1000] {
                    let items = all(&bytes, size, codec.clone());
                    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
                    assert_eq!(items, messages);
                }
                let kept = all(&bytes, 9, codec.clone().keep_header());
                assert_eq!(kept[1].as_ref().unwrap().len(), head + 1);
            }
        }
    }
}

#[test]
fn the_wire_format_is_the_one_described() {
    assert_eq!(encode(LengthDelimitedCodec::new(), [b"abc"]), b"\0\0\0\x03abc");
    assert_eq!(encode(LengthDelimitedCodec::new().field(2).adjust(-2), [b"abc"]), b"\0\x05abc");
    assert_eq!(encode(LengthDelimitedCodec::new().field(1).offset(1), [b"abc"]), b"\0\x03abc");
    assert_eq!(encode(LengthDelimitedCodec::new().field(1).header(3), [b"abc"]), b"\x03\0\0abc");
    assert_eq!(
        encode(LengthDelimitedCodec::new().field(3).little_endian(), [b"ab"]),
        b"\x02\0\0ab"
    );
}

#[test]
fn d04_hostile_lengths_are_errors() {
    let cases: [(LengthDelimitedCodec, &[u8]); 5] = [
        (LengthDelimitedCodec::new(), b"\xff\xff\xff\xff"),
        (LengthDelimitedCodec::new().field(8), &[0xff; 8]),
        (LengthDelimitedCodec::new().field(8).adjust(i64::MAX), &[0xff; 8]),
        (LengthDelimitedCodec::new().field(1).adjust(-2), b"\x01abc"),
        (LengthDelimitedCodec::new().field(8).max_length(usize::MAX).adjust(1), &[0xff; 8]),
    ];
    for (codec, bytes) in cases {
        let mut items = all(bytes, 3, codec);
        assert_eq!(items.len(), 1, "an error that cannot be skipped is the last item");
        assert_eq!(items.pop().unwrap().unwrap_err().kind(), ErrorKind::InvalidData);
    }
    let codec = LengthDelimitedCodec::new().field(8).max_length(usize::MAX);
    let items = all(&[0xff; 20], 7, codec);
    assert_eq!(items[0].as_ref().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    // The largest length that a limit lets pass asks for memory only as bytes come.
    let codec = LengthDelimitedCodec::new().field(8).max_length(usize::MAX);
    let items = all(&[0x7f; 100], 50, codec);
    assert_eq!(items[0].as_ref().unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_message_over_the_limit_is_not_sent_and_leaves_nothing_behind() {
    let mut framed = Framed::new(Vec::new(), LengthDelimitedCodec::new().field(1).max_length(300));
    assert!(block_on(framed.send(vec![0; 301])).unwrap_err().to_string().contains("300"));
    let error = block_on(framed.send(vec![0; 256])).unwrap_err();
    assert!(error.to_string().contains("does not fit a length field of 1 bytes"), "{error}");
    let mut framed = framed.map_codec(|c| c.adjust(-300));
    assert!(block_on(framed.send(vec![0; 10])).is_err());
    let mut framed = framed.map_codec(|c| c.adjust(i64::MIN));
    assert!(block_on(framed.send(vec![0; 10])).is_err());
    assert!(framed.get_ref().is_empty() && framed.write_buffer().is_empty());
}

#[test]
fn a_message_that_cannot_be_encoded_leaves_nothing_behind() {
    struct Fussy;
    impl corio_io::Encoder<&[u8]> for Fussy {
        type Error = std::io::Error;
        fn encode(&mut self, item: &[u8], buf: &mut Vec<u8>) -> std::io::Result<()> {
            buf.extend_from_slice(item);
            if item.contains(&b'!') { Err(ErrorKind::InvalidInput.into()) } else { Ok(()) }
        }
    }
    let mut framed = Framed::new(Vec::new(), Fussy);
    block_on(framed.feed(b"good ")).unwrap();
    assert!(block_on(framed.feed(b"bad!")).is_err());
    assert!(block_on(framed.send(b"bad!")).is_err());
    block_on(framed.send(b"end")).unwrap();
    assert_eq!(framed.get_ref(), b"good end");
}

#[test]
fn a_cloned_codec_starts_afresh() {
    let steps = [Data(b"half a line".to_vec()), Stall];
    let mut first = Framed::new(Script::reader(steps), LinesCodec::new().max_length(20));
    assert!(poll_then_drop(first.next(), 3).is_none());
    let mut second = Framed::new(&b"a\nb\n"[..], first.codec().clone());
    assert_eq!(block_on(second.next()).unwrap().unwrap(), "a");
    let error = block_on(second.map_codec(|c| c.clone().max_length(0)).next());
    assert!(error.unwrap().unwrap_err().to_string().contains("longer than 0"));
}

#[test]
#[should_panic(expected = "a length field has 1 to 8 bytes, not 9")]
fn a_length_field_too_wide_is_refused() {
    let _ = LengthDelimitedCodec::new().field(9);
}

#[test]
fn an_input_that_ends_inside_a_message_is_an_error() {
    for len in 1..7 {
        let items = all(&b"\0\0\0\x03abc"[..len], 2, LengthDelimitedCodec::new());
        assert_eq!(items.len(), 1);
        let error = items[0].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains(&format!("{len} bytes")), "{error}");
    }
}

#[test]
fn an_error_of_the_stream_ends_the_messages() {
    let steps =
        [Data(b"one\ntw".to_vec()), Fail(ErrorKind::ConnectionReset), Data(b"o\n".to_vec())];
    let mut framed = Framed::new(Script::reader(steps), LinesCodec::new());
    assert_eq!(block_on(framed.next()).unwrap().unwrap(), "one");
    let error = block_on(framed.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(block_on(framed.next()).is_none());
    assert_eq!(framed.read_buffer(), b"tw");
}

/// A decoder that never has enough.
struct Never;

impl Decoder for Never {
    type Item = ();
    type Error = std::io::Error;
    fn decode(&mut self, _: &mut Buffer) -> Result<Option<()>, std::io::Error> {
        Ok(None)
    }
    fn max_length(&self) -> usize {
        100_000
    }
}

#[test]
fn a_decoder_that_never_has_enough_meets_its_limit() {
    let mut framed = Framed::new(corio_io::repeat(1), Never);
    let error = block_on(framed.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("100000"), "{error}");
    assert!(framed.read_buffer().len() < 120_000);
    assert!(block_on(framed.next()).is_none());
}

#[test]
fn s13_a_dropped_next_loses_nothing() {
    let bytes = encode(LengthDelimitedCodec::new(), [b"first".to_vec(), b"second".to_vec()]);
    for polls in 0..60 {
        let mut framed = Framed::new(Script::pieces(&bytes, 1, 1), LengthDelimitedCodec::new());
        let mut items: Vec<Vec<u8>> = Vec::new();
        items.extend(poll_then_drop(framed.next(), polls).map(|item| item.unwrap().unwrap()));
        while let Some(item) = block_on(framed.next()) {
            items.push(item.unwrap());
        }
        assert_eq!(items, [&b"first"[..], b"second"]);
    }
}

#[test]
fn s13_a_dropped_send_cuts_no_message_in_two() {
    for polls in 0..12 {
        let steps = [Take(3), Pending, Take(1), Pending, Pending, Take(2), Pending];
        let mut framed = Framed::new(Script::writer(steps), LengthDelimitedCodec::new());
        poll_then_drop(framed.send(b"maybe"), polls);
        block_on(framed.send(b"surely")).unwrap();
        let items = all(&framed.into_inner().written, 100, LengthDelimitedCodec::new());
        let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
        let expected: &[&[u8]] = if polls == 0 { &[b"surely"] } else { &[b"maybe", b"surely"] };
        assert_eq!(items, expected);
    }
}

#[test]
fn n14_feeding_a_peer_that_does_not_read_waits() {
    let mut framed = Framed::new(Script::writer([Stall]), BytesCodec::new());
    let mut fed = 0;
    while poll_then_drop(framed.feed([0; 1000]), 2).is_some() {
        fed += 1;
        assert!(fed < 100, "the buffer grows without end");
    }
    assert_eq!(framed.write_buffer().len(), fed * 1000);
    assert!(framed.write_buffer().len() < 10_000);
}

#[test]
fn closing_sends_what_was_fed() {
    let mut framed = Framed::new(Script::default(), LinesCodec::new());
    block_on(framed.feed("a")).unwrap();
    block_on(framed.feed("b")).unwrap();
    assert_eq!((framed.get_ref().polls.write, framed.write_buffer()), (0, &b"a\nb\n"[..]));
    block_on(framed.close()).unwrap();
    let script = framed.into_inner();
    assert_eq!((&script.written[..], script.closed), (&b"a\nb\n"[..], true));
}

#[test]
fn memory_of_a_large_message_is_given_back() {
    let (a, b) = duplex(64 << 10);
    let mut a = Framed::new(a, LengthDelimitedCodec::new());
    let mut b = Framed::new(b, LengthDelimitedCodec::new());
    block_on(both(
        async {
            a.send(vec![1; 4 << 20]).await.unwrap();
            a.send(vec![2; 1]).await.unwrap();
            drop(a);
        },
        async {
            assert_eq!(b.next().await.unwrap().unwrap().len(), 4 << 20);
            assert_eq!(b.next().await.unwrap().unwrap(), [2]);
            assert!(b.next().await.is_none());
        },
    ));
    assert!(read_room(&b) <= 64 << 10, "{b:?}");
}

/// The memory of the read buffer, which `Debug` shows.
fn read_room(framed: &impl std::fmt::Debug) -> usize {
    let shown = format!("{framed:?}");
    let digits = |s: &str| s.chars().take_while(char::is_ascii_digit).collect::<String>();
    digits(shown.split("room: ").nth(1).unwrap()).parse().unwrap()
}

#[test]
fn d03_messages_in_one_byte_pieces_cost_about_their_own_size() {
    let bytes = encode(LengthDelimitedCodec::new(), [vec![3; 100_000]]);
    let mut framed = Framed::new(Script::pieces(&bytes, 1, 0), LengthDelimitedCodec::new());
    assert_eq!(block_on(framed.next()).unwrap().unwrap().len(), 100_000);
    assert!(read_room(&framed) <= 2 * bytes.len(), "{framed:?}");
}

#[test]
fn d04_random_bytes_end_every_codec_without_a_panic() {
    let mut rng = Rng(31);
    for _ in 0..3000 {
        let input: Vec<u8> = (0..rng.below(40)).map(|_| (rng.next() % 7) as u8).collect();
        let size = 1 + rng.below(10);
        let codec = LengthDelimitedCodec::new()
            .field(1 + rng.below(8))
            .offset(rng.below(4))
            .header(rng.below(12))
            .adjust(rng.below(9) as i64 - 4)
            .max_length(rng.below(50));
        let items = all(&input, size, codec);
        assert!(items.len() <= input.len() + 1);
        let items = all(&input, size, LinesCodec::new().max_length(rng.below(10)));
        assert!(items.len() <= input.len() + 1);
        let bytes: Vec<_> = all(&input, size, BytesCodec::new()).into_iter().flatten().collect();
        assert_eq!(bytes.concat(), input);
    }
}

#[test]
fn random_messages_make_the_round_trip() {
    let mut rng = Rng(37);
    for _ in 0..200 {
        let mut codec = LengthDelimitedCodec::new()
            .field(2 + rng.below(7))
            .offset(rng.below(4))
            .header(rng.below(12))
            .adjust(-(rng.below(9) as i64));
        if rng.below(2) == 0 {
            codec = codec.little_endian();
        }
        let messages: Vec<Vec<u8>> =
            (0..rng.below(6)).map(|_| vec![rng.next() as u8; rng.below(3000)]).collect();
        let bytes = encode(codec.clone(), messages.clone());
        let items: Vec<_> =
            all(&bytes, 1 + rng.below(500), codec).into_iter().map(Result::unwrap).collect();
        assert_eq!(items, messages);
    }
}
