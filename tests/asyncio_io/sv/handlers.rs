//! What a handler is given, what it returns, and how it fails.

use std::future::pending;
use std::io;
use std::sync::mpsc;

use corio::net::{Server, StreamReader, open_connection, start_server};

use crate::support::{echo, settle};

/// A handler may return nothing, or a result, and has both sides.
#[corio::test]
async fn sv_01_handlers_of_both_kinds() {
    let plain = start_server("127.0.0.1:0", |mut reader, writer| async move {
        let line = reader.read_line().await.unwrap();
        writer.write(&line).unwrap();
    });
    let failing = start_server("127.0.0.1:0", |mut reader, writer| async move {
        let line = reader.read_line().await?;
        writer.write_all(&line).await?;
        Ok(())
    });
    for server in [plain.await.unwrap(), failing.await.unwrap()] {
        let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
        writer.write(b"hello\n").unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), b"hello\n");
    }
}

/// An error of a handler is told once, with the peer, and ends that connection alone.
#[corio::test]
async fn sv_02_a_handler_that_fails_ends_its_connection() {
    let (sender, errors) = mpsc::channel();
    let server = Server::builder()
        .on_error(move |name, error| sender.send((name.to_owned(), error.to_string())).unwrap())
        .start("127.0.0.1:0", |mut reader, writer| async move {
            if reader.read_line().await? == b"fail\n" {
                return Err(io::Error::other("as wanted"));
            }
            writer.write_all(b"fine\n").await
        })
        .await
        .unwrap();
    let addr = server.local_addrs()[0];
    let (mut bad_reader, bad_writer) = open_connection(addr).await.unwrap();
    bad_writer.write(b"fail\n").unwrap();
    assert_eq!(bad_reader.read_line().await.unwrap(), b"");
    let (mut reader, writer) = open_connection(addr).await.unwrap();
    writer.write(b"go\n").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"fine\n");
    let (name, error) = errors.recv().unwrap();
    assert!(name.contains(&bad_writer.local_addr().unwrap().to_string()), "{name}");
    assert_eq!(error, "as wanted");
    assert!(errors.try_recv().is_err());
}

/// A handler that is cancelled ends its connection, and nobody is told.
#[corio::test]
async fn sv_03_a_cancelled_handler_is_silent() {
    let (sender, errors) = mpsc::channel();
    let server = Server::builder()
        .on_error(move |_, error| sender.send(error.to_string()).unwrap())
        .start("127.0.0.1:0", |_reader, _writer| async { pending::<io::Result<()>>().await })
        .await
        .unwrap();
    let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    settle().await;
    server.cancel_clients();
    assert_eq!(reader.read(1).await.unwrap(), b"");
    assert!(errors.try_recv().is_err());
    assert!(server.is_serving());
}

/// A handler that panics, even before its future is made, costs its connection only; the runtime tells.
#[test]
fn sv_04_a_handler_that_panics_ends_its_connection() {
    let (sender, panics) = mpsc::channel();
    let runtime = corio::runtime::Builder::new_current_thread()
        .on_panic(move |panic| sender.send(format!("{panic:?}")).unwrap())
        .build()
        .unwrap();
    let server_addr = runtime.block_on(async {
        let server = start_server("127.0.0.1:0", |mut reader: StreamReader, _writer| {
            assert!(reader.limit() > 0);
            async move {
                match &reader.read_line().await?[..] {
                    b"panic\n" => panic!("as wanted"),
                    _ => Ok(()),
                }
            }
        })
        .await
        .unwrap();
        let addr = server.local_addrs()[0];
        for line in [&b"panic\n"[..], b"fine\n"] {
            let (mut reader, writer) = open_connection(addr).await.unwrap();
            writer.write(line).unwrap();
            assert_eq!(reader.read(1).await.unwrap(), b"");
        }
        assert!(server.is_serving());
        addr
    });
    drop(runtime);
    let told = panics.recv().unwrap();
    assert!(told.contains("connection from 127.0.0.1:"), "{told}");
    assert!(panics.try_recv().is_err());
    assert_ne!(server_addr.port(), 0);
}

/// The limit and the marks are those of each connection.
#[corio::test]
async fn sv_27_limit_and_marks_are_each_connections() {
    let server = Server::builder()
        .limit(5)
        .write_limits(100, 10)
        .start("127.0.0.1:0", |mut reader, writer| async move {
            assert_eq!(writer.write_limits(), (100, 10));
            let answer = match reader.read_line().await {
                Ok(_) => b"fits",
                Err(_) => b"long",
            };
            writer.write_all(answer).await
        })
        .await
        .unwrap();
    for (line, answer) in [(&b"12345\n"[..], b"fits"), (b"123456\n", b"long")] {
        let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
        writer.write(line).unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), answer);
    }
    let error = Server::builder().limit(0).start("127.0.0.1:0", echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

corio::context_var! {
    static WHO: &'static str = "nobody";
}

/// Handlers have the context of whoever started the server.
#[corio::test]
async fn sv_30_handlers_have_the_context_of_the_creator() {
    let server = WHO
        .scope("the creator", async {
            start_server("127.0.0.1:0", |_reader, writer| async move {
                writer.write_all(WHO.get().as_bytes()).await
            })
            .await
            .unwrap()
        })
        .await;
    let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    assert_eq!(reader.read_to_end().await.unwrap(), b"the creator");
}

/// A client that has gone before its handler begins is an end or an error to that handler, no more.
#[corio::test]
async fn sv_31_a_client_that_has_gone_already() {
    let (sender, ends) = mpsc::channel();
    let server = start_server("127.0.0.1:0", move |mut reader, _writer| {
        let sender = sender.clone();
        async move {
            sender.send(reader.read(1).await.unwrap_or_default()).unwrap();
        }
    })
    .await
    .unwrap();
    // Within one turn: the server has not accepted it when it goes.
    drop(std::net::TcpStream::connect(server.local_addrs()[0]).unwrap());
    let end = loop {
        match ends.try_recv() {
            Ok(end) => break end,
            Err(_) => corio::yield_now().await,
        }
    };
    assert_eq!(end, b"");
    server.close();
    server.wait_closed().await;
}
