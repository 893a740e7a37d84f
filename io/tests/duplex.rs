//! `duplex`, `simplex` and `split`: back-pressure, ends, wakers, halves.

#![allow(
    clippy::disallowed_methods,
    reason = "it is `prim`'s, which clippy cannot tell from std's"
)]

mod common;

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use common::*;
use corio_io::prelude::*;
use corio_io::{
    ErrorKind, IoSlice, IoSliceMut, SimplexReader, SimplexWriter, duplex, simplex, split,
};
use corio_sync::prim::{Mutex, thread};

#[test]
#[should_panic(expected = "a pipe of capacity 0 lets nothing through")]
fn capacity_zero_is_refused_by_name() {
    let _ = duplex(0);
}

#[test]
fn the_panic_names_the_caller() {
    static FILE: OnceLock<String> = OnceLock::new();
    let old = std::panic::take_hook();
    // Whatever else panics in this program meanwhile does so in this very file too.
    std::panic::set_hook(Box::new(|info| {
        let _ = FILE.set(info.location().unwrap().file().to_owned());
    }));
    let _ = std::panic::catch_unwind(|| simplex(0));
    std::panic::set_hook(old);
    assert!(FILE.get().unwrap().ends_with("tests/duplex.rs"), "{FILE:?}");
}

#[test]
fn a_full_pipe_makes_its_writer_wait_until_there_is_room() {
    let (mut reader, mut writer) = simplex(4);
    let (woken, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    assert_eq!(block_on(writer.write(b"abcdef")).unwrap(), 4);
    assert!(Pin::new(&mut writer).poll_write(&mut cx, b"ef").is_pending());
    assert_eq!(woken.get(), 0);
    assert_eq!(block_on(reader.read_u8()).unwrap(), b'a');
    assert_eq!(woken.get(), 1);
    assert_eq!(block_on(writer.write(b"ef")).unwrap(), 1);
    assert!(format!("{writer:?}").contains("len: 4"));
}

#[test]
fn a_reader_waits_for_bytes_and_then_for_the_end() {
    let (mut reader, mut writer) = simplex(4);
    let (woken, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    let mut buf = [0; 8];
    assert!(Pin::new(&mut reader).poll_read(&mut cx, &mut buf).is_pending());
    block_on(writer.write_all(b"xy")).unwrap();
    assert_eq!(woken.get(), 1);
    assert!(matches!(Pin::new(&mut reader).poll_read(&mut cx, &mut buf), Poll::Ready(Ok(2))));
    assert!(Pin::new(&mut reader).poll_read(&mut cx, &mut buf).is_pending());
    drop(writer);
    assert_eq!(woken.get(), 2);
    for _ in 0..3 {
        assert!(matches!(Pin::new(&mut reader).poll_read(&mut cx, &mut buf), Poll::Ready(Ok(0))));
    }
}

#[test]
fn what_was_written_before_the_end_still_arrives() {
    let (mut a, mut b) = duplex(16);
    block_on(async {
        a.write_all(b"last words").await?;
        drop(a);
        let mut text = String::new();
        b.read_to_string(&mut text).await?;
        assert_eq!(text, "last words");
        let error = b.write_all(b"anyone?").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert!(error.to_string().contains("dropped"), "{error}");
        std::io::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn a_waiting_writer_learns_that_its_reader_is_gone() {
    let (reader, mut writer) = simplex(1);
    let (woken, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    block_on(writer.write_all(b"x")).unwrap();
    assert!(Pin::new(&mut writer).poll_write(&mut cx, b"y").is_pending());
    drop(reader);
    assert_eq!(woken.get(), 1);
    let error = block_on(writer.write(b"y")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    // Nobody will read the byte that was in there: it is gone.
    assert!(format!("{writer:?}").contains("len: 0"));
}

#[test]
fn closing_one_direction_leaves_the_other() {
    let (mut a, mut b) = duplex(16);
    block_on(async {
        a.close().await?;
        a.close().await?;
        assert_eq!(b.read(&mut [0]).await?, 0);
        b.write_all(b"still here").await?;
        let mut buf = [0; 10];
        a.read_exact(&mut buf).await?;
        assert_eq!(&buf, b"still here");
        let error = a.write_all(b"no").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert!(error.to_string().contains("closed"), "{error}");
        a.flush().await
    })
    .unwrap();
}

#[test]
fn n12_empty_reads_and_writes_are_no_end_and_never_wait() {
    let (mut a, mut b) = duplex(1);
    block_on(async {
        assert_eq!(b.read(&mut []).await?, 0);
        assert_eq!(b.read_vectored(&mut [IoSliceMut::new(&mut [])]).await?, 0);
        a.write_all(b"x").await?;
        assert_eq!(a.write(b"").await?, 0);
        assert_eq!(a.write_vectored(&[]).await?, 0);
        assert_eq!(b.read_u8().await?, b'x');
        std::io::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn vectored_operations_move_all_that_fits() {
    let (mut reader, mut writer) = simplex(6);
    block_on(async {
        let bufs =
            [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde"), IoSlice::new(b"fgh")];
        assert_eq!(writer.write_vectored(&bufs).await?, 6);
        let (mut x, mut y) = ([0; 1], [0; 9]);
        let mut bufs = [IoSliceMut::new(&mut x), IoSliceMut::new(&mut y)];
        assert_eq!(reader.read_vectored(&mut bufs).await?, 6);
        assert_eq!((&x, &y[..5]), (b"a", &b"bcdef"[..]));
        std::io::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn bytes_keep_their_order_around_the_ring() {
    let mut rng = Rng(5);
    for capacity in [1, 2, 3, 7, 64] {
        let (mut reader, mut writer) = simplex(capacity);
        let sent: Vec<u8> = (0..2000).map(|_| rng.next() as u8).collect();
        let mut got = Vec::new();
        let mut next = 0;
        while got.len() < sent.len() {
            let end = sent.len().min(next + rng.below(2 * capacity));
            if let Some(Ok(n)) = poll_then_drop(writer.write(&sent[next..end]), 1) {
                next += n;
            }
            let mut buf = vec![0; 1 + rng.below(2 * capacity)];
            if let Some(Ok(n)) = poll_then_drop(reader.read(&mut buf), 1) {
                got.extend_from_slice(&buf[..n]);
            }
        }
        assert!(got == sent, "capacity {capacity}");
    }
}

#[test]
fn two_threads_lose_neither_bytes_nor_wakeups() {
    let (mut a, mut b) = duplex(7);
    let echo = thread::spawn(move || {
        let n = block_on(async {
            let (mut reader, mut writer) = split(&mut b);
            let n = corio_io::copy(&mut reader, &mut writer).await?;
            writer.close().await?;
            std::io::Result::Ok(n)
        });
        n.unwrap()
    });
    let sent: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
    let mut got = Vec::new();
    let (mut reader, mut writer) = split(&mut a);
    block_on(both(
        async {
            writer.write_all(&sent).await.unwrap();
            writer.close().await.unwrap();
        },
        async {
            reader.read_to_end(&mut got).await.unwrap();
        },
    ));
    assert!(got == sent);
    assert_eq!(echo.join().unwrap(), 100_000);
}

#[test]
fn one_read_takes_all_there_is_also_around_the_ring() {
    let (mut reader, mut writer) = simplex(4);
    block_on(async {
        writer.write_all(b"abcd").await?;
        reader.read_exact(&mut [0; 3]).await?;
        writer.write_all(b"efg").await?;
        let mut buf = [0; 8];
        assert_eq!(reader.read(&mut buf).await?, 4);
        assert_eq!(&buf[..4], b"defg");
        std::io::Result::Ok(())
    })
    .unwrap();
}

/// A waker that runs a closure, once, when it is woken, as an executor might that polls at once.
struct Eager(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        let run = self.0.lock().take();
        if let Some(run) = run {
            run();
        }
    }
}

fn eager() -> (Arc<Eager>, Waker) {
    let eager = Arc::new(Eager(Mutex::new(None)));
    (eager.clone(), eager.into())
}

/// Polls with a waker that, when it is woken, polls the same end again; `wake` has to wake it.
fn s05<E: Send + 'static>(
    mut end: E,
    poll: fn(&mut E, &mut Context<'_>) -> Poll<()>,
    wake: impl FnOnce(),
) {
    let (eager, waker) = eager();
    assert!(poll(&mut end, &mut Context::from_waker(&waker)).is_pending());
    let (ran, ran_waker) = Count::new();
    *eager.0.lock() = Some(Box::new(move || {
        // A pipe that held its lock here would stop this thread for ever.
        assert!(poll(&mut end, &mut Context::from_waker(Waker::noop())).is_ready());
        ran_waker.wake();
    }));
    wake();
    assert_eq!(ran.get(), 1);
}

#[test]
fn s05_wakers_are_woken_outside_the_lock() {
    fn read(reader: &mut SimplexReader, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(reader).poll_read(cx, &mut [0]).map(drop)
    }
    fn write(writer: &mut SimplexWriter, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(writer).poll_write(cx, b"y").map(drop)
    }
    let full = || {
        let (reader, mut writer) = simplex(1);
        block_on(writer.write_all(b"x")).unwrap();
        (reader, writer)
    };
    let (reader, mut writer) = simplex(1);
    s05(reader, read, || block_on(writer.write_all(b"x")).unwrap());
    let (reader, writer) = simplex(1);
    s05(reader, read, || drop(writer));
    let (reader, mut writer) = simplex(1);
    s05(reader, read, || block_on(writer.close()).unwrap());
    let (mut reader, writer) = full();
    s05(writer, write, || assert_eq!(block_on(reader.read_u8()).unwrap(), b'x'));
    let (reader, writer) = full();
    s05(writer, write, || drop(reader));
}

#[test]
fn s05_wakers_are_dropped_outside_the_lock() {
    // The pipe holds the last reference to a waker that holds the pipe's writer: when it lets the
    // waker go, the writer is dropped too, and that takes the lock.
    let owner = |writer: SimplexWriter| {
        let (eager, waker) = eager();
        *eager.0.lock() = Some(Box::new(move || drop(writer)));
        waker
    };
    let (mut reader, writer) = simplex(1);
    let waker = owner(writer);
    assert!(
        Pin::new(&mut reader).poll_read(&mut Context::from_waker(&waker), &mut [0]).is_pending()
    );
    drop(waker);
    let other = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut reader).poll_read(other, &mut [0]).is_pending());
    assert!(matches!(Pin::new(&mut reader).poll_read(other, &mut [0]), Poll::Ready(Ok(0))));

    let (mut reader, writer) = simplex(1);
    let waker = owner(writer);
    assert!(
        Pin::new(&mut reader).poll_read(&mut Context::from_waker(&waker), &mut [0]).is_pending()
    );
    drop(waker);
    drop(reader);
}

#[test]
fn the_latest_waker_is_the_one_that_is_woken() {
    let (mut reader, mut writer) = simplex(1);
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    for waker in [&first_waker, &second_waker, &second_waker] {
        let mut cx = Context::from_waker(waker);
        assert!(Pin::new(&mut reader).poll_read(&mut cx, &mut [0]).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 2, "the pipe has let the first waker go");
    block_on(writer.write_all(b"x")).unwrap();
    assert_eq!((first.get(), second.get()), (0, 1));
}

#[test]
fn dropped_ends_keep_no_waker() {
    let (reader, mut writer) = simplex(1);
    let (count, waker) = Count::new();
    block_on(writer.write_all(b"x")).unwrap();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut writer).poll_write(&mut cx, b"y").is_pending());
    assert_eq!(Arc::strong_count(&count), 3);
    drop(writer);
    assert_eq!(Arc::strong_count(&count), 2);
    drop(reader);
}

#[test]
fn halves_work_apart_and_together() {
    let (a, mut b) = duplex(16);
    let (mut reader, mut writer) = split(a);
    block_on(async {
        writer.write_all(b"to b").await?;
        b.write_all(b"to a").await?;
        let mut buf = [0; 4];
        b.read_exact(&mut buf).await?;
        assert_eq!(&buf, b"to b");
        reader.read_exact(&mut buf).await?;
        assert_eq!(&buf, b"to a");
        std::io::Result::Ok(())
    })
    .unwrap();
    assert!(reader.is_pair_of(&writer) && writer.is_pair_of(&reader));
    let mut a = reader.reunite(writer).unwrap();
    block_on(a.write_all(b"whole")).unwrap();
}

#[test]
fn u04_strangers_are_not_reunited() {
    let ((a, _a), (b, _b)) = (duplex(1), duplex(1));
    let ((read_a, write_a), (read_b, write_b)) = (split(a), split(b));
    let error = read_a.reunite(write_b).unwrap_err();
    assert!(error.to_string().contains("different streams"), "{error}");
    let (read_a, write_b) = (error.0, error.1);
    assert!(read_a.reunite(write_a).is_ok() && read_b.reunite(write_b).is_ok());
}

#[test]
fn dropping_both_halves_drops_the_stream() {
    let (a, mut b) = duplex(4);
    let (reader, writer) = split(a);
    drop(writer);
    assert!(poll_then_drop(b.read(&mut [0]), 3).is_none(), "one half keeps it open");
    drop(reader);
    assert_eq!(block_on(b.read(&mut [0])).unwrap(), 0);
}

#[test]
fn a_duplex_splits_without_a_lock() {
    let (a, mut b) = duplex(4);
    let (mut reader, writer) = a.into_split();
    drop(writer);
    assert_eq!(block_on(b.read(&mut [0])).unwrap(), 0);
    block_on(b.write_all(b"ok")).unwrap();
    let mut buf = [0; 2];
    block_on(reader.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"ok");
}

#[test]
fn debug_shows_sizes_and_never_bytes() {
    let (mut a, b) = duplex(64);
    block_on(a.write_all(b"canary")).unwrap();
    let shown = format!("{a:?} {b:?}") + &format!("{:?}", split(a));
    assert!(shown.contains("len: 6") && shown.contains("capacity: 64"), "{shown}");
    assert!(!shown.contains("canary") && !shown.contains("99, 97, 110"), "{shown}");
}
