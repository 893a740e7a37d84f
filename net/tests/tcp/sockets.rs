//! Sockets as such: their options, several on one port, those of std.

use std::io::{self, Read};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use corio_net::{Keepalive, TcpListener, TcpSocket, TcpStream};
use corio_runtime::spawn;
use corio_sync::prim::{AtomicUsize, Ordering};
use socket2::SockRef;

use crate::common::{on_both, tcp_pair};

#[test]
fn options_are_what_they_were_set_to() {
    on_both(|| async {
        let (client, _server) = tcp_pair().await?;
        client.set_nodelay(true)?;
        client.set_ttl(77)?;
        client.set_keepalive(Some(
            Keepalive::new()
                .idle(Duration::from_secs(60))
                .interval(Duration::from_secs(5))
                .retries(4),
        ))?;
        assert!(client.nodelay()? && client.keepalive()?);
        assert_eq!(client.ttl()?, 77);
        let socket = SockRef::from(&client);
        assert_eq!(socket.tcp_keepalive_time()?, Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval()?, Duration::from_secs(5));
        assert_eq!(socket.tcp_keepalive_retries()?, 4);
        client.set_keepalive(None)?;
        assert!(!client.keepalive()?);
        client.set_recv_buffer_size(50_000)?;
        client.set_send_buffer_size(50_000)?;
        assert!(client.recv_buffer_size()? >= 50_000 && client.send_buffer_size()? >= 50_000);

        let socket = TcpSocket::new_v4()?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nodelay(true)?;
        socket.set_keepalive(Some(Keepalive::new()))?;
        assert!(socket.reuse_address()? && socket.reuse_port()? && socket.nodelay()?);
        assert!(socket.keepalive()?);
        assert!(format!("{socket:?}").contains("TcpSocket"));
        Ok(())
    });
}

#[test]
fn two_listeners_share_a_port() {
    on_both(|| async {
        let first = TcpListener::options().reuse_port(true).bind("127.0.0.1:0").await?;
        let addr = first.local_addr()?;
        let second = TcpListener::options().reuse_port(true).backlog(8).bind(addr).await?;
        let (here, there) = (Arc::new(AtomicUsize::new(0)), 40);
        for listener in [first, second] {
            let here = here.clone();
            let _server = spawn(async move {
                while listener.accept().await.is_ok() {
                    // Ordering: Relaxed, only the sum counts.
                    here.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut clients = Vec::new();
        for _ in 0..there {
            clients.push(TcpStream::connect(addr).await?);
        }
        // Ordering: Relaxed, see above.
        while here.load(Ordering::Relaxed) < there {
            corio_runtime::yield_now().await;
        }
        Ok(())
    });
}

#[test]
fn incoming_is_a_stream_of_connections() {
    use futures_core::Stream;
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let clients = spawn(async move {
            let mut clients = Vec::new();
            for _ in 0..5 {
                clients.push(TcpStream::connect(addr).await?);
            }
            io::Result::Ok(clients)
        });
        let mut incoming = std::pin::pin!(listener.incoming());
        for _ in 0..5 {
            std::future::poll_fn(|cx| incoming.as_mut().poll_next(cx)).await.unwrap()?;
        }
        clients.await.unwrap()?;
        let pending =
            std::future::poll_fn(|cx| Poll::Ready(listener.poll_accept(cx).is_pending())).await;
        assert!(pending);
        assert_eq!(listener.pauses(), 0);
        Ok(())
    });
}

#[test]
fn sockets_go_to_std_and_come_back() {
    on_both(|| async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let listener = TcpListener::try_from(listener)?;
        let client = std::net::TcpStream::connect(listener.local_addr()?)?;
        let (server, _) = listener.accept().await?;
        let client = TcpStream::try_from(client)?;
        client.write_all(b"x").await?;
        server.read_exact(&mut [0; 1]).await?;
        // A stream that has waited is out of the reactor when it leaves.
        let server = std::net::TcpStream::try_from(server)?;
        server.set_nonblocking(false)?;
        client.write_all(b"y").await?;
        let mut one = [0; 1];
        (&server).read_exact(&mut one)?;
        assert_eq!(&one, b"y");
        let listener: std::net::TcpListener = listener.into();
        listener.set_nonblocking(false)?;
        Ok(())
    });
}
