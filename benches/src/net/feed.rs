//! Where the lines come from: a process that sends as many as it is asked for, as fast as they are taken.
//!
//! It is a process of its own, so that the time it needs is not counted as the reader's.

use crate::parent;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::OnceLock;

/// About so many bytes are sent with one call.
const BLOCK: usize = 256 << 10;

/// What to send to the feeder: how many lines, and the bytes of each with its line feed.
pub(crate) fn order(lines: u64, length: usize) -> [u8; 16] {
    let mut order = [0; 16];
    order[..8].copy_from_slice(&lines.to_le_bytes());
    order[8..].copy_from_slice(&(length as u64).to_le_bytes());
    order
}

/// The port of this process's feeder, which is started by the first call and ends with this process.
pub(crate) fn port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| start().expect("a process that sends lines"))
}

fn start() -> Result<u16, String> {
    let feeder = parent::child(&["feed"])?;
    let mut port = String::new();
    BufReader::new(feeder.stdout.ok_or("a feeder without its output")?)
        .read_line(&mut port)
        .map_err(|error| format!("cannot read the feeder's port: {error}"))?;
    port.trim().parse().map_err(|_| format!("the feeder's port is {port:?}"))
}

/// Sends lines to whoever connects and asks, until the process is ended; tells the port by `tell`.
pub(crate) fn serve(tell: impl FnOnce(u16) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    tell(listener.local_addr()?.port())?;
    loop {
        let (stream, _) = listener.accept()?;
        // A reader that goes away is the reader's business.
        std::thread::spawn(move || feed(stream));
    }
}

fn feed(mut stream: TcpStream) -> io::Result<()> {
    let mut number = [0; 8];
    stream.read_exact(&mut number)?;
    let mut left = u64::from_le_bytes(number);
    stream.read_exact(&mut number)?;
    let length = usize::try_from(u64::from_le_bytes(number)).map_err(io::Error::other)?.max(1);
    let mut line = vec![b'x'; length];
    line[length - 1] = b'\n';
    let block = line.repeat((BLOCK / length).max(1));
    while left > 0 {
        let lines = left.min((block.len() / length) as u64);
        stream.write_all(&block[..lines as usize * length])?;
        left -= lines;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn as_many_lines_come_as_were_ordered() {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || serve(|port| sender.send(port).map_err(io::Error::other)));
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, receiver.recv().unwrap())).unwrap();
        stream.write_all(&order(10_000, 80)).unwrap();
        let right = |line: io::Result<String>| u64::from(line.unwrap().len() == 79);
        assert_eq!(BufReader::new(stream).lines().map(right).sum::<u64>(), 10_000);
    }
}
