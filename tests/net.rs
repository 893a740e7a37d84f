//! Sockets, streams and frames, as a program uses them.

mod common;

use std::io::{ErrorKind, Result};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use common::{LONG, multi, on_all, single};
use corio::io::{self, AsyncBufReadExt, BufReader, Framed, copy_bidirectional};
use corio::net::{TcpListener, TcpStream, UdpSocket};

/// Echoes until the peer ends its side.
async fn echo(stream: TcpStream) -> Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.close().await,
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

async fn echo_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(corio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            drop(corio::spawn(echo(stream)));
        }
    }));
    address
}

#[test]
fn many_clients_get_their_bytes_back() {
    on_all(|| async {
        let address = echo_server().await;
        let clients: Vec<_> = (0..50_u32)
            .map(|i| {
                corio::spawn(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    let sent: Vec<u8> = (0..10_000 + i).map(|b| (b ^ i) as u8).collect();
                    let mut got = vec![0; sent.len()];
                    let (write, read) =
                        corio::join!(stream.write_all(&sent), stream.read_exact(&mut got));
                    write.unwrap();
                    read.unwrap();
                    assert_eq!(got, sent);
                    stream.close().await.unwrap();
                    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
}

#[test]
fn a_half_close_leaves_the_other_direction_open() {
    on_all(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"question").await.unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut question = Vec::new();
        server.read_to_end(&mut question).await.unwrap();
        assert_eq!(question, b"question");
        server.write_all(b"answer").await.unwrap();
        drop(server);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
    });
}

#[test]
fn a_read_that_timed_out_has_lost_nothing() {
    on_all(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 16];
        for _ in 0..20 {
            let early = corio::timeout(Duration::from_micros(200), client.read(&mut buffer)).await;
            assert!(early.is_err());
        }
        server.write_all(b"late").await.unwrap();
        assert_eq!(client.read(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer[..4], b"late");
    });
}

#[test]
fn halves_go_to_different_tasks_and_together_again() {
    on_all(|| async {
        let stream = TcpStream::connect(echo_server().await).await.unwrap();
        let (read, write) = stream.into_split();
        let writing = corio::spawn(async move {
            for i in 0..100_u8 {
                write.write_all(&[i]).await.unwrap();
            }
            write
        });
        let mut got = [0; 100];
        read.read_exact(&mut got).await.unwrap();
        assert!(got.iter().enumerate().all(|(i, byte)| usize::from(*byte) == i));
        let stream = read.reunite(writing.await.unwrap()).unwrap();
        stream.write_all(b"whole").await.unwrap();
    });
}

#[test]
fn a_dropped_listener_frees_its_port_and_a_dropped_accept_loses_nobody() {
    on_all(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(corio::timeout(Duration::from_millis(1), listener.accept()).await.is_err());
        let client = TcpStream::connect(address).await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        drop(listener);
        let refused = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        drop(TcpListener::bind(address).await.unwrap());
    });
}

#[test]
fn datagrams() {
    on_all(|| async {
        let one = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let two = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        one.send_to(b"hello", two.local_addr().unwrap()).await.unwrap();
        let mut buffer = [0; 64];
        let (count, from) = two.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..count], from), (&b"hello"[..], one.local_addr().unwrap()));
        two.connect(from).await.unwrap();
        two.send(b"back").await.unwrap();
        assert_eq!(one.recv(&mut buffer).await.unwrap(), 4);
    });
}

#[cfg(unix)]
#[test]
fn sockets_within_the_machine() {
    use corio::net::{UnixDatagram, UnixListener, UnixStream};
    on_all(|| async {
        let name = format!("corio-{}-{:?}.sock", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let (client, server) = corio::join!(UnixStream::connect(&path), listener.accept());
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        client.write_all(b"hello").await.unwrap();
        let mut buffer = [0; 5];
        server.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"hello");
        std::fs::remove_file(&path).unwrap();

        let (one, two) = UnixDatagram::pair().unwrap();
        one.send(b"message").await.unwrap();
        assert_eq!(two.recv(&mut [0; 64]).await.unwrap(), 7);
    });
}

#[test]
fn lines_over_a_pipe() {
    on_all(|| async {
        let (mut near, far) = io::duplex(8);
        let writing = corio::spawn(async move {
            near.write_all("one\ntwo\r\nthe last, and longer".as_bytes()).await.unwrap();
        });
        let mut lines = BufReader::new(far).lines();
        let mut got = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            got.push(line);
        }
        assert_eq!(got, ["one", "two", "the last, and longer"]);
        writing.await.unwrap();
    });
}

#[test]
fn frames_over_tcp() {
    on_all(|| async {
        let stream = TcpStream::connect(echo_server().await).await.unwrap();
        let mut frames = Framed::new(stream, io::framed::LengthDelimitedCodec::new());
        for size in [0, 1, 4096, 100_000] {
            let frame = vec![7; size];
            frames.send(frame.clone()).await.unwrap();
            assert_eq!(frames.next().await.unwrap().unwrap(), frame);
        }
    });
}

#[test]
fn a_proxy_in_one_line() {
    on_all(|| async {
        let target = echo_server().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let proxy = corio::spawn(async move {
            let (mut client, _) = listener.accept().await?;
            let mut server = TcpStream::connect(target).await?;
            copy_bidirectional(&mut client, &mut server).await
        });
        client.write_all(b"there and back").await.unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"there and back");
        assert_eq!(proxy.await.unwrap().unwrap(), (14, 14));
    });
}

#[test]
fn sockets_outlive_the_runtime_they_were_used_in() {
    let (first, second) = (single(), multi(2));
    let (client, server) = first.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"a").await.unwrap();
        server.read_exact(&mut [0]).await.unwrap();
        (client.into_std().unwrap(), server.into_std().unwrap())
    });
    drop(first);
    second.block_on(async {
        let client = TcpStream::from_std(client).unwrap();
        let server = TcpStream::from_std(server).unwrap();
        let reading = corio::spawn(async move {
            let mut buffer = [0; 1];
            server.read_exact(&mut buffer).await.map(|_| buffer)
        });
        corio::sleep(Duration::from_millis(1)).await;
        client.write_all(b"b").await.unwrap();
        assert_eq!(reading.await.unwrap().unwrap(), *b"b");
    });
}

#[test]
fn a_socket_waits_in_two_tasks_at_once() {
    on_all(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Arc::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let (server, _) = listener.accept().await.unwrap();
        let readers = [client.clone(), client.clone()].map(|client| {
            corio::spawn(async move {
                let mut byte = [0; 1];
                client.read_exact(&mut byte).await.map(|_| byte[0])
            })
        });
        corio::yield_now().await;
        server.write_all(&[1, 2]).await.unwrap();
        let mut sum = 0;
        for reader in readers {
            sum += corio::timeout(LONG, reader).await.unwrap().unwrap().unwrap();
        }
        assert_eq!(sum, 3);
    });
}
