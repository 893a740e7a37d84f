//! Which types are `Send`, `Sync`, `Unpin` and `Debug`; what they tell the runtime while they wait.

mod common;

use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use common::*;
use corio_io::framed::{BytesCodec, Framed, LengthDelimitedCodec, LinesCodec};
use corio_io::prelude::*;
use corio_io::{
    AsyncBufReadExt, BufReader, BufStream, BufWriter, Cursor, DuplexStream, Empty, IoSlice,
    IoSliceMut, Lines, ReadHalf, Repeat, ReuniteError, SimplexReader, SimplexWriter, Sink, Split,
    Take, WriteHalf, duplex, simplex, split,
};
use corio_sync::hooks::{self, Site, TaskHead, WaitKind};

fn all<T: Send + Sync + Unpin + Debug>() {}
fn of<T: Send + Sync + Unpin + Debug>(_: &T) {}

#[test]
fn types_are_send_sync_unpin_and_debug() {
    type S = DuplexStream;
    all::<S>();
    all::<(SimplexReader, SimplexWriter)>();
    all::<(ReadHalf<S>, WriteHalf<S>, ReuniteError<S>)>();
    all::<(BufReader<S>, BufWriter<S>, BufStream<S>)>();
    all::<(Take<S>, corio_io::Chain<S, S>, Lines<S>, Split<S>)>();
    all::<(Empty, Repeat, Sink, Cursor<Vec<u8>>)>();
    all::<(Framed<S, BytesCodec>, Framed<S, LinesCodec>, Framed<S, LengthDelimitedCodec>)>();
    all::<corio_io::framed::Buffer>();
}

#[test]
fn a_half_of_what_is_send_but_not_sync_is_both() {
    fn both<T: Send + Sync>() {}
    both::<ReadHalf<std::cell::Cell<u8>>>();
    both::<WriteHalf<std::cell::Cell<u8>>>();
}

#[test]
fn futures_are_send_sync_unpin_and_debug() {
    let (mut a, mut b) = duplex(8);
    let mut buf = [0; 4];
    let mut vec = Vec::new();
    let mut text = String::new();
    of(&a.read(&mut buf));
    of(&a.read_exact(&mut buf));
    of(&a.read_to_end(&mut vec));
    of(&a.read_to_string(&mut text));
    of(&a.read_u32());
    of(&a.read_vectored(&mut [IoSliceMut::new(&mut buf)]));
    of(&a.write(b""));
    of(&a.write_all(b""));
    of(&a.write_vectored(&[IoSlice::new(b"")]));
    of(&a.write_all_vectored(&mut [IoSlice::new(b"")]));
    of(&a.write_u32(1));
    of(&a.flush());
    of(&a.close());
    of(&corio_io::copy(&mut a, &mut corio_io::sink()));
    of(&corio_io::copy_bidirectional(&mut a, &mut b));
    let mut reader = BufReader::new(a);
    of(&reader.fill_buf());
    of(&reader.read_until(b'x', &mut vec));
    of(&reader.read_line(&mut text));
    of(&corio_io::copy_buf(&mut reader, &mut b));
    of(&reader.lines().next_line());
    of(&BufReader::new(b).split(b'x').next_segment());
    of(&Cursor::new(vec![0]).seek(corio_io::SeekFrom::Start(0)));
    let mut framed = Framed::new(simplex(1).1, BytesCodec::new());
    of(&framed.feed([0]));
    of(&framed.send([0]));
    of(&framed.flush());
    of(&framed.close());
    of(&Framed::new(simplex(1).0, BytesCodec::new()).next());
}

#[test]
fn trait_objects_have_the_methods_too() {
    let (a, mut b) = duplex(64);
    let (mut reader, mut writer) = split(a);
    let reader: &mut (dyn AsyncRead + Unpin) = &mut reader;
    let writer: &mut (dyn AsyncWrite + Unpin) = &mut writer;
    block_on(async {
        writer.write_all(b"hello\n").await?;
        b.write_u16(7).await?;
        assert_eq!(reader.read_u16().await?, 7);
        let mut boxed: Box<dyn AsyncBufRead + Unpin> = Box::new(BufReader::new(b));
        let mut line = String::new();
        boxed.read_line(&mut line).await?;
        assert_eq!(line, "hello\n");
        std::io::Result::Ok(())
    })
    .unwrap();
}

/// Runs `f` as if a runtime polled a task with `budget` operations.
fn as_task<R>(budget: u32, f: impl FnOnce(&TaskHead) -> R) -> R {
    let head = TaskHead::new(1, Site::caller(), 0);
    hooks::with_tls(|tls| {
        // SAFETY: the head outlives the call of `f`, and there is no runtime.
        unsafe { tls.set_task(&head) };
        tls.budget.set(budget);
    });
    let result = f(&head);
    hooks::with_tls(|tls| {
        // SAFETY: null.
        unsafe { tls.set_task(std::ptr::null()) };
        tls.budget.set(0);
    });
    result
}

#[test]
fn a_wait_names_the_line_that_waits() {
    fn check<F: Future>(line: u32, kind: WaitKind, future: F) {
        as_task(0, |head| {
            assert!(poll_then_drop(future, 1).is_none());
            let (seen, at, _) = head.wait().expect("no wait was noted");
            assert_eq!((seen, at.line()), (kind, line), "{at}");
            assert!(at.file().ends_with("traits.rs"), "{at}");
        });
    }
    let (read, write) = (WaitKind::Read, WaitKind::Write);
    let (mut a, mut full) = duplex(1);
    block_on(full.write_all(b"x")).unwrap();
    block_on(a.read_u8()).unwrap();
    let mut buf = [0; 4];
    check(line!(), read, a.read(&mut buf));
    check(line!(), read, a.read_exact(&mut buf));
    check(line!(), read, a.read_u8());
    check(line!(), read, a.read_to_end(&mut Vec::new()));
    check(line!(), read, a.read_to_string(&mut String::new()));
    check(line!(), read, corio_io::copy(&mut a, &mut corio_io::sink()));
    check(line!(), read, corio_io::copy_bidirectional(&mut a, &mut Script::reader([Stall])));
    let mut reader = BufReader::new(a);
    check(line!(), read, reader.fill_buf());
    check(line!(), read, reader.read_line(&mut String::new()));
    check(line!(), read, reader.read_until(b'x', &mut Vec::new()));
    check(line!(), read, corio_io::copy_buf(&mut reader, &mut corio_io::sink()));
    let mut lines = reader.lines();
    check(line!(), read, lines.next_line());
    block_on(full.write_all(b"x")).unwrap();
    check(line!(), write, full.write(b"y"));
    check(line!(), write, full.write_all(b"y"));
    check(line!(), write, full.write_u8(1));
    let mut framed = Framed::new(full, BytesCodec::new());
    check(line!(), read, framed.next());
    check(line!(), write, framed.send(b"y"));
}

#[test]
fn d02_a_loop_that_is_always_ready_gives_others_their_turn() {
    fn pauses<F: Future>(name: &str, future: F) {
        let mut future = pin!(future);
        for _ in 0..3 {
            as_task(16, |_| {
                let (woken, waker) = Count::new();
                let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
                assert!(poll.is_pending(), "{name} went on without end");
                assert_eq!(woken.get(), 1, "{name} stopped without a waker");
            });
        }
    }
    let endless = || corio_io::repeat(b'x');
    pauses("copy", corio_io::copy(&mut endless(), &mut corio_io::sink()));
    pauses("copy_buf", corio_io::copy_buf(&mut BufReader::new(endless()), &mut corio_io::sink()));
    pauses("read_to_end", endless().read_to_end(&mut Vec::new()));
    let mut lines = BufReader::with_capacity(8, endless()).lines().max_length(1 << 20);
    pauses("next_line", lines.next_line());
    pauses("skipping", async {
        let mut lines = BufReader::new(endless()).lines().max_length(1);
        let _ = lines.next_line().await;
        lines.next_line().await
    });
    // Foreign readers know nothing of budgets; the loops do.
    let foreign = || Script::reader(vec![Data(vec![b'x']); 10_000]);
    pauses("copy of a foreign reader", corio_io::copy(&mut foreign(), &mut Script::default()));
    let mut buffered = Strict::new(foreign());
    pauses("copy_buf of one", corio_io::copy_buf(&mut buffered, &mut Script::default()));
    pauses("read_to_end of one", foreign().read_to_end(&mut Vec::new()));
    pauses("read_until of one", Strict::new(foreign()).read_until(b'y', &mut Vec::new()));
    pauses("frames of one", Framed::new(foreign(), LinesCodec::new()).next());
}

#[test]
fn d02_a_pipe_takes_part_in_the_budget() {
    let (mut reader, mut writer) = simplex(1000);
    block_on(writer.write_all(&[0; 1000])).unwrap();
    let (woken, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    let mut drain = |budget| {
        let mut read = || Pin::new(&mut reader).poll_read(&mut cx, &mut [0]).is_ready();
        as_task(budget, |_| (0..100).take_while(|_| read()).count())
    };
    // A budget of 16 is 15 operations (1 stands for "none left", 0 for "no limit").
    assert_eq!((drain(16), drain(16), drain(0)), (15, 15, 100));
    assert_eq!(woken.get(), 2);
    let mut cx = Context::from_waker(&waker);
    let mut fill = |budget| {
        let mut write = || Pin::new(&mut writer).poll_write(&mut cx, b"x").is_ready();
        as_task(budget, |_| (0..100).take_while(|_| write()).count())
    };
    assert_eq!((fill(16), fill(0)), (15, 100));
}

#[test]
fn d02_what_is_always_ready_takes_part_in_the_budget() {
    let count = |mut ready: Box<dyn FnMut(&mut Context<'_>) -> bool>| {
        let mut cx = Context::from_waker(Waker::noop());
        as_task(16, |_| (0..100).take_while(|_| ready(&mut cx)).count())
    };
    let (mut reader, mut writer) = (corio_io::repeat(1), corio_io::sink());
    let read = move |cx: &mut Context<'_>| Pin::new(&mut reader).poll_read(cx, &mut [0]).is_ready();
    let write = move |cx: &mut Context<'_>| Pin::new(&mut writer).poll_write(cx, b"x").is_ready();
    let write_vectored = move |cx: &mut Context<'_>| {
        Pin::new(&mut writer).poll_write_vectored(cx, &[IoSlice::new(b"x")]).is_ready()
    };
    assert_eq!(count(Box::new(read)), 15);
    assert_eq!(count(Box::new(write)), 15);
    assert_eq!(count(Box::new(write_vectored)), 15);
}

#[test]
fn d02_one_direction_of_a_proxy_does_not_starve_the_other() {
    struct Endless(Script);
    impl AsyncRead for Endless {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<std::io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }
    }
    impl AsyncWrite for Endless {
        fn poll_write(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            self.0.polls.write += 1;
            Poll::Ready(Ok(buf.len()))
        }
        fn poll_flush(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_close(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let (mut a, mut b) = (Endless(Script::default()), Endless(Script::default()));
    {
        let mut copying = pin!(corio_io::copy_bidirectional(&mut a, &mut b));
        for _ in 0..100 {
            let mut cx = Context::from_waker(Waker::noop());
            as_task(16, |_| assert!(copying.as_mut().poll(&mut cx).is_pending()));
        }
    }
    let (a, b) = (a.0.polls.write, b.0.polls.write);
    assert!(a.abs_diff(b) <= 16, "{a} writes against {b}");
}
