//! Our end, the peer's end, and what is still sent.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use crate::support::{LONG, MUCH, narrow_tcp, poll_once, reset, settle, tcp};

/// `close` sends what is buffered, and can be called twice.
#[corio::test]
async fn sw_13_close_sends_what_is_buffered() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    assert!(!writer.is_closing());
    writer.close();
    writer.close();
    assert!(writer.is_closing());
    assert_eq!(reader.read_to_end().await.unwrap().len(), MUCH);
}

/// `wait_closed` waits for the last byte, and then never again.
#[corio::test]
async fn sw_14_wait_closed_waits_for_the_last_byte() {
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    writer.close();
    assert!(poll_once(pin!(writer.wait_closed())).is_pending());
    let reading = corio::spawn(async move { reader.read_to_end().await });
    writer.wait_closed().await.unwrap();
    writer.wait_closed().await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap().len(), MUCH);
}

/// `wait_closed` tells why not everything was sent.
#[corio::test]
async fn sw_15_wait_closed_tells_of_an_error() {
    let ((_r, writer), (far_reader, far_writer)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    writer.close();
    reset(far_reader, far_writer);
    assert_eq!(writer.wait_closed().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// What nobody has read does not hold up the close.
#[corio::test]
async fn sw_16_unread_bytes_do_not_hold_up_the_close() {
    let ((reader, writer), (_r, far_writer)) = tcp().await;
    far_writer.write_all(b"nobody reads this").await.unwrap();
    writer.close();
    corio::timeout(LONG, writer.wait_closed()).await.unwrap().unwrap();
    drop(reader);
}

/// Without a close it waits for whatever ends the connection.
#[corio::test]
async fn sw_17_wait_closed_waits_for_whatever_ends_it() {
    let ((mut reader, writer), (far_reader, far_writer)) = tcp().await;
    let writer = Arc::new(writer);
    let waiting = {
        let writer = writer.clone();
        corio::spawn(async move { writer.wait_closed().await })
    };
    settle().await;
    assert!(!waiting.is_finished());
    reset(far_reader, far_writer);
    reader.read(1).await.unwrap_err();
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// A cancelled wait changes nothing: the connection goes on, and later waits work.
#[corio::test]
async fn sw_18_a_cancelled_wait_changes_nothing() {
    let ((_r, writer), (mut reader, _w)) = tcp().await;
    let writer = Arc::new(writer);
    let waiting = {
        let writer = writer.clone();
        corio::spawn(async move { writer.wait_closed().await })
    };
    settle().await;
    waiting.cancel();
    assert!(waiting.await.unwrap_err().is_cancelled());
    writer.write(b"still there").unwrap();
    assert_eq!(reader.read(20).await.unwrap(), b"still there");
    writer.close();
    writer.wait_closed().await.unwrap();
}

/// After our end the peer still answers.
#[corio::test]
async fn sw_19_after_our_end_the_peer_answers() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = tcp().await;
    writer.write(b"question").unwrap();
    writer.write_eof().unwrap();
    assert_eq!(far_reader.read_to_end().await.unwrap(), b"question");
    far_writer.write(b"hello").unwrap();
    assert_eq!(reader.read_exact(5).await.unwrap(), b"hello");
}

/// After `write_eof` there is nothing to be written; a second one does nothing.
#[corio::test]
async fn sw_20_writing_after_the_end_is_an_error() {
    let ((_r, writer), _far) = tcp().await;
    writer.write_eof().unwrap();
    writer.write_eof().unwrap();
    let error = writer.write(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert!(error.to_string().contains("write_eof"), "{error}");
}

/// Both sides may close at once.
#[corio::test]
async fn sw_26_both_sides_close_at_once() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = tcp().await;
    writer.close();
    far_writer.close();
    for _ in 0..2 {
        assert_eq!(reader.read(1).await.unwrap(), b"");
        assert_eq!(far_reader.read(1).await.unwrap(), b"");
    }
    writer.wait_closed().await.unwrap();
    far_writer.wait_closed().await.unwrap();
}

/// A writer that is dropped has ended its side, and everything arrives.
#[corio::test]
async fn sw_27_a_dropped_writer_sends_what_it_has() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = narrow_tcp().await;
    writer.write(&vec![7; MUCH]).unwrap();
    drop(writer);
    assert_eq!(far_reader.read_to_end().await.unwrap().len(), MUCH);
    far_writer.write(b"bye").unwrap();
    assert_eq!(reader.read(9).await.unwrap(), b"bye", "the reader goes on");
}

/// A writer that outlives its runtime says so, and harms nobody.
#[test]
fn sw_28_a_writer_outlives_its_runtime() {
    let ((reader, writer), far) = corio::run(async {
        let (near, far) = narrow_tcp().await;
        near.1.write(&vec![7; MUCH]).unwrap();
        (near, far)
    });
    let error = writer.write(b"more").and_then(|()| writer.write(b"more")).err();
    assert!(error.is_some(), "nobody is there to send it");
    writer.close();
    drop((reader, writer, far));
}

/// A loss is an error to the reader, an end is an end.
#[corio::test]
async fn sw_29_a_loss_is_an_error_and_an_end_an_end() {
    let ((mut reader, _writer), (far_reader, far_writer)) = tcp().await;
    drop((far_reader, far_writer));
    assert_eq!(reader.read(1).await.unwrap(), b"");
    let ((mut reader, _writer), (far_reader, far_writer)) = tcp().await;
    reset(far_reader, far_writer);
    assert_eq!(reader.read(1).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// The peer's end is not ours.
#[corio::test]
async fn sw_31_the_peers_end_is_not_ours() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = tcp().await;
    far_writer.write_eof().unwrap();
    assert_eq!(reader.read(1).await.unwrap(), b"");
    writer.write(b"still talking").unwrap();
    assert_eq!(far_reader.read(20).await.unwrap(), b"still talking");
}
