//! Drain waits for the peer, between two marks.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use crate::support::{MUCH, narrow_tcp, poll_once, reset, settle, tcp};

/// Below the mark there is nothing to wait for.
#[corio::test]
async fn sw_06_drain_does_not_wait_below_the_mark() {
    let ((_r, writer), _far) = narrow_tcp().await;
    writer.set_write_limits(MUCH, 0).unwrap();
    writer.write(&vec![0; MUCH]).unwrap();
    assert!(writer.buffered() > 0);
    assert!(poll_once(pin!(writer.drain())).is_ready());
}

/// Above the high mark it waits until the low one is reached.
#[corio::test]
async fn sw_07_drain_waits_for_the_low_mark() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    writer.set_write_limits(4096, 1024).unwrap();
    writer.write(&vec![0; MUCH]).unwrap();
    let mut drain = pin!(writer.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    let reading = corio::spawn(async move { reader.read_exact(MUCH).await });
    drain.await.unwrap();
    assert!(writer.buffered() <= 1024, "{}", writer.buffered());
    reading.await.unwrap().unwrap();
}

/// Everybody who waits goes on together; and all are told when the connection fails.
#[corio::test]
async fn sw_08_all_drains_go_on_together() {
    for fails in [false, true] {
        let ((_r, writer), (mut reader, far_writer)) = narrow_tcp().await;
        let writer = Arc::new(writer);
        writer.write(&vec![0; MUCH]).unwrap();
        let drains: Vec<_> = (0..10)
            .map(|_| {
                let writer = writer.clone();
                corio::spawn(async move { writer.drain().await })
            })
            .collect();
        settle().await;
        assert!(drains.iter().all(|drain| !drain.is_finished()));
        if fails {
            reset(reader, far_writer);
        } else {
            reader.read_exact(MUCH).await.unwrap();
        }
        for drain in drains {
            assert_eq!(drain.await.unwrap().is_err(), fails);
        }
    }
}

/// A drain that waits when we close or abort the connection ends; the next one is an error.
#[corio::test]
async fn sw_08_a_drain_ends_with_an_abort() {
    let ((_r, writer), _far) = narrow_tcp().await;
    writer.write(&vec![0; MUCH]).unwrap();
    let mut drain = pin!(writer.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    writer.abort();
    drain.await.unwrap();
    assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
}

/// After the connection is lost, drain says so, also where it is the reader that found out.
#[corio::test]
async fn sw_09_10_drain_tells_of_a_loss() {
    let ((mut reader, writer), (far_reader, far_writer)) = tcp().await;
    reset(far_reader, far_writer);
    assert_eq!(reader.read(1).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    for _ in 0..2 {
        assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}

/// A peer that takes nothing does not keep a dropped connection for ever.
#[corio::test(start_paused = true)]
async fn str_14_a_peer_that_takes_nothing_is_given_up() {
    let ((reader, writer), (mut far_reader, _far_writer)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    let before = corio::time::Instant::now();
    drop((reader, writer));
    corio::sleep(std::time::Duration::from_secs(31)).await;
    assert!(before.elapsed() >= std::time::Duration::from_secs(31));
    let end = loop {
        match far_reader.read(64 * 1024).await {
            Ok(data) if data.is_empty() => panic!("a reset, not an end: bytes are missing"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
}
