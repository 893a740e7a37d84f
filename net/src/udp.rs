//! UDP.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use corio_runtime::reactor::Registered;
use socket2::{Domain, Type};

use crate::addr::{Target, ToSocketAddrs};
use crate::datagram::{Datagram, datagram_methods, recv_whole};
use crate::error::{all_failed, invalid, with_context};
use crate::methods::prelude::*;
use crate::resolve::resolve;
use crate::socket::{new_socket, send};
use crate::udp_many::other_family;

/// A socket for single messages over a network.
///
/// # Examples
///
/// ```
/// use corio_net::UdpSocket;
///
/// # corio_runtime::run(async {
/// let server = UdpSocket::bind("127.0.0.1:0").await?;
/// let client = UdpSocket::bind("127.0.0.1:0").await?;
/// client.send_to(b"ping", server.local_addr()?).await?;
///
/// let message = server.recv_datagram().await?;
/// assert_eq!(message.data, b"ping");
/// assert_eq!(message.from, client.local_addr()?);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_datagram_endpoint")]
pub struct UdpSocket {
    io: Registered<std::net::UdpSocket>,
}

impl UdpSocket {
    /// Binds a socket to the first of the addresses that can be had; port 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind. A text that is no address is shown.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn bind(
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<Self>> + Send + 'static {
        let target = addr.to_target();
        async move {
            let target = target?;
            let mut failures = Vec::new();
            for addr in resolve(&target).await? {
                match bind(addr) {
                    Ok(socket) => return Ok(Self { io: Registered::new(socket) }),
                    Err(error) => failures.push((addr.to_string(), error)),
                }
            }
            Err(all_failed(format_args!("cannot bind to {target}"), failures))
        }
    }

    pub(crate) fn io(&self) -> &Registered<std::net::UdpSocket> {
        &self.io
    }

    /// Takes a socket of std's, and puts it into non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `ioctl`.
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { io: Registered::new(socket) })
    }

    /// Gives the socket back as std's, still in non-blocking mode.
    pub fn into_std(self) -> std::net::UdpSocket {
        self.io.into_inner()
    }

    /// Fixes the peer: [`send`](Self::send) sends to it, and only its messages are received.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn connect<'a>(
        &'a self,
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<()>> + Send + 'a {
        let target = addr.to_target();
        async move {
            let target = target?;
            let mut failures = Vec::new();
            for addr in resolve(&target).await? {
                match self.io.get_ref().connect(addr) {
                    Ok(()) => return Ok(()),
                    Err(error) => failures.push((addr.to_string(), error)),
                }
            }
            Err(all_failed(format_args!("cannot connect to {target}"), failures))
        }
    }

    /// Sends `data` as one message to `addr`.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind: too long a message, no route, ….
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing has been sent.
    #[track_caller]
    pub fn send_to<'a>(
        &'a self,
        data: &'a [u8],
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let (target, wait) = (addr.to_target(), Wait::here(WaitKind::Write));
        async move {
            let addr = match target? {
                Target::One(addr) => addr,
                target => match resolve(&target).await?.first() {
                    Some(addr) => *addr,
                    None => return Err(invalid(format_args!("{target} has no address"))),
                },
            };
            let sent = self.io.io(Direction::Write, wait, |s| s.send_to(data, addr)).await;
            sent.map_err(|error| match self.local_addr() {
                Ok(ours) if ours.is_ipv4() != addr.is_ipv4() => other_family(ours, addr),
                _ => with_context(error, format_args!("cannot send to {addr}")),
            })
        }
    }

    /// Sends a message to `addr` if it can be sent now.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it cannot; else those of the system's `sendto`.
    pub fn try_send_to(&self, data: &[u8], addr: SocketAddr) -> io::Result<usize> {
        self.io.try_io(Direction::Write, |s| s.send_to(data, addr))
    }

    /// Receives a message without taking it: the next receive gets the same.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn peek<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send {
        self.io.io(Direction::Read, Wait::here(WaitKind::Read), |s| s.peek(buffer))
    }

    /// Receives a message and its sender without taking it.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn peek_from<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send {
        self.io.io(Direction::Read, Wait::here(WaitKind::Read), |s| s.peek_from(buffer))
    }
}

/// Options: one line of the system's each.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        impl UdpSocket {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// Those of the system's `setsockopt` or `getsockopt`.
                pub fn $name(&self, $($arg: $type),*) -> io::Result<$result> {
                    self.io.get_ref().$name($($arg),*)
                }
            )*
        }
    };
}

options! {
    /// Allows messages to broadcast addresses.
    set_broadcast(on: bool) -> ();
    /// Whether messages to broadcast addresses are allowed.
    broadcast() -> bool;
    /// Sets the number of hops after which a message is given up.
    set_ttl(hops: u32) -> ();
    /// The number of hops after which a message is given up.
    ttl() -> u32;
    /// Says whether our own multicast messages come back to us (IPv4).
    set_multicast_loop_v4(on: bool) -> ();
    /// Whether our own multicast messages come back to us (IPv4).
    multicast_loop_v4() -> bool;
    /// Sets the number of hops of multicast messages (IPv4).
    set_multicast_ttl_v4(hops: u32) -> ();
    /// The number of hops of multicast messages (IPv4).
    multicast_ttl_v4() -> u32;
    /// Says whether our own multicast messages come back to us (IPv6).
    set_multicast_loop_v6(on: bool) -> ();
    /// Whether our own multicast messages come back to us (IPv6).
    multicast_loop_v6() -> bool;
    /// Joins the multicast group `group` on the interface that has the address `interface`.
    join_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Leaves a group that was joined.
    leave_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Joins the multicast group `group` on the interface with the number `interface`.
    join_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
    /// Leaves a group that was joined.
    leave_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
}

fn bind(addr: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = new_socket(Domain::for_address(addr), Type::DGRAM)?;
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

datagram_methods!(UdpSocket, SocketAddr);

impl TryFrom<std::net::UdpSocket> for UdpSocket {
    type Error = io::Error;

    /// Does what [`from_std`](Self::from_std) does.
    fn try_from(socket: std::net::UdpSocket) -> io::Result<Self> {
        Self::from_std(socket)
    }
}

impl From<UdpSocket> for std::net::UdpSocket {
    fn from(socket: UdpSocket) -> Self {
        socket.into_std()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}
