//! `copy`, `copy_buf`, `copy_bidirectional`: all bytes, flushed in time, without a spin.

mod common;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use common::*;
use corio_io::prelude::*;
use corio_io::{BufReader, ErrorKind, copy, copy_bidirectional, copy_buf, duplex};

#[test]
fn copies_are_exact_whatever_the_sizes() {
    let mut rng = Rng(3);
    for len in [0, 1, 8191, 8192, 8193, 200_000] {
        let input: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        for size in [1 + rng.below(1000), 8192, 100_000] {
            let takes: Vec<Step> = (0..50)
                .map(|_| if rng.below(2) == 0 { Pending } else { Take(1 + rng.below(900)) })
                .collect();
            let mut writer = Script::writer(takes.clone());
            let n = block_on(copy(&mut Script::pieces(&input, size, 1), &mut writer)).unwrap();
            assert_eq!(n, len as u64);
            assert!(writer.written == input);
            assert!(!writer.closed);
            assert!(writer.polls.flush > 0 || len == 0);

            let mut writer = Script::writer(takes);
            let mut reader = Strict::new(Script::pieces(&input, size.min(4096), 1));
            let n = block_on(copy_buf(&mut reader, &mut writer)).unwrap();
            assert_eq!(n, len as u64);
            assert!(writer.written == input);
        }
    }
}

#[test]
fn the_buffer_grows_while_reads_fill_it() {
    struct Rooms(Vec<usize>, usize);
    impl AsyncRead for Rooms {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<std::io::Result<usize>> {
            self.0.push(buf.len());
            let n = buf.len().min(self.1);
            self.1 -= n;
            Poll::Ready(Ok(n))
        }
    }
    let mut reader = Rooms(Vec::new(), 400 << 10);
    block_on(copy(&mut reader, &mut corio_io::sink())).unwrap();
    assert_eq!(reader.0[..5], [8 << 10, 16 << 10, 32 << 10, 64 << 10, 64 << 10]);
}

#[test]
fn a_copy_ends_with_a_flush_unless_there_is_nothing_to_flush() {
    for (input, flushes) in [(&b"some"[..], 1), (b"", 0)] {
        let mut writer = Script::default();
        block_on(copy(&mut &input[..], &mut writer)).unwrap();
        assert_eq!(writer.polls.flush, flushes);
        let mut writer =
            Script { flushes: [Pending, Fail(ErrorKind::Other)].into(), ..Script::default() };
        let result = block_on(copy_buf(&mut &input[..], &mut writer));
        assert_eq!(result.is_err(), flushes == 1);
    }
}

#[test]
fn what_came_is_flushed_when_the_reader_has_nothing_for_now() {
    let steps = || [Data(b"ab".to_vec()), Data(b"c".to_vec()), Stall];
    let mut cx = Context::from_waker(Waker::noop());

    let mut writer = Script::default();
    let mut reader = Script::reader(steps());
    let mut copying = pin!(copy(&mut reader, &mut writer));
    for _ in 0..3 {
        assert!(copying.as_mut().poll(&mut cx).is_pending());
    }
    // Flushed once for these bytes, not again at each poll.
    assert_eq!((&writer.written[..], writer.polls.flush), (&b"abc"[..], 1));

    let mut writer = Script::default();
    let mut reader = Strict::new(Script::reader(steps()));
    let mut copying = pin!(copy_buf(&mut reader, &mut writer));
    for _ in 0..3 {
        assert!(copying.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!((&writer.written[..], writer.polls.flush), (&b"abc"[..], 1));
}

#[test]
fn a_flush_that_has_to_wait_does_not_keep_the_copy_from_reading() {
    let mut writer = Script { flushes: [Stall, Stall].into(), ..Script::default() };
    let mut reader =
        Script::reader([Data(b"a".to_vec()), Pending, Data(b"b".to_vec()), Pending, End]);
    assert_eq!(block_on(copy(&mut reader, &mut writer)).unwrap(), 2);
    assert_eq!(writer.written, b"ab");
}

#[test]
fn errors_end_a_copy() {
    let mut writer = Script::default();
    let mut reader = Script::reader([Data(b"abc".to_vec()), Fail(ErrorKind::ConnectionReset)]);
    let error = block_on(copy(&mut reader, &mut writer)).unwrap_err();
    assert_eq!((error.kind(), &writer.written[..]), (ErrorKind::ConnectionReset, &b"abc"[..]));

    let mut writer = Script::writer([Take(2), Take(0)]);
    let error = block_on(copy(&mut &b"abcdef"[..], &mut writer)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(error.to_string(), "the writer takes no more bytes, after 2 of 6");

    let mut reader = Strict::new(Script::pieces(b"abcdef", 6, 0));
    let mut writer = Script::writer([Take(2), Take(0)]);
    let error = block_on(copy_buf(&mut reader, &mut writer)).unwrap_err();
    assert_eq!((error.kind(), &reader.unread()[..]), (ErrorKind::WriteZero, &b"cdef"[..]));

    let flushes = [Fail(ErrorKind::BrokenPipe)];
    let mut writer = Script { flushes: flushes.into(), ..Script::default() };
    let mut reader = Script::reader([Data(b"abc".to_vec()), Stall]);
    let error = block_on(copy(&mut reader, &mut writer)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn s13_a_dropped_copy_buf_has_lost_nothing() {
    for polls in 0..40 {
        let mut reader = BufReader::with_capacity(5, Script::pieces(b"0123456789", 3, 1));
        let mut writer = Script::writer([Take(1), Pending, Take(2), Pending, Take(1), Pending]);
        poll_then_drop(copy_buf(&mut reader, &mut writer), polls);
        block_on(copy_buf(&mut reader, &mut writer)).unwrap();
        assert_eq!(writer.written, b"0123456789", "dropped after {polls} polls");
    }
}

/// A stream that reads and writes by script.
fn side(reads: impl IntoIterator<Item = Step>) -> Script {
    Script::reader(reads)
}

#[test]
fn n19_the_end_of_one_side_closes_the_other_and_the_rest_goes_on() {
    let mut a = side([Data(b"from a".to_vec()), End]);
    let mut b = side([Pending, Pending, Pending, Data(b"from b".to_vec()), Pending, End]);
    assert_eq!(block_on(copy_bidirectional(&mut a, &mut b)).unwrap(), (6, 6));
    assert_eq!((&a.written[..], &b.written[..]), (&b"from b"[..], &b"from a"[..]));
    assert_eq!((a.polls.close, b.polls.close), (1, 1));
}

#[test]
fn n19_a_side_that_has_ended_is_left_alone_while_the_other_is_idle() {
    let mut a = side([End]);
    let mut b = side([Stall]);
    let (count, waker) = Count::new();
    {
        let mut copying = pin!(copy_bidirectional(&mut a, &mut b));
        for _ in 0..10 {
            assert!(copying.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    }
    // Nobody was woken: it does not spin. The ended direction was polled once.
    assert_eq!(count.get(), 0);
    assert_eq!((a.polls.read, b.polls.close, b.polls.flush), (1, 1, 0));
    assert!(!a.closed);
}

#[test]
fn n19_an_error_of_either_side_ends_both() {
    let kind = ErrorKind::ConnectionReset;
    let cases: [(Script, Script); 4] = [
        (side([Fail(kind)]), side([Stall])),
        (side([Stall]), side([Fail(kind)])),
        (side([Data(vec![1]), Stall]), Script { writes: [Fail(kind)].into(), ..side([Stall]) }),
        (Script { writes: [Fail(kind)].into(), ..side([Stall]) }, side([Data(vec![1]), Stall])),
    ];
    for (mut a, mut b) in cases {
        assert_eq!(block_on(copy_bidirectional(&mut a, &mut b)).unwrap_err().kind(), kind);
    }
}

#[test]
fn n19_random_scripts_arrive_whole_in_both_directions() {
    let mut rng = Rng(19);
    for _ in 0..300 {
        let mut script = || {
            let mut bytes = Vec::new();
            let mut reads = Vec::new();
            for _ in 0..rng.below(12) {
                if rng.below(3) == 0 {
                    reads.push(Pending);
                } else {
                    let data: Vec<u8> = (0..1 + rng.below(50)).map(|_| rng.next() as u8).collect();
                    bytes.extend_from_slice(&data);
                    reads.push(Data(data));
                }
            }
            let writes: Vec<Step> = (0..rng.below(20))
                .map(|_| if rng.below(2) == 0 { Pending } else { Take(1 + rng.below(20)) })
                .collect();
            (Script { writes: writes.into(), ..Script::reader(reads) }, bytes)
        };
        let ((mut a, from_a), (mut b, from_b)) = (script(), script());
        let counts = block_on(copy_bidirectional(&mut a, &mut b)).unwrap();
        assert_eq!(counts, (from_a.len() as u64, from_b.len() as u64));
        assert!(a.written == from_b && b.written == from_a);
        assert_eq!((a.polls.close, b.polls.close), (1, 1));
    }
}

#[test]
fn a_proxy_carries_a_conversation_of_lock_step_peers() {
    let (client, mut front) = duplex(3);
    let (mut back, server) = duplex(5);
    let talk = async move {
        let mut client = BufReader::new(client);
        for turn in 0..20_u32 {
            client.write_all(format!("question {turn}\n").as_bytes()).await?;
            let mut line = String::new();
            client.read_line(&mut line).await?;
            assert_eq!(line, format!("answer to question {turn}\n"));
        }
        client.close().await?;
        assert_eq!(client.read(&mut [0]).await?, 0);
        std::io::Result::Ok(())
    };
    let serve = async move {
        let mut lines = BufReader::new(server).lines();
        while let Some(line) = lines.next_line().await? {
            lines.get_mut().write_all(format!("answer to {line}\n").as_bytes()).await?;
        }
        std::io::Result::Ok(())
    };
    let (counts, (talked, served)) =
        block_on(both(copy_bidirectional(&mut front, &mut back), both(talk, serve)));
    talked.unwrap();
    served.unwrap();
    let (there, back) = counts.unwrap();
    assert_eq!(back - there, 20 * "answer to ".len() as u64);
}
