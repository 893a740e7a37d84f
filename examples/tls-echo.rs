//! A server that sends back what it gets, encrypted; and a client for it. It needs the feature `tls`.
//!
//! Make a certificate, and run the server with it:
//!
//! ```text
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
//!     -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
//!     -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem
//! cargo run --release --features tls --example tls-echo -- --cert cert.pem --key key.pem
//! ```
//!
//! You will see `listening on 127.0.0.1:7443`. Talk to it with `openssl s_client -connect 127.0.0.1:7443`, or with
//! this program: `… --example tls-echo -- --trust cert.pem localhost:7443 hello`. Ctrl-C ends the server.

#[path = "support/args.rs"]
mod args;

use std::error::Error;
use std::io;
use std::time::Duration;

use corio::net::{
    Server, StreamReader, StreamWriter, TlsAcceptor, TlsConnector, open_connection_tls,
};

const HELP: &str = "\
tls-echo --cert FILE --key FILE [ADDRESS]    sends back what it gets, encrypted (127.0.0.1:7443)
tls-echo --trust FILE ADDRESS TEXT           sends TEXT there, and prints what comes back

The files are in PEM form.";

/// How long connections may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(2);

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(64 * 1024).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write_all(&data).await?;
    }
}

async fn serve(address: &str, cert: &str, key: &str) -> Result<(), Box<dyn Error>> {
    let acceptor = TlsAcceptor::from_pem(&std::fs::read(cert)?, &std::fs::read(key)?)?;
    let server = Server::builder().tls(acceptor).on_error(|_, _| {}).start(address, echo).await?;
    // From here on Ctrl-C is ours; whoever reads the next line may press it at once.
    let interrupt = corio::signal::ctrl_c();
    println!("listening on {}", server.local_addrs()[0]);
    interrupt.await?;
    server.close();
    server.close_clients();
    if corio::timeout(GRACE, server.wait_closed()).await.is_err() {
        println!("some clients did not finish within {GRACE:?}");
    }
    Ok(())
}

async fn ask(address: &str, trust: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let connector = TlsConnector::trusting(&std::fs::read(trust)?)?;
    let (mut reader, writer) = open_connection_tls(address, &connector).await?;
    if let Some(version) = writer.tls_info().and_then(|info| info.version()) {
        println!("connected with {version:?}");
    }
    writer.write(text.as_bytes())?;
    let answer = reader.read_exact(text.len()).await?;
    println!("{}", String::from_utf8_lossy(&answer));
    writer.close();
    writer.wait_closed().await?;
    Ok(())
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 2, &["--cert", "--key", "--trust"])?;
    let file = |name: &str| args.option(name, String::new());
    let (cert, key, trust) = (file("--cert")?, file("--key")?, file("--trust")?);
    match (args.word(0), args.word(1)) {
        (Some(address), Some(text)) if !trust.is_empty() => ask(address, &trust, text).await,
        (address, None) if !cert.is_empty() && !key.is_empty() => {
            serve(address.unwrap_or("127.0.0.1:7443"), &cert, &key).await
        }
        _ => {
            Err(format!("either certificate and key, or whom to trust and what to say:\n{HELP}")
                .into())
        }
    }
}
