//! Opening datagram sockets in one call.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use crate::addr::{Target, ToSocketAddrs};
use crate::error::{all_failed, invalid};
use crate::resolve::resolve;
use crate::udp::UdpSocket;

/// An address, or none: what [`ToSocketAddrs`] takes, an `Option` of that, or `()`.
pub trait MaybeAddr: sealed::Sealed {}

impl<T: sealed::Sealed> MaybeAddr for T {}

mod sealed {
    use super::{Target, ToSocketAddrs, io};

    pub trait Sealed {
        #[doc(hidden)]
        fn to_maybe(&self) -> io::Result<Option<Target>>;
    }
    impl<T: ToSocketAddrs> Sealed for T {
        fn to_maybe(&self) -> io::Result<Option<Target>> {
            self.to_target().map(Some)
        }
    }
    impl<T: ToSocketAddrs> Sealed for Option<T> {
        fn to_maybe(&self) -> io::Result<Option<Target>> {
            self.as_ref().map(|addr| addr.to_target()).transpose()
        }
    }
    impl Sealed for () {
        fn to_maybe(&self) -> io::Result<Option<Target>> {
            Ok(None)
        }
    }
}

/// Opens a UDP socket at the address `local`, connected to `remote`; either may be `()`.
///
/// With a local address only it receives from anybody, and [`send_to`](UdpSocket::send_to) answers. With a
/// remote one it is connected: [`send`](UdpSocket::send) goes there, and only what comes from there is
/// received.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) when there is no address at all, or none of the local ones
/// is of the family of a remote one; else those of [`UdpSocket::bind`] and [`UdpSocket::connect`].
///
/// # Cancel safety
///
/// Safe: the socket is closed.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let server = corio_net::open_datagram("127.0.0.1:0", ()).await?;
/// let client = corio_net::open_datagram((), server.local_addr()?).await?;
/// client.send(b"ping").await?;
/// let ping = server.recv_datagram().await?;
/// server.send_to(&ping.data, ping.from).await?;
/// assert_eq!(client.recv_datagram().await?.data, b"ping");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_datagram_endpoint")]
pub fn open_datagram(
    local: impl MaybeAddr,
    remote: impl MaybeAddr,
) -> impl Future<Output = io::Result<UdpSocket>> + Send + 'static {
    let (local, remote) = (local.to_maybe(), remote.to_maybe());
    async move {
        let (local, remote) = (addrs(local?).await?, addrs(remote?).await?);
        match (local, remote) {
            (None, None) => {
                Err(invalid("a datagram socket needs a local or a remote address, or both"))
            }
            (Some(local), None) => UdpSocket::bind(&local[..]).await,
            (local, Some(remote)) => open_connected(local.as_deref(), &remote).await,
        }
    }
}

async fn addrs(target: Option<Target>) -> io::Result<Option<Vec<SocketAddr>>> {
    match target {
        Some(target) => resolve(&target).await.map(Some),
        None => Ok(None),
    }
}

/// Tries each remote address with the local ones of its family.
async fn open_connected(
    local: Option<&[SocketAddr]>,
    remote: &[SocketAddr],
) -> io::Result<UdpSocket> {
    let mut failures = Vec::new();
    for peer in remote {
        let any = if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let here: Vec<SocketAddr> = match local {
            Some(local) => {
                local.iter().copied().filter(|addr| addr.is_ipv4() == peer.is_ipv4()).collect()
            }
            None => any.parse().into_iter().collect(),
        };
        if here.is_empty() {
            let what = "none of the local addresses is of its family";
            failures.push((peer.to_string(), invalid(what)));
            continue;
        }
        let socket = match UdpSocket::bind(&here[..]).await {
            Ok(socket) => socket,
            Err(error) => {
                failures.push((peer.to_string(), error));
                continue;
            }
        };
        match socket.connect(peer).await {
            Ok(()) => return Ok(socket),
            Err(error) => failures.push((peer.to_string(), error)),
        }
    }
    Err(all_failed("cannot open a datagram socket", failures))
}
