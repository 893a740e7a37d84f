//! How connections end: one side, both, by reset, with something unread.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use corio_net::{TcpListener, TcpSocket, TcpStream};
use corio_runtime::spawn;
use socket2::SockRef;

use crate::common::{LONG, on_both, tcp_pair};

#[test]
fn r04_after_a_half_close_the_other_direction_goes_on() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        client.write_all(b"request").await?;
        client.shutdown(Shutdown::Write)?;
        let serving = spawn(async move {
            let mut request = Vec::new();
            server.read_to_end(&mut request).await?;
            assert_eq!(request, b"request");
            // Far more than the buffers hold: the server waits for room with its reading side closed.
            server.write_all(&vec![7; 8 << 20]).await
        });
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await?;
        serving.await.unwrap()?;
        assert_eq!(reply.len(), 8 << 20);
        Ok(())
    });
}

#[test]
fn n06_a_reset_reaches_both_directions_and_shutdown_stays_harmless() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let server = Arc::new(server);
        let reading = spawn({
            let server = server.clone();
            async move { server.read(&mut [0; 8]).await }
        });
        corio_runtime::yield_now().await;
        client.set_linger(Some(Duration::ZERO))?;
        drop(client);
        let error = reading.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = server.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        for how in [Shutdown::Write, Shutdown::Both, Shutdown::Write, Shutdown::Read] {
            server.shutdown(how)?;
        }
        server.close().await
    });
}

#[test]
fn n03_a_connection_that_was_reset_before_it_is_accepted() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        client.set_linger(Some(Duration::ZERO))?;
        drop(client);
        let (server, _) = listener.accept().await?;
        let error = server.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        // The listener goes on.
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (_server, peer) = listener.accept().await?;
        assert_eq!(peer, client.local_addr()?);
        Ok(())
    });
}

#[test]
fn halves_come_together_again_only_with_their_own() {
    on_both(|| async {
        let (client, mut server) = tcp_pair().await?;
        let (other, _other_server) = tcp_pair().await?;
        let addr = client.local_addr()?;
        let (read, write) = client.into_split();
        let (other_read, other_write) = other.into_split();
        assert_eq!((read.local_addr()?, write.local_addr()?), (addr, addr));

        let error = read.reunite(other_write).unwrap_err();
        assert!(error.to_string().contains("different"));
        let (read, other_write) = (error.0, error.1);
        other_read.reunite(other_write).unwrap();
        let client = write.reunite(read).unwrap();
        // Nothing was shut down on the way.
        client.write_all(b"still").await?;
        let (read, write) = server.split();
        let mut text = [0; 5];
        read.read_exact(&mut text).await?;
        write.write_all(&text).await?;
        client.read_exact(&mut text).await?;
        assert_eq!(&text, b"still");
        Ok(())
    });
}

#[test]
fn dropping_the_writing_half_ends_the_stream_and_forgetting_it_does_not() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let (client_read, client_write) = client.into_split();
        drop(client_write);
        assert_eq!(server.read(&mut [0; 1]).await?, 0);
        server.write_all(b"x").await?;
        assert_eq!(client_read.read(&mut [0; 8]).await?, 1);

        let (_server_read, server_write) = server.into_split();
        server_write.forget();
        assert_eq!(
            client_read.try_read(&mut [0; 1]).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        Ok(())
    });
}

#[test]
fn n05_dropping_a_stream_that_lingers_does_not_wait() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        let time = Duration::from_secs(50);
        client.set_linger(Some(time))?;
        assert_eq!(client.linger()?, Some(time));
        // Unsent bytes are what a lingering close would wait for.
        while client.try_write(&[0; 65536]).is_ok() {}
        let start = Instant::now();
        drop(client);
        assert!(start.elapsed() < Duration::from_secs(25));
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await?;
        assert!(!rest.is_empty());

        // Handed out, the socket has what was asked for; taken in, it is remembered again.
        let (client, _server) = tcp_pair().await?;
        client.set_linger(Some(time))?;
        let std = client.into_std()?;
        assert_eq!(SockRef::from(&std).linger()?, Some(time));
        let client = TcpStream::from_std(std)?;
        assert_eq!(SockRef::from(&client).linger()?, None);
        assert_eq!(client.linger()?, Some(time));
        Ok(())
    });
}

#[test]
fn n05_connections_do_not_inherit_a_linger_that_waits() {
    on_both(|| async {
        let time = Duration::from_secs(50);
        let socket = TcpSocket::new_v4()?;
        socket.set_linger(Some(time))?;
        socket.bind("127.0.0.1:0".parse().unwrap())?;
        let listener = socket.listen(16)?;
        let _client = TcpStream::connect(listener.local_addr()?).await?;
        let (server, _) = listener.accept().await?;
        assert_eq!(SockRef::from(&server).linger()?, None);
        assert_eq!(server.linger()?, Some(time));
        Ok(())
    });
}

#[test]
fn n04_a_graceful_close_delivers_the_last_reply() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        // The server answers without reading all that the client sends.
        client.write_all(&[1; 100_000]).await?;
        server.write_all(b"too long").await?;
        let closing = spawn(server.close_gracefully(1 << 20));
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await?;
        assert_eq!(reply, b"too long");
        drop(client);
        assert!(closing.await.unwrap()?);

        let (client, server) = tcp_pair().await?;
        client.write_all(&[1; 10_000]).await?;
        assert!(!server.close_gracefully(5000).await?, "it was to give up at the limit");
        Ok(())
    });
}

#[test]
fn an_early_end_says_how_much_came() {
    on_both(|| async {
        let (client, server) = tcp_pair().await?;
        client.write_all(b"abc").await?;
        drop(client);
        let error = server.read_exact(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("3 of 8"), "{error}");
        Ok(())
    });
}

#[test]
fn l04_a_socket_that_outlives_its_runtime_gives_errors_and_drops_in_silence() {
    let runtime = corio_runtime::Runtime::new().unwrap();
    let (client, server, listener) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        // All three have waited, and are registered.
        let limit = Duration::from_millis(1);
        for stream in [&client, &server] {
            assert!(corio_runtime::time::timeout(limit, stream.read(&mut [0; 1])).await.is_err());
        }
        assert!(corio_runtime::time::timeout(limit, listener.accept()).await.is_err());
        (client, server, listener)
    });
    drop(runtime);
    let other = corio_runtime::Runtime::new().unwrap();
    let later = async {
        for error in [
            server.read(&mut [0; 1]).await.unwrap_err(),
            client.read(&mut [0; 1]).await.unwrap_err(),
            listener.accept().await.unwrap_err(),
            listener.accept().await.unwrap_err(),
        ] {
            assert!(error.to_string().contains("has been shut down"), "{error}");
        }
        // Through std it moves to the runtime that lives.
        let server = TcpStream::from_std(server.into_std().unwrap()).unwrap();
        client.try_write(b"x").unwrap();
        server.read_exact(&mut [0; 1]).await.unwrap();
    };
    other.block_on(async { corio_runtime::time::timeout(LONG, later).await.unwrap() });
    drop((client, listener));
}

#[test]
fn without_a_runtime_the_error_says_what_to_do() {
    let (stream, _peer) = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (TcpStream::from_std(listener.accept().unwrap().0).unwrap(), peer)
    };
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut buffer = [0; 1];
    let Poll::Ready(Err(error)) = std::pin::pin!(stream.read(&mut buffer)).poll(&mut cx) else {
        panic!()
    };
    assert!(error.to_string().contains("no corio runtime on this thread"), "{error}");
    // Trying needs none.
    assert_eq!(stream.try_read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
