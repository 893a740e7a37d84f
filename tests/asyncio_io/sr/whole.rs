//! The reader as a whole: its methods agree, it holds the peer up, and it is woken.

use corio::io::{AsyncBufReadExt, AsyncReadExt};
use corio::net::StreamReader;

use crate::support::{LONG, cut, echo_server, fed, holding, narrow_tcp, settle};

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
