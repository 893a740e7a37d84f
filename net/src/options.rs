//! What can be set before a socket listens, and for the life of a connection.

use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::addr::ToSocketAddrs;
use crate::{TcpListener, UnixListener};

/// How many connections may wait to be accepted unless told otherwise; the system may allow fewer.
pub(crate) const BACKLOG: u32 = 1024;

/// What a [`TcpListener`] is made with; from [`TcpListener::options`].
///
/// # Examples
///
/// ```
/// use corio_net::TcpListener;
///
/// # corio_runtime::run(async {
/// let listener = TcpListener::options().reuse_port(true).backlog(64).bind("127.0.0.1:0").await?;
/// // A second one shares the port: each accepts a part of the connections.
/// let port = listener.local_addr()?.port();
/// TcpListener::options().reuse_port(true).bind(("127.0.0.1", port)).await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListenOptions {
    pub(crate) backlog: u32,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: Option<bool>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self { backlog: BACKLOG, reuse_address: true, reuse_port: false, only_v6: None }
    }
}

impl ListenOptions {
    /// Lets so many connections wait to be accepted. 1024 unless set; the system may allow fewer.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Lets the address be used while connections of an earlier listener linger in the system. On unless
    /// turned off.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.reuse_address = on;
        self
    }

    /// Lets several listeners share one port; the system spreads the connections over them.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }

    /// Says whether an IPv6 listener refuses IPv4 connections; the system decides unless set.
    pub fn only_v6(mut self, on: bool) -> Self {
        self.only_v6 = Some(on);
        self
    }

    /// Listens on the first of the addresses that can be had.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind: [`AddrInUse`](io::ErrorKind::AddrInUse),
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied), ….
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn bind(
        self,
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<TcpListener>> + Send + 'static {
        TcpListener::bind_with(addr.to_target(), self)
    }
}

/// What a [`UnixListener`] is made with; from [`UnixListener::options`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnixListenOptions {
    pub(crate) backlog: u32,
    pub(crate) mode: Option<u32>,
}

impl Default for UnixListenOptions {
    fn default() -> Self {
        Self { backlog: BACKLOG, mode: None }
    }
}

impl UnixListenOptions {
    /// Lets so many connections wait to be accepted. 1024 unless set; the system may allow fewer.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Gives the socket's file these permissions (`0o600`: nobody else connects), less what the umask
    /// takes away.
    ///
    /// They are set before the name appears: there is no moment at which it is open to others.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Listens on `path`, which must not exist.
    ///
    /// # Errors
    ///
    /// Names the path; see [`UnixListener::bind`].
    pub fn bind(self, path: impl AsRef<Path>) -> io::Result<UnixListener> {
        UnixListener::bind_with(path.as_ref(), &self)
    }
}

/// When a silent connection is probed, and when it is given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keepalive {
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) retries: Option<u32>,
}

impl Keepalive {
    /// The system's own times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Probes after so long a silence; whole seconds.
    pub fn idle(mut self, time: Duration) -> Self {
        self.idle = Some(time);
        self
    }

    /// Probes again at this interval; whole seconds.
    pub fn interval(mut self, time: Duration) -> Self {
        self.interval = Some(time);
        self
    }

    /// Gives the connection up after so many probes without an answer.
    pub fn retries(mut self, count: u32) -> Self {
        self.retries = Some(count);
        self
    }

    pub(crate) fn apply(self, socket: &socket2::Socket) -> io::Result<()> {
        let mut times = socket2::TcpKeepalive::new();
        if let Some(idle) = self.idle {
            times = times.with_time(idle);
        }
        if let Some(interval) = self.interval {
            times = times.with_interval(interval);
        }
        if let Some(retries) = self.retries {
            times = times.with_retries(retries);
        }
        socket.set_tcp_keepalive(&times)
    }
}
