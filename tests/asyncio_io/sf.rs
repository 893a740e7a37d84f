//! SF: sendfile. asyncio's `loop.sock_sendfile` is a method of the sockets here, `loop.sendfile` one of the writer.

use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use corio::net::{TcpStream, UnixStream, stream_pair};
use corio::spawn;

use crate::support::{LONG, narrow_tcp, reset, settle, tcp};

/// A file of so many bytes that nobody else sees, and the bytes.
fn file(len: usize) -> (File, Vec<u8>) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Ordering: Relaxed, only the number counts.
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("corio-sf-{}-{number}", std::process::id()));
    let data: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
    std::fs::write(&path, &data).unwrap();
    let file = File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    (file, data)
}

fn position(mut file: &File) -> u64 {
    file.stream_position().unwrap()
}

/// Everything that comes until the end.
fn collect(stream: TcpStream) -> corio::Task<Vec<u8>> {
    spawn(async move {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        all
    })
}

/// A whole file goes over a socket, and its length comes back. Its position is its owner's affair.
#[corio::test]
async fn sf_01_a_whole_file() {
    let (mut file, data) = file(1_000_000);
    file.seek(SeekFrom::Start(7)).unwrap();
    let (client, server) = crate::sk::pair().await;
    let received = collect(server);
    assert_eq!(client.send_file(&file, 0, u64::MAX).await.unwrap(), 1_000_000);
    drop(client);
    assert!(received.await.unwrap() == data);
    assert_eq!(position(&file), 7);
}

/// So does a part of it.
#[corio::test]
async fn sf_02_a_part_of_a_file() {
    let (file, data) = file(10_000);
    let (client, server) = crate::sk::pair().await;
    assert_eq!(client.send_file(&file, 1000, 2000).await.unwrap(), 2000);
    drop(client);
    assert_eq!(collect(server).await.unwrap(), data[1000..3000]);
    assert_eq!(position(&file), 0);
}

/// Of an empty file nothing is sent.
#[corio::test]
async fn sf_03_an_empty_file() {
    let (file, _) = file(0);
    let (client, server) = crate::sk::pair().await;
    assert_eq!(client.send_file(&file, 0, 100).await.unwrap(), 0);
    drop(client);
    assert_eq!(collect(server).await.unwrap(), b"");
    assert_eq!(position(&file), 0);
}

/// What is written before and after stands before and after.
#[corio::test]
async fn sf_04_order_is_kept_among_writes() {
    let (file, data) = file(300_000);
    let expected = [b"before", &data[..], b"after"].concat();
    let (client, server) = crate::sk::pair().await;
    let received = collect(server);
    client.write_all(b"before").await.unwrap();
    client.send_file(&file, 0, u64::MAX).await.unwrap();
    client.write_all(b"after").await.unwrap();
    drop(client);
    assert!(received.await.unwrap() == expected);

    let ((_r, writer), (mut reader, _w)) = tcp().await;
    let received = spawn(async move { reader.read_to_end().await.unwrap() });
    writer.write(b"before").unwrap();
    writer.send_file(&file, 0, u64::MAX).await.unwrap();
    writer.write(b"after").unwrap();
    writer.write_eof().unwrap();
    assert!(received.await.unwrap() == expected);
}

/// Lengths and offsets have no sign. To send nothing is no error; an offset that no file has is one.
#[corio::test]
async fn sf_06_lengths_and_offsets() {
    let (file, _) = file(100);
    let (client, server) = crate::sk::pair().await;
    assert_eq!(client.send_file(&file, 0, 0).await.unwrap(), 0);
    assert_eq!(client.send_file(&file, 100, 1).await.unwrap(), 0);
    assert_eq!(client.send_file(&file, 1 << 40, 1).await.unwrap(), 0);
    let error = client.send_file(&file, u64::MAX, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    drop(client);
    assert_eq!(collect(server).await.unwrap(), b"", "nothing was sent");
}

/// What the system cannot move is copied, with the same result: a file of its own making, and a stream that is no
/// socket.
#[corio::test]
async fn sf_07_what_cannot_be_moved_is_copied() {
    let own = File::open("/proc/self/cmdline").unwrap();
    let expected = std::fs::read("/proc/self/cmdline").unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let sent = near.send_file(&own, 2, u64::MAX).await.unwrap();
    drop(near);
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, expected[2..]);
    assert_eq!(sent, got.len() as u64);

    let (file, data) = file(100_000);
    let (near, far) = corio::io::duplex(1000);
    let ((_r, writer), (mut reader, _w)) = (stream_pair(near), stream_pair(far));
    let received = spawn(async move { reader.read_to_end().await.unwrap() });
    assert_eq!(writer.send_file(&file, 1000, 50_000).await.unwrap(), 50_000);
    writer.close();
    assert!(received.await.unwrap() == data[1000..51_000]);
}

/// A file that cannot be read is an error, and the connection is as it was.
#[corio::test]
async fn sf_08_a_file_that_cannot_be_read() {
    let path = std::env::temp_dir().join(format!("corio-sf08-{}", std::process::id()));
    let only_written = File::create(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    only_written.set_len(100).unwrap();
    let directory = File::open(std::env::temp_dir()).unwrap();
    let (client, server) = crate::sk::pair().await;
    for file in [only_written, directory] {
        let error = client.send_file(&file, 0, 100).await.unwrap_err();
        assert!(error.raw_os_error().is_some(), "{error:?}");
    }
    client.write_all(b"alive").await.unwrap();
    drop(client);
    assert_eq!(collect(server).await.unwrap(), b"alive");
}

/// Cancelled in the middle, it has sent the beginning of the file and sends no more; the socket can be used on.
#[corio::test]
async fn sf_09_cancelled_in_the_middle() {
    let (file, data) = file(8_000_000);
    let file = Arc::new(file);
    let (client, server) = crate::sk::pair().await;
    let client = Arc::new(client);
    let (theirs, its) = (client.clone(), file.clone());
    let sending = spawn(async move { theirs.send_file(&its, 0, u64::MAX).await });
    server.read_exact(&mut [0; 1]).await.unwrap();
    settle().await;
    sending.cancel();
    assert!(sending.await.unwrap_err().is_cancelled());
    let received = collect(server);
    client.write_all(b"end").await.unwrap();
    drop(client);
    let received = received.await.unwrap();
    let sent = received.strip_suffix(b"end").unwrap();
    assert!(sent.len() + 1 < data.len(), "all of it");
    assert!(data[1..].starts_with(sent));
    assert_eq!(position(&file), 0);
}

/// Where there is no room, it waits for some and goes on.
#[corio::test]
async fn sf_10_it_waits_for_room() {
    let (file, data) = file(3_000_000);
    let (client, server) = crate::sk::pair().await;
    let sending = spawn(async move { client.send_file(&file, 0, u64::MAX).await });
    corio::sleep(Duration::from_millis(10)).await;
    assert!(!sending.is_finished(), "more than the system buffers");
    assert!(collect(server).await.unwrap() == data);
    assert_eq!(sending.await.unwrap().unwrap(), 3_000_000);
}

/// A connection that is closed, or about to be, sends no files.
#[corio::test]
async fn sf_11_a_closed_connection_sends_no_files() {
    let (file, _) = file(100);
    let ((_r, writer), (mut reader, _w)) = tcp().await;
    writer.write(b"last words").unwrap();
    writer.close();
    let error = writer.send_file(&file, 0, 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(reader.read_to_end().await.unwrap(), b"last words");
}

/// What another task writes meanwhile goes between two parts of the file; nothing is lost of either.
#[corio::test]
async fn sf_13_a_write_meanwhile_goes_in_between() {
    const MARK: &[u8] = b"|MARK|";
    let (file, data) = file(2_000_000);
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    let writer = Arc::new(writer);
    let its = writer.clone();
    let sending = spawn(async move { its.send_file(&file, 0, u64::MAX).await });
    settle().await;
    assert!(!sending.is_finished());
    writer.write(MARK).unwrap();
    let mut got = reader.read_exact(data.len() + MARK.len()).await.unwrap();
    assert_eq!(sending.await.unwrap().unwrap(), 2_000_000);
    let place = got.windows(MARK.len()).position(|window| window == MARK).unwrap();
    got.drain(place..place + MARK.len());
    assert!(got == data);
}

/// That the peer leaves when it has everything is a success.
#[corio::test]
async fn sf_15_a_peer_that_leaves_at_the_end() {
    let (file, data) = file(1_000_000);
    let ((_r, writer), (mut reader, other)) = narrow_tcp().await;
    let peer = spawn(async move {
        let got = reader.read_exact(1_000_000).await.unwrap();
        drop((reader, other));
        got
    });
    assert_eq!(writer.send_file(&file, 0, 1_000_000).await.unwrap(), 1_000_000);
    assert!(peer.await.unwrap() == data);
}

/// That it leaves in the middle is an error, and nothing more can be sent.
#[corio::test]
async fn sf_16_a_peer_that_leaves_in_the_middle() {
    let (file, _) = file(8_000_000);
    let ((_r, writer), (mut reader, other)) = narrow_tcp().await;
    let peer = async {
        reader.read_exact(100_000).await.unwrap();
        reset(reader, other);
    };
    let sending = corio::timeout(LONG, writer.send_file(&file, 0, u64::MAX));
    let (sent, ()) = corio::join!(sending, peer);
    let error = sent.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
    let again = corio::timeout(LONG, writer.send_file(&file, 0, 1)).await.unwrap();
    assert!(again.is_err());
    assert!(writer.write(b"more").is_err());
    assert!(writer.is_closing(), "by that write at the latest");
}

/// The marks of the writer are the same afterwards, and its reader reads on, during and after.
#[corio::test]
async fn sf_17_reading_and_marks_are_not_touched() {
    let (file, data) = file(2_000_000);
    let ((mut reader, writer), (mut their_reader, their_writer)) = narrow_tcp().await;
    writer.set_write_limits(3000, 1000).unwrap();
    let sending = spawn(async move {
        writer.send_file(&file, 0, u64::MAX).await.unwrap();
        writer
    });
    settle().await;
    their_writer.write(b"during").unwrap();
    assert_eq!(reader.read_exact(6).await.unwrap(), b"during");
    assert!(!sending.is_finished());
    assert!(their_reader.read_exact(2_000_000).await.unwrap() == data);
    let writer = sending.await.unwrap();
    assert_eq!(writer.write_limits(), (3000, 1000));
    their_writer.write(b"after").unwrap();
    assert_eq!(reader.read_exact(5).await.unwrap(), b"after");
    writer.write(b"still").unwrap();
    assert_eq!(their_reader.read_exact(5).await.unwrap(), b"still");
}

/// What was buffered before goes first, all of it.
#[corio::test]
async fn sf_18_what_was_buffered_goes_first() {
    let (file, data) = file(1000);
    let ((_r, writer), (mut reader, _w)) = narrow_tcp().await;
    let before = vec![b'-'; 4_000_000];
    writer.write(&before).unwrap();
    assert!(writer.buffered() > 0);
    let sending = spawn(async move {
        let sent = writer.send_file(&file, 0, u64::MAX).await.unwrap();
        assert_eq!(writer.buffered(), 0);
        sent
    });
    settle().await;
    assert!(!sending.is_finished());
    assert!(reader.read_exact(4_000_000).await.unwrap() == before);
    assert_eq!(sending.await.unwrap(), 1000);
    assert_eq!(reader.read_to_end().await.unwrap(), data);
}
