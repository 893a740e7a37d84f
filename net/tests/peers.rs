//! Programs of others on the other side: curl, socat and openssl, each where it is installed.

mod common;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use common::on_both;
use corio_net::{StreamReader, StreamWriter, open_connection, start_server, start_unix_server};
use corio_runtime::spawn_blocking;
use corio_sync::prim::thread;

/// More than the system's buffers hold.
const MUCH: usize = 12_000_000;

/// A command of a program that ends within a minute, if the program is there.
fn program(name: &str) -> Option<Command> {
    is_there(name).then(|| {
        let mut command = Command::new("timeout");
        command.args(["60", name]);
        command
    })
}

/// A command of a program that is to be ended, if the program is there. Its first process is its only one: what
/// would limit its time would leave it behind when it is ended itself.
fn server(name: &str) -> Option<Command> {
    is_there(name).then(|| Command::new(name))
}

fn is_there(name: &str) -> bool {
    let script = format!("command -v {name} && command -v timeout");
    let found = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!("notice: there is no {name} here, so nothing was tried against it");
        return false;
    }
    true
}

/// Runs `command` with `input`, and gives what it has written.
async fn run(mut command: Command, input: Vec<u8>) -> io::Result<Output> {
    let running = spawn_blocking(move || {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let writing = thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output()?;
        // A program may end without having read everything.
        let _ = writing.join().expect("the thread does not panic");
        Ok(output)
    });
    running.await.unwrap()
}

/// A program of its own, which ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The port at the end of the first line that contains `mark`.
fn port_after(mark: &str, said: impl Read) -> u16 {
    let mut lines = BufReader::new(said).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains(mark)));
    let line = line.expect("a line that says where it listens");
    let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
    port.unwrap_or_else(|| panic!("no port in `{line}`"))
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

/// A page for every GET, and a refusal for every POST, whose body it does not wait for.
async fn web(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let head = reader.read_until(b"\r\n\r\n").await?;
    if head.starts_with(b"POST ") {
        let refusal =
            b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large";
        return writer.write(refusal);
    }
    let page = vec![b'p'; 300_000];
    let head =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", page.len());
    writer.write(head.as_bytes())?;
    writer.write_all(&page).await
}

/// What `web` serves at `url`, and what it refuses.
async fn browse(url: &str, options: &[&str]) -> io::Result<()> {
    let Some(mut get) = program("curl") else { return Ok(()) };
    get.args(["-sS", "--max-time", "50"]).args(options).arg(url);
    let page = run(get, Vec::new()).await?;
    assert!(page.status.success(), "{page:?}");
    assert!(page.stdout.len() == 300_000 && page.stdout.iter().all(|byte| *byte == b'p'));
    // It goes on to send for a while after the answer, and must not lose it to a reset.
    let Some(mut post) = program("curl") else { return Ok(()) };
    post.args(["-sS", "--max-time", "50", "-H", "Expect:", "--data-binary", "@-"]);
    post.args(["-w", " %{http_code}"]).args(options).arg(url);
    let refused = run(post, vec![b'b'; MUCH]).await?;
    assert_eq!(String::from_utf8_lossy(&refused.stdout), "too large 413", "{refused:?}");
    Ok(())
}

#[test]
fn n04_curl_gets_a_page_and_a_refusal() {
    on_both(|| async {
        let server = start_server("127.0.0.1:0", web).await?;
        let addr = server.local_addrs()[0];
        browse(&format!("http://{addr}/"), &[]).await
    });
}

#[test]
fn socat_talks_to_our_servers() {
    on_both(|| async {
        let server = start_server("127.0.0.1:0", echo).await?;
        let path = std::env::temp_dir().join(format!("corio-peers-{}", std::process::id()));
        let unix = start_unix_server(&path, echo).await?;
        let addr = server.local_addrs()[0];
        for place in [format!("TCP:{addr}"), format!("UNIX-CONNECT:{}", path.display())] {
            let Some(mut socat) = program("socat") else { return Ok(()) };
            // It ends its side with its input, and waits for the rest of ours.
            socat.args(["-t", "50", "-", &place]);
            let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
            let output = run(socat, sent.clone()).await?;
            assert!(output.status.success() && output.stdout == sent, "{place}");
        }
        drop(unix);
        Ok(())
    });
}

#[test]
fn our_client_talks_to_socat() {
    on_both(|| async {
        let Some(mut socat) = server("socat") else { return Ok(()) };
        socat.args(["-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1", "SYSTEM:tr a-z A-Z"]);
        let mut socat = Running(socat.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?);
        let port = port_after("listening on", socat.0.stderr.take().expect("it is piped"));
        let (mut reader, writer) = open_connection(("127.0.0.1", port)).await?;
        writer.write(b"louder, please")?;
        writer.write_eof()?;
        assert_eq!(reader.read_to_end().await?, b"LOUDER, PLEASE");
        writer.close();
        writer.wait_closed().await
    });
}

#[cfg(feature = "tls")]
mod tls {
    use std::net::SocketAddr;
    use std::path::PathBuf;

    use corio_net::{Server, TlsAcceptor, TlsConnector, open_connection_tls};
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    /// An authority, and a certificate for 127.0.0.1 with its key, in files for the programs of others.
    struct Files(PathBuf);

    impl Files {
        fn new() -> Self {
            static COUNT: corio_sync::prim::statics::AtomicU64 =
                corio_sync::prim::statics::AtomicU64::new(0);
            // Ordering: Relaxed, only the number matters.
            let number = COUNT.fetch_add(1, corio_sync::prim::Ordering::Relaxed);
            let name = format!("corio-peers-tls-{}-{number}", std::process::id());
            let files = Self(std::env::temp_dir().join(name));
            std::fs::create_dir_all(&files.0).unwrap();
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
            let key = KeyPair::generate().unwrap();
            let authority = CertifiedIssuer::self_signed(params, key).unwrap();
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            for (name, text) in [
                ("authority", authority.pem()),
                ("certificate", certificate.pem()),
                ("key", key.serialize_pem()),
            ] {
                std::fs::write(files.0.join(name), text).unwrap();
            }
            files
        }

        fn path(&self, name: &str) -> String {
            self.0.join(name).display().to_string()
        }

        fn text(&self, name: &str) -> Vec<u8> {
            std::fs::read(self.0.join(name)).unwrap()
        }

        fn acceptor(&self) -> TlsAcceptor {
            TlsAcceptor::from_pem(&self.text("certificate"), &self.text("key")).unwrap()
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn answer(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
        let line = reader.read_line().await?;
        writer.write(b"you said ")?;
        writer.write(&line)
    }

    #[test]
    fn openssls_client_talks_to_our_server() {
        on_both(|| async {
            let files = Files::new();
            let options = Server::builder().tls(files.acceptor());
            let server = options.start("127.0.0.1:0", answer).await?;
            for version in ["-tls1_2", "-tls1_3"] {
                let Some(mut openssl) = program("openssl") else { return Ok(()) };
                let addr: SocketAddr = server.local_addrs()[0];
                openssl.args(["s_client", "-connect", &addr.to_string(), version, "-quiet"]);
                openssl.args(["-CAfile", &files.path("authority"), "-verify_return_error"]);
                let output = run(openssl, b"hello\n".to_vec()).await?;
                assert_eq!(
                    String::from_utf8_lossy(&output.stdout),
                    "you said hello\n",
                    "{output:?}"
                );
                assert!(output.status.success(), "{output:?}");
            }
            Ok(())
        });
    }

    #[test]
    fn our_client_talks_to_openssls_server() {
        on_both(|| async {
            let files = Files::new();
            let Some(mut openssl) = server("openssl") else { return Ok(()) };
            openssl.args(["s_server", "-accept", "127.0.0.1:0", "-rev"]);
            openssl.args(["-cert", &files.path("certificate"), "-key", &files.path("key")]);
            let openssl = openssl.stdin(Stdio::null()).stdout(Stdio::piped());
            let mut openssl = Running(openssl.stderr(Stdio::null()).spawn()?);
            let port = port_after("ACCEPT", openssl.0.stdout.take().expect("it is piped"));
            let connector = TlsConnector::trusting(&files.text("authority"))?;
            let (mut reader, writer) = open_connection_tls(("127.0.0.1", port), &connector).await?;
            for (said, heard) in
                [(&b"stressed\n"[..], &b"desserts\n"[..]), (b"diaper\n", b"repaid\n")]
            {
                writer.write(said)?;
                assert_eq!(reader.read_line().await?, heard);
            }
            writer.close();
            writer.wait_closed().await
        });
    }

    #[test]
    fn n04_curl_gets_an_encrypted_page_and_a_refusal() {
        on_both(|| async {
            let files = Files::new();
            let options = Server::builder().tls(files.acceptor());
            let server = options.start("127.0.0.1:0", web).await?;
            let url = format!("https://{}/", server.local_addrs()[0]);
            browse(&url, &["--cacert", &files.path("authority")]).await
        });
    }
}
