//! Sending a file over a connection, behind what is buffered.

use std::fs::File;
use std::future::Future;
use std::io;

use corio_runtime::reactor::Wait;
use corio_sync::hooks::WaitKind;

use super::conn::Conn;
use super::error::Failure;
use super::hold::{Hold, write_past};
use super::transport::Transport;
use super::writer::StreamWriter;
use crate::send_file::{read_part, send};

impl StreamWriter {
    /// Sends `count` bytes of `file`, from `offset`, behind what is buffered, and returns how many: fewer if the
    /// file is shorter.
    ///
    /// Over a plain socket the system moves them; see
    /// [`TcpStream::send_file`](crate::TcpStream::send_file). Under TLS they are read, on a thread for blocking
    /// calls, and written. What others write meanwhile is buffered, and sent behind the file.
    ///
    /// # Errors
    ///
    /// Those of [`write_all`](Self::write_all), and of reading the file. A [`close`](Self::close) ends it with an
    /// error, and the file is cut off.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: some of the file may be sent, and nothing says how much.
    #[track_caller]
    #[doc(alias = "sendfile")]
    pub fn send_file<'a>(
        &'a self,
        file: &'a File,
        offset: u64,
        count: u64,
    ) -> impl Future<Output = io::Result<u64>> + Send {
        let wait = Wait::here(WaitKind::Write);
        async move {
            let conn = self.conn();
            // Fails, too, where nothing may be written any more.
            let hold = Hold::of(conn, wait).await?;
            match conn.transport() {
                Transport::Tcp(stream) => {
                    hold.run(noted(conn, send(stream, file, offset, count, wait))).await
                }
                Transport::Unix(stream) => {
                    hold.run(noted(conn, send(stream, file, offset, count, wait))).await
                }
                Transport::Other(_) => {
                    hold.run(async {
                        let mut sent = 0;
                        while sent < count {
                            let part = read_part(file, offset + sent, count - sent).await?;
                            if part.is_empty() {
                                break;
                            }
                            write_past(conn, wait, &part).await?;
                            sent += part.len() as u64;
                        }
                        Ok(sent)
                    })
                    .await
                }
            }
        }
    }
}

/// What ends the connection under a file is for its reader and its other writers, too: it is told before they
/// may go on.
async fn noted(conn: &Conn, sending: impl Future<Output = io::Result<u64>>) -> io::Result<u64> {
    sending.await.map_err(|error| {
        let error = conn.named(error);
        let failure = Failure::from(&error);
        let ours = conn.out().closed(conn).is_some();
        if !ours && (failure.cuts_both() || error.kind() == io::ErrorKind::BrokenPipe) {
            conn.fail(failure);
        }
        error
    })
}
