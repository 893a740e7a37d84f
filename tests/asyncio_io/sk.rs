//! SK: socket calls. asyncio's are the loop's and take a socket; here they are the socket's own.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use corio::net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream,
    lookup_host,
};
use corio::spawn;

use crate::support::{LONG, SocketPath, settle};

/// Long enough to see that something waits.
const SHORT: Duration = Duration::from_millis(5);

/// The two ends of a TCP connection: the client's, then the server's. The client's buffers are small.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(16 * 1024).unwrap();
    let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.set_recv_buffer_size(16 * 1024).unwrap();
    (client, server)
}

/// An address on which nobody listens.
async fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Fills what the system buffers of this direction.
fn fill(stream: &TcpStream) -> usize {
    let mut filled = 0;
    loop {
        match stream.try_write(&[b'-'; 4096]) {
            Ok(count) => filled += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return filled;
            }
        }
    }
}

/// Connecting, sending and receiving, over TCP and over a Unix socket.
#[corio::test]
async fn sk_01_over_tcp_and_unix_sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    client.write_all(b"over TCP").await.unwrap();
    let mut got = [0; 20];
    assert_eq!(server.read(&mut got).await.unwrap(), 8);
    assert_eq!(&got[..8], b"over TCP");

    let path = SocketPath::new("sk01");
    let listener = UnixListener::bind(&path.0).unwrap();
    let client = UnixStream::connect(&path.0).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.write_all(b"over a path").await.unwrap();
    assert_eq!(client.read(&mut got).await.unwrap(), 11);
    assert_eq!(&got[..11], b"over a path");
}

/// A socket that blocks is not refused: it is made not to.
#[corio::test]
async fn sk_02_a_blocking_socket_is_made_not_to_block() {
    let (blocking, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let stream = UnixStream::from_std(blocking).unwrap();
    assert!(corio::timeout(SHORT, stream.read(&mut [0; 1])).await.is_err());
    let error = std::io::Read::read(&mut stream.into_std(), &mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "as it was left");

    let blocking = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::from_std(blocking).unwrap();
    assert!(corio::timeout(SHORT, socket.recv_from(&mut [0; 1])).await.is_err());
}

/// A read gives what is there, up to the size of the buffer, and 0 at the end.
#[corio::test]
async fn sk_04_a_read_gives_what_is_there() {
    let (client, server) = pair().await;
    client.write_all(b"hello").await.unwrap();
    let mut two = [0; 2];
    assert_eq!(server.read(&mut two).await.unwrap(), 2);
    assert_eq!(&two, b"he");
    let mut rest = [b'.'; 8];
    assert_eq!(server.read(&mut rest).await.unwrap(), 3);
    assert_eq!(&rest, b"llo.....", "no more is touched");
    drop(client);
    assert_eq!(server.read(&mut rest).await.unwrap(), 0);
    assert_eq!(server.read(&mut rest).await.unwrap(), 0, "the end stays");
}

/// A megabyte comes in order, also to a reader who takes his time.
#[corio::test]
async fn sk_05_a_slow_reader_gets_everything_in_order() {
    let (client, server) = pair().await;
    let data: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 241) as u8).collect();
    let expected = data.clone();
    let sender = spawn(async move { client.write_all(&data).await });
    settle().await;
    assert!(!sender.is_finished(), "more than the system buffers");
    let (mut all, mut some) = (Vec::new(), [0; 10_000]);
    loop {
        let count = server.read(&mut some).await.unwrap();
        if count == 0 {
            break;
        }
        all.extend_from_slice(&some[..count]);
        settle().await;
    }
    sender.await.unwrap().unwrap();
    assert!(all == expected);
}

/// To send nothing takes no waiting, even where nothing could be sent.
#[corio::test]
async fn sk_06_nothing_is_sent_at_once() {
    let (client, _server) = pair().await;
    fill(&client);
    corio::timeout(LONG, client.write_all(b"")).await.unwrap().unwrap();
    assert_eq!(corio::timeout(LONG, client.write(b"")).await.unwrap().unwrap(), 0);
    assert!(corio::timeout(SHORT, client.write_all(b"x")).await.is_err());
}

/// A datagram comes with its sender. A part of a buffer is a slice of it, so it cannot be too long.
#[corio::test]
async fn sk_07_a_datagram_comes_with_its_sender() {
    let here = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let there = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let from = there.local_addr().unwrap();
    for _ in 0..3 {
        there.send_to(b"hello", here.local_addr().unwrap()).await.unwrap();
    }
    let mut buffer = [b'.'; 8];
    assert_eq!(here.recv_from(&mut buffer).await.unwrap(), (5, from));
    assert_eq!(&buffer, b"hello...");
    assert_eq!(here.recv_from(&mut buffer[6..]).await.unwrap(), (2, from));
    assert_eq!(&buffer, b"hello.he");
    let whole = here.recv_datagram().await.unwrap();
    assert_eq!((&whole.data[..], whole.from), (&b"hello"[..], from));
}

/// Sending a datagram tells its length, and waits where there is no room.
#[corio::test]
async fn sk_08_a_datagram_waits_for_room() {
    let here = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = here.local_addr().unwrap();
    assert_eq!(here.send_to(b"four", addr).await.unwrap(), 4);
    assert_eq!(here.send_to(b"", addr).await.unwrap(), 0);

    let (near, far) = UnixDatagram::pair().unwrap();
    let mut queued = 0;
    while near.try_send(b"filling").is_ok() {
        queued += 1;
    }
    let sender = spawn(async move { near.send(b"late").await });
    settle().await;
    assert!(!sender.is_finished(), "there is no room");
    let mut buffer = [0; 20];
    for _ in 0..queued {
        assert_eq!(far.recv(&mut buffer).await.unwrap(), 7);
    }
    assert_eq!(far.recv(&mut buffer).await.unwrap(), 4);
    assert_eq!(&buffer[..4], b"late");
    assert_eq!(sender.await.unwrap().unwrap(), 4);
}

/// Where nobody listens the connection is refused, and the error says where.
#[corio::test]
async fn sk_09_nobody_listens() {
    let addr = nobody().await;
    let first = TcpStream::connect(addr).await.unwrap_err();
    let second = TcpSocket::new_v4().unwrap().connect(addr).await.unwrap_err();
    for error in [first, second] {
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
    }
    let path = SocketPath::new("sk09");
    drop(std::os::unix::net::UnixListener::bind(&path.0).unwrap());
    let error = UnixStream::connect(&path.0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

/// Numbers are no affair of the resolver; names are. Of what it finds, an address of the socket's family is taken.
/// What is neither is an error at once.
#[corio::test]
async fn sk_10_names_are_resolved_and_numbers_are_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = || corio::runtime::Handle::current().metrics().blocking_threads;
    TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(("127.0.0.1", port)).await.unwrap();
    let error = TcpStream::connect(format!("127.1:{port}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("127.1"), "{error}");
    assert_eq!(asked(), 0);
    if lookup_host(("localhost", port)).await.unwrap().any(|addr| addr.is_ipv4()) {
        TcpStream::connect(("localhost", port)).await.unwrap();
        assert!(asked() > 0);
        socket.connect(("localhost", port)).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), listener.local_addr().unwrap());
    }
}

/// Accepting gives the connection and its address, and the connection does not block.
#[corio::test]
async fn sk_11_accepting_gives_connection_and_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, from) = listener.accept().await.unwrap();
    assert_eq!(from, client.local_addr().unwrap());
    let mut server = server.into_std().unwrap();
    let error = std::io::Read::read(&mut server, &mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

/// A wait for connections that was given up keeps nothing open.
#[corio::test]
async fn sk_12_a_wait_that_was_given_up_keeps_nothing_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    assert!(corio::timeout(SHORT, listener.accept()).await.is_err());
    drop(listener);
    let error = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

/// A read that follows a cancelled one at once gets what comes.
#[corio::test]
async fn sk_13_a_read_after_a_cancelled_one() {
    let (client, server) = pair().await;
    let server = Arc::new(server);
    let theirs = server.clone();
    let cancelled = spawn(async move { theirs.read(&mut [0; 10]).await });
    settle().await;
    cancelled.cancel();
    let next = spawn(async move {
        let mut got = [0; 10];
        let count = server.read(&mut got).await.unwrap();
        got[..count].to_vec()
    });
    settle().await;
    client.write_all(b"hello").await.unwrap();
    assert_eq!(corio::timeout(LONG, next).await.unwrap().unwrap(), b"hello");
    assert!(cancelled.await.unwrap_err().is_cancelled());
}

/// So for filling a buffer, sending and connecting; of a send that never had room nothing arrives.
#[corio::test]
async fn sk_14_other_operations_after_cancelled_ones() {
    let (client, server) = pair().await;
    assert!(corio::timeout(SHORT, server.read_exact(&mut [0; 3])).await.is_err());
    client.write_all(b"one").await.unwrap();
    let mut three = [0; 3];
    server.read_exact(&mut three).await.unwrap();
    assert_eq!(&three, b"one");

    let filled = fill(&client);
    let client = Arc::new(client);
    let theirs = client.clone();
    let cancelled = spawn(async move { theirs.write_all(b"hello").await });
    settle().await;
    assert!(!cancelled.is_finished());
    cancelled.cancel();
    let next = spawn(async move { client.write_all(b"world").await });
    assert!(cancelled.await.unwrap_err().is_cancelled());
    let mut got = Vec::new();
    server.read_to_end(&mut got).await.unwrap();
    next.await.unwrap().unwrap();
    assert_eq!(got.len(), filled + 5);
    assert_eq!(&got[filled..], b"world");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(corio::timeout(Duration::ZERO, TcpStream::connect(addr)).await);
    let stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"x").await.unwrap();
}

/// What comes after a read was cancelled is left for the next one, all of it.
#[corio::test]
async fn sk_15_a_cancelled_read_takes_nothing() {
    let (client, server) = pair().await;
    for _ in 0..3 {
        assert!(corio::timeout(SHORT, server.read(&mut [0; 10])).await.is_err());
        assert!(corio::timeout(SHORT, server.readable()).await.is_err());
    }
    client.write_all(b"all of it").await.unwrap();
    settle().await;
    let mut got = [0; 20];
    assert_eq!(server.read(&mut got).await.unwrap(), 9);
    assert_eq!(&got[..9], b"all of it");
}

/// A datagram to nobody is an error where the system tells, else it is lost; the socket serves on.
#[corio::test]
async fn sk_16_a_datagram_to_nobody_does_no_harm() {
    let nobody = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"lost", nobody).await.unwrap();
    if let Ok(received) = corio::timeout(SHORT, socket.recv_from(&mut [0; 10])).await {
        let kind = received.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset));
    }
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    peer.send_to(b"alive", socket.local_addr().unwrap()).await.unwrap();
    assert_eq!(socket.recv(&mut [0; 10]).await.unwrap(), 5);

    // Of one that has a peer the system tells.
    socket.connect(nobody).await.unwrap();
    socket.send(b"lost").await.unwrap();
    let error = corio::timeout(LONG, socket.recv(&mut [0; 10])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    socket.connect(peer.local_addr().unwrap()).await.unwrap();
    peer.send_to(b"alive still", socket.local_addr().unwrap()).await.unwrap();
    assert_eq!(socket.recv(&mut [0; 20]).await.unwrap(), 11);
}

/// Several may read from one socket, where asyncio serves only the last: each message goes to one of them.
#[corio::test]
async fn sk_17_several_may_read_from_one_socket() {
    let (client, server) = pair().await;
    let server = Arc::new(server);
    let readers = [(); 3].map(|()| {
        let server = server.clone();
        spawn(async move {
            let mut one = [0; 1];
            server.read_exact(&mut one).await.unwrap();
            one[0]
        })
    });
    settle().await;
    client.write_all(b"abc").await.unwrap();
    let mut got = Vec::new();
    for reader in readers {
        got.push(corio::timeout(LONG, reader).await.unwrap().unwrap());
    }
    got.sort_unstable();
    assert_eq!(got, b"abc");
}
