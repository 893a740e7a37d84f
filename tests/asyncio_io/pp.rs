//! PP: pipes. What asyncio's transports do by callbacks, the two ends of a pipe do by being awaited. The
//! one about a terminal (PP-13) is in the tests of `io`.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use corio::io::pipe;
use corio::io::pipe::{Receiver, Sender};
use corio::{spawn, timeout};

use crate::support::settle;

/// Pipes, sockets and character devices are taken and made non-blocking; files are refused.
#[corio::test]
async fn pp_01_what_can_be_waited_for_is_taken() {
    let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let socket = Receiver::try_from(OwnedFd::from(socket)).unwrap();
    // In blocking mode this would not come back.
    assert_eq!(socket.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    let device = File::options().write(true).open("/dev/null").unwrap();
    Sender::try_from(OwnedFd::from(device)).unwrap();
    let file = File::open(env!("CARGO_MANIFEST_PATH")).unwrap();
    let refused = Receiver::try_from(OwnedFd::from(file)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}

/// Data first, then the end, and the end again.
#[corio::test]
async fn pp_02_data_comes_before_the_end() {
    let (mut sender, mut receiver) = pipe().unwrap();
    sender.write_all(b"last words").await.unwrap();
    drop(sender);
    let mut buf = [0; 64];
    assert_eq!(receiver.read(&mut buf).await.unwrap(), 10);
    assert_eq!(receiver.read(&mut buf).await.unwrap(), 0);
    assert_eq!(receiver.read(&mut buf).await.unwrap(), 0);
}

/// An error of a read is told to who reads.
#[corio::test]
async fn pp_03_a_read_error_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let far = corio::net::TcpStream::try_from(listener.accept().unwrap().0).unwrap();
    let mut receiver = Receiver::try_from(OwnedFd::from(near)).unwrap();
    let reader = spawn(async move { receiver.read(&mut [0; 8]).await });
    settle().await;
    far.set_linger(Some(Duration::ZERO)).unwrap();
    drop(far);
    assert_eq!(reader.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

/// A write goes out at once while there is room, and waits for the rest; writing nothing does nothing.
#[corio::test]
async fn pp_05_what_does_not_fit_waits() {
    let (mut sender, receiver) = pipe().unwrap();
    assert_eq!(sender.write(b"").await.unwrap(), 0);
    assert_eq!(receiver.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    sender.write_all(b"at once").await.unwrap();
    assert_eq!(receiver.try_read(&mut [0; 16]).unwrap(), 7);
    let writer = spawn(async move { sender.write_all(&[1; 1 << 20]).await });
    settle().await;
    assert!(!writer.is_finished());
    let mut got = 0;
    while got < 1 << 20 {
        receiver.readable().await.unwrap();
        got += receiver.try_read(&mut [0; 5000]).unwrap_or(0);
    }
    writer.await.unwrap().unwrap();
}

/// However a write is cut, the order stays.
#[corio::test]
async fn pp_06_partial_writes_keep_the_order() {
    let (mut sender, mut receiver) = pipe().unwrap();
    let data: Vec<u8> = (0..500_000_u32).map(|i| (i / 7) as u8).collect();
    let sent = data.clone();
    let writer = spawn(async move {
        for part in sent.chunks(33_333) {
            sender.write_all(part).await.unwrap();
        }
    });
    let mut got = Vec::new();
    receiver.read_to_end(&mut got).await.unwrap();
    assert!(got == data);
    writer.await.unwrap();
}

/// That nobody reads any more is noticed without writing.
#[corio::test]
async fn pp_07_a_reader_that_goes_is_noticed() {
    let (sender, receiver) = pipe().unwrap();
    let watcher = spawn(async move {
        sender.closed().await.unwrap();
        sender
    });
    settle().await;
    assert!(!watcher.is_finished());
    drop(receiver);
    let mut sender = watcher.await.unwrap();
    assert_eq!(sender.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
}

/// A failed write is an error of that write, and the next one fails anew.
#[corio::test]
async fn pp_08_a_failed_write_says_so() {
    let (mut sender, receiver) = pipe().unwrap();
    let writer = spawn(async move {
        let first = sender.write_all(&[0; 1 << 20]).await.unwrap_err();
        (first.kind(), sender.write(b"more").await.unwrap_err().kind())
    });
    settle().await;
    drop(receiver);
    assert_eq!(writer.await.unwrap(), (ErrorKind::BrokenPipe, ErrorKind::BrokenPipe));
}

/// Closing comes after everything that was written.
#[corio::test]
async fn pp_10_close_comes_after_the_data() {
    let (mut sender, mut receiver) = pipe().unwrap();
    let writer = spawn(async move {
        sender.write_all(&[3; 200_000]).await.unwrap();
        sender.close().await.unwrap();
        // It is kept: the end that the reader sees is that of `close`.
        timeout(Duration::from_secs(60), corio::sleep(Duration::from_secs(600))).await.ok();
        drop(sender);
    });
    let mut got = Vec::new();
    receiver.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 200_000);
    writer.cancel();
}

/// Closing twice is closing once.
#[corio::test]
async fn pp_11_closing_twice_is_no_error() {
    let (mut sender, mut receiver) = pipe().unwrap();
    sender.close().await.unwrap();
    sender.close().await.unwrap();
    assert_eq!(receiver.read(&mut [0]).await.unwrap(), 0);
}

/// The descriptor is there until the end is closed, and then it is closed.
#[corio::test]
async fn pp_12_the_descriptor_goes_with_the_end() {
    let (mut sender, receiver) = pipe().unwrap();
    assert!(sender.as_raw_fd() >= 0 && receiver.as_raw_fd() >= 0);
    sender.close().await.unwrap();
    assert_eq!(receiver.try_read(&mut [0]).unwrap(), 0);
    assert!(OwnedFd::try_from(sender).is_err());
}

/// The text form works after the end of the runtime.
#[test]
fn pp_14_the_text_form_outlives_the_runtime() {
    let (sender, receiver) = corio::run(async {
        let (sender, mut receiver) = pipe().unwrap();
        let nothing = timeout(Duration::from_millis(1), receiver.read(&mut [0])).await;
        assert!(nothing.is_err());
        (sender, receiver)
    });
    assert!(format!("{sender:?}").starts_with("Sender(File"));
    assert!(format!("{receiver:?}").starts_with("Receiver(File"));
}
