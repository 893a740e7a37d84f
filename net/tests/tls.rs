//! Encrypted streams: one test for each of asyncio's behaviours, with an authority of our own.

mod common;

use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::time::Duration;

use common::{LONG, on_both};
use corio_net::{
    ConnectOptions, Server, ServerOptions, StreamReader, StreamWriter, TcpListener, TlsAcceptor,
    TlsConnector, UnixStream, open_connection, open_connection_tls, start_tls, start_tls_server,
};
use corio_runtime::spawn;
use corio_runtime::time::timeout;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority, and a server's certificate for `localhost` and `127.0.0.1` that it has signed.
struct Pki {
    authority: String,
    certificate: String,
    key: String,
}

fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        Pki { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    })
}

fn connector() -> TlsConnector {
    TlsConnector::trusting(pki().authority.as_bytes()).unwrap()
}

fn acceptor() -> TlsAcceptor {
    TlsAcceptor::from_pem(pki().certificate.as_bytes(), pki().key.as_bytes()).unwrap()
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(64 * 1024).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write_all(&data).await?;
    }
}

/// A handler of connections that never come.
async fn unreached() {
    panic!("there was no handshake")
}

fn silent(options: ServerOptions) -> ServerOptions {
    options.on_error(|_, _| {})
}

async fn echo_server() -> Server {
    silent(Server::builder().tls(acceptor())).start("127.0.0.1:0", echo).await.unwrap()
}

/// The two ends of an encrypted connection: the client's, then the server's.
async fn pair() -> ((StreamReader, StreamWriter), (StreamReader, StreamWriter)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let client = spawn(open_connection_tls(addr, &connector()));
    let (reader, writer) = listener.accept().await.unwrap().0.into_streams();
    let server = start_tls_server(reader, writer, &acceptor()).await.unwrap();
    (client.await.unwrap().unwrap(), server)
}

#[test]
fn tls_01_the_handler_begins_after_the_handshake() {
    on_both(|| async {
        let server = Server::builder()
            .tls(acceptor())
            .start("127.0.0.1:0", |mut reader, writer| async move {
                assert!(writer.is_tls() && writer.tls_info().unwrap().version().is_some());
                let line = reader.read_line().await?;
                writer.write_all(&line).await
            })
            .await?;
        let (mut reader, writer) =
            open_connection_tls(server.local_addrs()[0], &connector()).await?;
        assert!(writer.is_tls());
        assert_eq!(writer.tls_info().unwrap().peer_certificates().len(), 1);
        writer.write(b"hello\n")?;
        assert_eq!(reader.read_to_end().await?, b"hello\n");
        Ok(())
    });
}

#[test]
fn tls_02_05_a_handshake_has_its_time() {
    on_both(|| async {
        let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
        let hasty = connector().handshake_timeout(Duration::from_millis(20))?;
        let error = open_connection_tls(silent.local_addr()?, &hasty).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains(&silent.local_addr()?.to_string()), "{error}");
        assert!(connector().handshake_timeout(Duration::ZERO).is_err());
        assert!(acceptor().handshake_timeout(Duration::ZERO).is_err());
        // A client that says nothing does not keep a server: it sees the end.
        let server = Server::builder()
            .tls(acceptor().handshake_timeout(Duration::from_millis(20))?)
            .start("127.0.0.1:0", |_, _| unreached())
            .await?;
        let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await?;
        assert_eq!(reader.read(1).await?, b"");
        Ok(())
    });
}

#[test]
fn tls_03_a_peer_that_goes_during_the_handshake() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let connecting = spawn(open_connection_tls(listener.local_addr()?, &connector()));
        let (stream, _) = listener.accept().await?;
        stream.read_exact(&mut [0; 5]).await?;
        stream.close().await?;
        let error = connecting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn tls_04_a_certificate_that_nobody_trusts() {
    on_both(|| async {
        let server = echo_server().await;
        let addr = server.local_addrs()[0];
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let wary = TlsConnector::trusting(other.cert.pem().as_bytes())?;
        let error = open_connection_tls(addr, &wary).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("certificate"), "{error}");
        // It says with whom, and what rustls had to say is found within.
        let with = format!("the TLS handshake with 127.0.0.1 ({addr}) failed: ");
        assert!(error.to_string().starts_with(&with), "{error}");
        let source = std::error::Error::source(&error).unwrap();
        let within = source.downcast_ref::<io::Error>().unwrap().get_ref().unwrap();
        assert!(within.downcast_ref::<corio_net::tls::rustls::Error>().is_some(), "{within:?}");
        Ok(())
    });
}

#[test]
fn sv_28_a_client_that_fails_does_not_stop_the_server() {
    on_both(|| async {
        let server = echo_server().await;
        let addr = server.local_addrs()[0];
        let (mut reader, writer) = open_connection(addr).await?;
        writer.write(b"this is no handshake at all, and it is long enough")?;
        let _ = reader.read_to_end().await;
        let (mut reader, writer) = open_connection_tls(addr, &connector()).await?;
        writer.write(b"x")?;
        assert_eq!(reader.read_exact(1).await?, b"x");
        Ok(())
    });
}

#[test]
fn tls_06_the_name_is_the_host_unless_told() {
    on_both(|| async {
        let server = echo_server().await;
        let addr = server.local_addrs()[0];
        let named =
            |name: &str| ConnectOptions::new().tls(connector()).server_name(name).open(addr);
        named("localhost").await?;
        let error = named("example.com").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(named("").await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        open_connection_tls(format!("localhost:{}", addr.port()), &connector()).await?;
        Ok(())
    });
}

#[test]
fn tls_07_08_a_name_and_tls_go_together() {
    on_both(|| async {
        let error = ConnectOptions::new().server_name("localhost").open("127.0.0.1:1").await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        // One who has a socket, and no address, has to say whom it is to meet.
        let connector = connector();
        let (reader, writer) = UnixStream::pair()?.0.into_streams();
        assert!(start_tls(reader, writer, &connector, "").await.is_err());
        Ok(())
    });
}

#[test]
fn ux_08_a_unix_client_says_whom_it_is_to_meet() {
    on_both(|| async {
        let path = std::env::temp_dir().join(format!("corio-tls-{}.sock", std::process::id()));
        let server = Server::builder().tls(acceptor()).start_unix(&path, echo).await?;
        let options = || ConnectOptions::new().tls(connector());
        let error = options().open_unix(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let (mut reader, writer) = options().server_name("localhost").open_unix(&path).await?;
        writer.write(b"x")?;
        assert_eq!(reader.read_exact(1).await?, b"x");
        drop(server);
        Ok(())
    });
}

#[test]
fn tls_09_tls_cannot_end_in_one_direction() {
    on_both(|| async {
        let ((_r, writer), _far) = pair().await;
        assert!(!writer.can_write_eof());
        assert_eq!(writer.write_eof().unwrap_err().kind(), io::ErrorKind::Unsupported);
        writer.write(b"it goes on all the same")
    });
}

#[test]
fn tls_10_12_close_sends_everything_and_an_alert() {
    on_both(|| async {
        let ((mut reader, writer), (mut far_reader, far_writer)) = pair().await;
        let data = vec![7; 1 << 20];
        writer.write(&data)?;
        writer.close();
        let (received, closed) = (spawn(async move { far_reader.read_to_end().await }), writer);
        closed.wait_closed().await?;
        // An end, not a cut: there was an alert. What comes after it from the other side is nobody's.
        assert!(received.await.unwrap()? == data);
        let _ = far_writer.write(b"too late");
        assert_eq!(reader.read(10).await?, b"");
        Ok(())
    });
}

#[test]
fn tls_11_a_peer_that_never_answers_does_not_hold_up_the_close() {
    on_both(|| async {
        let ((reader, writer), far) = pair().await;
        writer.close();
        timeout(LONG, writer.wait_closed()).await.unwrap()?;
        drop((reader, far));
        Ok(())
    });
}

#[test]
fn tls_13_an_abort_sends_no_alert() {
    on_both(|| async {
        let ((reader, writer), (mut far_reader, _far_writer)) = pair().await;
        writer.write(b"all")?;
        assert_eq!(far_reader.read_exact(3).await?, b"all");
        writer.abort();
        drop((reader, writer));
        let error = far_reader.read(1).await.unwrap_err();
        // A cut, or a reset if the system had something that we had not read: never an end.
        let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
        assert!(kinds.contains(&error.kind()), "{error}");
        Ok(())
    });
}

#[test]
fn tls_16_a_handshake_that_is_given_up_closes_the_connection() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (reader, writer) = open_connection(listener.local_addr()?).await?;
        let (stream, _) = listener.accept().await?;
        let connector = connector();
        let handshake = start_tls(reader, writer, &connector, "localhost");
        assert!(timeout(Duration::from_millis(20), handshake).await.is_err());
        let mut hello = Vec::new();
        stream.read_to_end(&mut hello).await?;
        assert!(!hello.is_empty(), "and then the end");
        Ok(())
    });
}

#[test]
fn tls_17_a_peer_that_speaks_no_tls() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let connecting = spawn(open_connection_tls(listener.local_addr()?, &connector()));
        let (stream, _) = listener.accept().await?;
        stream.write_all(b"220 smtp.example.com ESMTP\r\n").await?;
        assert_eq!(connecting.await.unwrap().unwrap_err().kind(), io::ErrorKind::InvalidData);
        // And the other way round; the server goes on.
        let server =
            Server::builder().tls(acceptor()).start("127.0.0.1:0", |_, _| unreached()).await?;
        let (mut reader, writer) = open_connection(server.local_addrs()[0]).await?;
        writer.write(b"GET / HTTP/1.0\r\n\r\n")?;
        let _ = reader.read_to_end().await;
        assert!(server.is_serving());
        Ok(())
    });
}

#[test]
fn tls_18_drain_waits_under_tls_too() {
    on_both(|| async {
        let ((_r, writer), (mut far_reader, _w)) = pair().await;
        writer.set_write_limits(64 * 1024, 16 * 1024)?;
        writer.write(&vec![7; 16 << 20])?;
        assert!(timeout(Duration::from_millis(20), writer.drain()).await.is_err());
        let reading = spawn(async move { far_reader.read_exact(16 << 20).await });
        writer.drain().await?;
        assert_eq!(reading.await.unwrap()?.len(), 16 << 20);
        Ok(())
    });
}

#[test]
fn sw_23_24_a_connection_is_encrypted_half_way() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let server = spawn(async move {
            let (mut reader, writer) = listener.accept().await?.0.into_streams();
            assert_eq!(reader.read_line().await?, b"STARTTLS\n");
            // The client's first flight may be in the reader by now.
            corio_runtime::time::sleep(Duration::from_millis(5)).await;
            writer.write(b"go ahead\n")?;
            let (mut reader, writer) = start_tls_server(reader, writer, &acceptor()).await?;
            let line = reader.read_line().await?;
            writer.write_all(&line).await?;
            io::Result::Ok(reader.limit())
        });
        let (mut reader, writer) = open_connection(addr).await?;
        reader.set_limit(4321)?;
        writer.set_write_limits(1234, 123)?;
        writer.write(b"STARTTLS\n")?;
        assert_eq!(reader.read_line().await?, b"go ahead\n");
        let (mut reader, writer) = start_tls(reader, writer, &connector(), "localhost").await?;
        assert!(writer.is_tls());
        assert_eq!((reader.limit(), writer.write_limits()), (4321, (1234, 123)));
        assert_eq!(writer.peer_addr()?, addr);
        writer.write(b"secret\n")?;
        assert_eq!(reader.read_line().await?, b"secret\n");
        assert_eq!(server.await.unwrap()?, 64 * 1024);
        Ok(())
    });
}

/// A client that begins its handshake without waiting for the answer: the server's reader has it already.
async fn an_early_hello() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = spawn(async move {
        let (mut reader, writer) = listener.accept().await?.0.into_streams();
        // Its hello has come with the line before it.
        corio_runtime::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(reader.read_line().await?, b"STARTTLS\n");
        assert!(!reader.buffer().is_empty(), "the beginning of the handshake");
        let (mut reader, _writer) = start_tls_server(reader, writer, &acceptor()).await?;
        reader.read_exact(6).await
    });
    let (reader, writer) = open_connection(addr).await?;
    writer.write(b"STARTTLS\n")?;
    let (_reader, writer) = start_tls(reader, writer, &connector(), "localhost").await?;
    writer.write(b"secret")?;
    assert_eq!(server.await.unwrap()?, b"secret");
    Ok(())
}

#[test]
fn sw_25_a_client_that_does_not_wait_for_the_answer_loses_nothing() {
    on_both(an_early_hello);
}

#[test]
fn str_13_what_the_reader_has_belongs_to_the_handshake() {
    on_both(an_early_hello);
}

#[test]
fn tls_20_tls_within_tls() {
    on_both(|| async {
        let (near, far) = pair().await;
        let inner = spawn(async move {
            let (mut reader, writer) = start_tls_server(far.0, far.1, &acceptor()).await?;
            let line = reader.read_line().await?;
            writer.write_all(&line).await
        });
        let (mut reader, writer) = start_tls(near.0, near.1, &connector(), "localhost").await?;
        writer.write(b"twice wrapped\n")?;
        assert_eq!(reader.read_line().await?, b"twice wrapped\n");
        inner.await.unwrap()
    });
}

#[test]
fn tls_21_four_megabytes_each_way() {
    on_both(|| async {
        let server = echo_server().await;
        let (mut reader, writer) =
            open_connection_tls(server.local_addrs()[0], &connector()).await?;
        let data: Vec<u8> = (0..4 << 20).map(|i: u32| (i.wrapping_mul(31) >> 7) as u8).collect();
        let expected = data.clone();
        let sending = spawn(async move {
            let (mut rest, mut step) = (&data[..], 1);
            while !rest.is_empty() {
                let part = rest.len().min(step);
                writer.write_all(&rest[..part]).await?;
                rest = &rest[part..];
                step = step * 3 % 100_003 + 1;
            }
            io::Result::Ok(writer)
        });
        assert!(reader.read_exact(4 << 20).await? == expected);
        drop(sending.await.unwrap()?);
        Ok(())
    });
}

#[test]
fn tls_23_nothing_is_left_after_a_handshake() {
    on_both(|| async {
        let metrics = || corio_runtime::Handle::current().metrics();
        // The test's own timer is there from the first wait on.
        corio_runtime::time::sleep(Duration::from_millis(1)).await;
        let before = metrics();
        for fails in [false, true] {
            let server = echo_server().await;
            let addr = server.local_addrs()[0];
            if fails {
                let (reader, writer) = open_connection(addr).await?;
                writer.write(b"no tls at all, but long enough to be looked at")?;
                let mut reader = reader;
                let _ = reader.read_to_end().await;
            } else {
                drop(open_connection_tls(addr, &connector()).await?);
            }
            server.close();
            server.wait_closed().await;
        }
        while metrics().tasks > before.tasks || metrics().timers > before.timers {
            corio_runtime::yield_now().await;
        }
        Ok(())
    });
}

#[test]
fn tls_24_a_handshake_ends_when_the_server_closes_its_clients() {
    on_both(|| async {
        let server = echo_server().await;
        let mut client = std::net::TcpStream::connect(server.local_addrs()[0])?;
        while server.clients() == 0 {
            corio_runtime::yield_now().await;
        }
        server.close();
        server.close_clients();
        timeout(LONG, server.wait_closed()).await.unwrap();
        client.set_read_timeout(Some(LONG))?;
        assert_eq!(client.read(&mut [0; 1]).unwrap_or(0), 0);
        let _ = client.write(b"x");
        Ok(())
    });
}

#[test]
fn cs_15_a_handshake_that_never_ends_does_not_hold_up_the_server() {
    on_both(|| async {
        let hasty = acceptor().handshake_timeout(Duration::from_millis(50))?;
        let server = Server::builder().tls(hasty).start("127.0.0.1:0", echo).await?;
        let client = std::net::TcpStream::connect(server.local_addrs()[0])?;
        while server.clients() == 0 {
            corio_runtime::yield_now().await;
        }
        server.close();
        timeout(LONG, server.wait_closed()).await.unwrap();
        drop(client);
        Ok(())
    });
}

#[test]
fn tls_25_what_is_known_stays_known() {
    on_both(|| async {
        let ((_r, writer), far) = pair().await;
        drop(far);
        writer.close();
        let _ = writer.wait_closed().await;
        assert!(writer.tls_info().unwrap().version().is_some());
        assert!(writer.peer_addr().is_ok());
        assert!(writer.tcp_stream().is_none());
        Ok(())
    });
}

#[test]
fn tls_26_writing_to_a_closing_connection_is_an_error() {
    on_both(|| async {
        let ((_r, writer), _far) = pair().await;
        writer.close();
        for _ in 0..6 {
            assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
        Ok(())
    });
}

#[test]
fn alpn_is_visible_on_both_sides() {
    on_both(|| async {
        let server = Server::builder()
            .tls(acceptor().alpn(&[b"h2", b"http/1.1"]))
            .start("127.0.0.1:0", |_, writer| async move {
                let chosen = writer.tls_info().unwrap().alpn().unwrap_or_default().to_vec();
                writer.write_all(&chosen).await
            })
            .await?;
        let client = connector().alpn(&[b"http/1.1"]);
        let (mut reader, writer) = open_connection_tls(server.local_addrs()[0], &client).await?;
        assert_eq!(writer.tls_info().unwrap().alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(reader.read_to_end().await?, b"http/1.1");
        Ok(())
    });
}

#[test]
fn a_session_over_a_pair_of_unix_sockets() {
    on_both(|| async {
        let (near, far) = UnixStream::pair()?;
        let (reader, writer) = far.into_streams();
        let server = spawn(async move {
            let (mut reader, _writer) = start_tls_server(reader, writer, &acceptor()).await?;
            reader.read_to_end().await
        });
        let (reader, writer) = near.into_streams();
        let (_reader, writer) = start_tls(reader, writer, &connector(), "localhost").await?;
        writer.write(b"x")?;
        drop(writer);
        assert_eq!(server.await.unwrap()?, b"x");
        Ok(())
    });
}

#[test]
fn wrong_certificates_and_keys_are_refused() {
    assert!(TlsConnector::trusting(b"no certificate").is_err());
    assert!(TlsAcceptor::from_pem(b"none", pki().key.as_bytes()).is_err());
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert!(TlsAcceptor::from_pem(pki().certificate.as_bytes(), other.as_bytes()).is_err());
}

/// The text says which argument is wrong, and what to do.
#[test]
fn the_errors_of_certificates_and_keys_name_the_argument() {
    let (chain, key) = (pki().certificate.as_bytes(), pki().key.as_bytes());
    let other = KeyPair::generate().unwrap().serialize_pem();
    let junk = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let encrypted =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let no_certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = &key[..key.len() - 10];
    let cases: [(&[u8], &[u8], &[&str]); 9] = [
        (key, chain, &["`chain` has no certificate", "swapped"]),
        (chain, chain, &["`key` has no private key", "it has a certificate", "swapped"]),
        (b"/etc/cert.pem", key, &["`chain` has no certificate", "not its path"]),
        (chain, b"\x30\x82", &["`key` has no private key", "PEM"]),
        (chain, b"", &["`key` has no private key", "BEGIN PRIVATE KEY"]),
        (chain, encrypted, &["`key` has no private key", "decrypt"]),
        (chain, cut, &["`key` is not whole", "the end of its PRIVATE KEY is missing"]),
        (chain, junk, &["`key` cannot be used"]),
        (chain, other.as_bytes(), &["`key` is not that of the first certificate in `chain`"]),
    ];
    for (chain, key, parts) in cases {
        let error = TlsAcceptor::from_pem(chain, key).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?} are not in {text:?}");
    }
    let text = TlsAcceptor::from_pem(no_certificate, key).unwrap_err().to_string();
    assert!(text.contains("`chain` begins with a wrong certificate"), "{text}");
    for authorities in [key, b"no certificate", no_certificate] {
        let text = TlsConnector::trusting(authorities).unwrap_err().to_string();
        assert!(text.starts_with("`authorities` has "), "{text}");
    }
}
