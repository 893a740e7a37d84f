//! Which of the types go to other threads, and which futures do.

use corio_net::*;

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn debug<T: std::fmt::Debug>() {}
fn all<T: Send + Sync + Unpin + std::fmt::Debug + 'static>() {}
fn send_value<T: Send>(value: T) -> T {
    value
}

#[test]
fn every_type_is_send_and_sync_and_shows_itself() {
    all::<TcpStream>();
    all::<TcpListener>();
    all::<TcpSocket>();
    all::<UdpSocket>();
    all::<UnixStream>();
    all::<UnixListener>();
    all::<UnixDatagram>();
    all::<OwnedReadHalf<TcpStream>>();
    all::<OwnedWriteHalf<TcpStream>>();
    all::<OwnedReadHalf<UnixStream>>();
    all::<OwnedWriteHalf<UnixStream>>();
    all::<ReuniteError<TcpStream>>();
    all::<Datagram<std::net::SocketAddr>>();
    all::<ListenOptions>();
    all::<UnixListenOptions>();
    all::<Keepalive>();
    all::<Addrs>();
    send::<ReadHalf<'_, TcpStream>>();
    sync::<WriteHalf<'_, TcpStream>>();
    debug::<ReadHalf<'_, UnixStream>>();
    send::<Accept<'_, TcpListener>>();
    unpin::<Accept<'_, TcpListener>>();
    debug::<Accept<'_, TcpListener>>();
    send::<Incoming<'_, UnixListener>>();
    unpin::<Incoming<'_, UnixListener>>();
    debug::<Incoming<'_, UnixListener>>();
}

#[test]
fn every_future_is_send() {
    corio_runtime::run(async {
        let listener = send_value(TcpListener::bind("127.0.0.1:0")).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut stream = send_value(TcpStream::connect(addr)).await.unwrap();
        drop(send_value(TcpStream::connect("localhost:1")));
        drop(send_value(TcpStream::connect_timeout(addr, std::time::Duration::ZERO)));
        drop(send_value(TcpStream::connect_happy_eyeballs("localhost:1")));
        drop(send_value(lookup_host("localhost:1")));
        drop(send_value(listener.accept()));
        let (mut buffer, mut vec) = ([0; 8], Vec::new());
        drop(send_value(stream.read(&mut buffer)));
        drop(send_value(stream.read_exact(&mut buffer)));
        drop(send_value(stream.read_to_end(&mut vec)));
        drop(send_value(stream.peek(&mut buffer)));
        drop(send_value(stream.write(&buffer)));
        drop(send_value(stream.write_all(&buffer)));
        drop(send_value(stream.readable()));
        let (read, write) = stream.split();
        drop(send_value(read.read(&mut buffer)));
        drop(send_value(write.write_all(&buffer)));
        let udp = send_value(UdpSocket::bind(addr)).await.unwrap();
        drop(send_value(udp.recv_from(&mut buffer)));
        drop(send_value(udp.send_to(&buffer, "localhost:1")));
        drop(send_value(udp.recv_datagram()));
        drop(send_value(stream.close_gracefully(0)));
        drop(send_value(UnixStream::connect("/nonexistent")));
    });
}
