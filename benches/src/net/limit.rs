//! An echo server on bare epoll, on one thread: what the kernel alone allows.
//!
//! It is level-triggered. Then an event costs one read and one write and no further read that only
//! finds the socket empty, and the instance is told about a socket twice in its life.

use super::would_block;
use crate::sys::{Epoll, Events, Ready, Watch};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// The key of the listening socket; connections count from 0.
const LISTENER: usize = usize::MAX;

struct Connection {
    stream: TcpStream,
    /// What was read and could not be written yet. While it is not empty, nothing more is read.
    unsent: Vec<u8>,
}

/// Serves until the process is ended; tells the port by `tell`.
pub(crate) fn echo(buffer: usize, tell: impl FnOnce(u16) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    tell(listener.local_addr()?.port())?;
    let mut server = Server {
        epoll: Epoll::new()?,
        listener,
        connections: Vec::new(),
        free: Vec::new(),
        buffer: vec![0; buffer],
    };
    server.epoll.add(&server.listener, LISTENER, Watch::Read)?;
    let mut events = Events::with_capacity(1024);
    let mut ready = Vec::with_capacity(1024);
    loop {
        server.epoll.wait(&mut events, -1, |event| {
            ready.push(event);
            Ok(())
        })?;
        for event in ready.drain(..) {
            server.handle(event)?;
        }
    }
}

struct Server {
    epoll: Epoll,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
}

impl Server {
    fn handle(&mut self, event: Ready) -> io::Result<()> {
        if event.key == LISTENER {
            return self.accept();
        }
        let Some(connection) = &mut self.connections[event.key] else { return Ok(()) };
        match connection.turn(&mut self.buffer, &self.epoll, event.key) {
            Ok(true) => {}
            // The end of the stream, or a client that went away: both close the connection.
            Ok(false) | Err(_) => {
                self.connections[event.key] = None;
                self.free.push(event.key);
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let key = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            self.epoll.add(&stream, key, Watch::Read)?;
            self.connections[key] = Some(Connection { stream, unsent: Vec::new() });
        }
    }
}

impl Connection {
    /// Does what there is to do; returns whether the connection goes on.
    fn turn(&mut self, buffer: &mut [u8], epoll: &Epoll, key: usize) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            let sent = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
            if self.unsent.is_empty() {
                epoll.change(&self.stream, key, Watch::Read)?;
            }
            return Ok(true);
        }
        let n = match self.stream.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(n) => n,
            Err(error) if would_block(&error) => return Ok(true),
            Err(error) => return Err(error),
        };
        let sent = write(&mut self.stream, &buffer[..n])?;
        if sent < n {
            self.unsent.extend_from_slice(&buffer[sent..n]);
            epoll.change(&self.stream, key, Watch::ReadWrite)?;
        }
        Ok(true)
    }
}

/// Writes once, as much as there is room for.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if would_block(&error) => Ok(0),
        written => written,
    }
}
