//! Making a TCP connection: to one address, and to one of several.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_runtime::reactor::{Direction, Registered, Wait};
use socket2::{Domain, Socket, Type};

use crate::addr::Target;
use crate::error::{all_failed, invalid, with_context};
use crate::resolve::resolve;
use crate::socket::new_socket;

/// One attempt, on its way. Dropping it closes its descriptor.
pub(crate) struct Connecting {
    addr: SocketAddr,
    wait: Wait,
    /// Until the first poll.
    socket: Option<io::Result<Socket>>,
    /// From then on, until the end.
    io: Option<Registered<TcpStream>>,
}

impl Connecting {
    pub(crate) fn new(addr: SocketAddr, wait: Wait) -> Self {
        let socket = new_socket(Domain::for_address(addr), Type::STREAM);
        Self { addr, wait, socket: Some(socket), io: None }
    }

    /// Connects a socket that has been set up by the caller.
    pub(crate) fn with_socket(socket: Socket, addr: SocketAddr, wait: Wait) -> Self {
        Self { addr, wait, socket: Some(Ok(socket)), io: None }
    }

    /// Connects from one of `locals`, if there are any: the first of the right family that can be had.
    pub(crate) fn from_one_of(locals: &[SocketAddr], addr: SocketAddr, wait: Wait) -> Self {
        if locals.is_empty() {
            return Self::new(addr, wait);
        }
        Self { addr, wait, socket: Some(bound_to_one_of(locals, addr)), io: None }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn start(&self, socket: Socket) -> io::Result<Registered<TcpStream>> {
        let addr = self.addr.into();
        while let Err(error) = socket.connect(&addr) {
            match error.raw_os_error() {
                Some(libc::EINPROGRESS) => break,
                // After an interruption the attempt may or may not go on: asking again tells.
                Some(libc::EINTR) => {}
                Some(libc::EALREADY | libc::EISCONN) => break,
                _ => return Err(error),
            }
        }
        // The first look is taken at once: within one machine the handshake is over by now.
        Ok(Registered::new(socket.into()))
    }
}

impl Future for Connecting {
    type Output = io::Result<Registered<TcpStream>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(socket) = this.socket.take() {
            this.io = Some(this.start(socket?)?);
        }
        let Some(io) = this.io.take() else {
            panic!("a connection attempt was polled after its end");
        };
        match io.poll_io(Direction::Write, this.wait, cx, established) {
            Poll::Ready(result) => Poll::Ready(result.map(|()| io)),
            Poll::Pending => {
                this.io = Some(io);
                Poll::Pending
            }
        }
    }
}

fn bound_to_one_of(locals: &[SocketAddr], addr: SocketAddr) -> io::Result<Socket> {
    let mut failures = Vec::new();
    for local in locals.iter().filter(|local| local.is_ipv4() == addr.is_ipv4()) {
        let socket = new_socket(Domain::for_address(addr), Type::STREAM)?;
        match socket.bind(&(*local).into()) {
            Ok(()) => return Ok(socket),
            Err(error) => failures.push((local.to_string(), error)),
        }
    }
    if failures.is_empty() {
        return Err(invalid(format_args!(
            "none of our addresses {locals:?} is of the family of {addr}"
        )));
    }
    let mut what = "cannot bind to ".to_owned();
    for (index, (local, _)) in failures.iter().enumerate() {
        what.push_str(if index > 0 { ", " } else { "" });
        what.push_str(local);
    }
    Err(all_failed(what, failures))
}

/// Says whether a socket is connected; `WouldBlock` if it is not yet.
///
/// That it is writable proves nothing: a failed one is, too, and a wait may end too early.
fn established(socket: &TcpStream) -> io::Result<()> {
    let peer = match socket.peer_addr() {
        Ok(peer) => peer,
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            let failure = socket.take_error()?;
            return Err(failure.unwrap_or_else(|| io::ErrorKind::WouldBlock.into()));
        }
        Err(error) => return Err(error),
    };
    // A port from which connections are made may be the very one that is called, and TCP lets a socket
    // shake hands with itself. Whoever calls wants a server, and there is none.
    if socket.local_addr()? == peer {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "nobody listens there: the socket was connected to itself",
        ));
    }
    Ok(())
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// Connects to the first address of `target` that answers, one after the other.
pub(crate) async fn connect_in_turn(
    target: io::Result<Target>,
    wait: Wait,
) -> io::Result<Registered<TcpStream>> {
    let target = target?;
    let addrs = match &target {
        // The commonest case needs no list.
        Target::One(addr) => {
            return Connecting::new(*addr, wait)
                .await
                .map_err(|error| with_context(error, CannotConnect(&target)));
        }
        _ => resolve(&target).await?,
    };
    let mut failures = Vec::new();
    for addr in addrs {
        match Connecting::new(addr, wait).await {
            Ok(io) => return Ok(io),
            Err(error) => failures.push((addr.to_string(), error)),
        }
    }
    Err(all_failed(CannotConnect(&target), failures))
}

/// What could not be done, for an error.
pub(crate) struct CannotConnect<'a, T>(pub(crate) &'a T);

impl<T: fmt::Display> fmt::Display for CannotConnect<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}", self.0)
    }
}
