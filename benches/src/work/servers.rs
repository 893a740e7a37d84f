//! The echo server, as a program on this library would be written.

use super::{probes, rt};
use std::io;
use std::net::Ipv4Addr;

/// Serves until the process is ended. Tells the port by `tell`, then accepts in the main future and
/// spawns a task for each connection.
pub(crate) async fn echo(
    buffer: usize,
    hogged: bool,
    tell: impl FnOnce(u16) -> io::Result<()>,
) -> io::Result<()> {
    let listener = rt::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    tell(listener.local_addr()?.port())?;
    if hogged {
        rt::detach(rt::spawn(probes::hog()));
    }
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        rt::detach(rt::spawn(async move {
            // A client that goes away is the client's business.
            let _ = connection(stream, buffer).await;
        }));
    }
}

async fn connection(mut stream: rt::TcpStream, buffer: usize) -> io::Result<()> {
    let mut buffer = vec![0; buffer];
    loop {
        let n = rt::read(&mut stream, &mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        rt::write_all(&mut stream, &buffer[..n]).await?;
    }
}
