//! What a server is started with.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corio_runtime::Handle;
use corio_sync::hooks::Site;

use crate::addr::{Target, ToSocketAddrs};
use crate::error::invalid;
use crate::options::BACKLOG;
use crate::resolve::resolve;
use crate::say::Seldom;
use crate::streams::reader::{DEFAULT_LIMIT, StreamReader, check_limit};
use crate::streams::writer::StreamWriter;
use crate::{TcpListener, UnixListener};

use super::Server;
use super::clients::Shared;
use super::listening::{Listening, TcpSettings, bind_all, bind_unix};
use super::serve::{HandlerResult, Service, Terms};

/// What a [`Server`] is started with, beyond its address; from [`Server::builder`].
///
/// # Examples
///
/// ```
/// use corio_net::Server;
///
/// # corio_runtime::run(async {
/// let server = Server::builder()
///     .backlog(128)
///     .limit(8 * 1024)
///     .also_on("127.0.0.1:0")?
///     .start("127.0.0.1:0", |mut reader, writer| async move {
///         let line = reader.read_line().await?;
///         writer.write_all(&line).await
///     })
///     .await?;
/// assert_eq!(server.local_addrs().len(), 2);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[must_use = "options do nothing until `start` is called"]
pub struct ServerOptions {
    also: Vec<Target>,
    adopted: Vec<Listening>,
    pub(crate) backlog: u32,
    tcp: TcpSettings,
    every_worker: bool,
    serving: bool,
    mode: Option<u32>,
    cleanup: bool,
    pub(crate) limit: usize,
    pub(crate) marks: Option<(usize, usize)>,
    pub(crate) on_error: Option<Arc<OnError>>,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::TlsAcceptor>,
}

/// Who is told of a handler's error.
pub(crate) type OnError = dyn Fn(&str, &io::Error) + Send + Sync;

impl Default for ServerOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerOptions {
    /// What [`start_server`](crate::start_server) uses.
    pub fn new() -> Self {
        let tcp =
            TcpSettings { reuse_address: true, reuse_port: false, only_v6: true, keepalive: false };
        Self {
            also: Vec::new(),
            adopted: Vec::new(),
            backlog: BACKLOG,
            tcp,
            every_worker: false,
            serving: true,
            mode: None,
            cleanup: true,
            limit: DEFAULT_LIMIT,
            marks: None,
            on_error: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Encrypts the connections. The handler of one begins when its handshake is over; one whose handshake
    /// fails is dropped without a word.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, acceptor: crate::tls::TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    /// Listens on `addr`, too.
    ///
    /// # Errors
    ///
    /// When a text is not an address.
    pub fn also_on(mut self, addr: impl ToSocketAddrs) -> io::Result<Self> {
        self.also.push(addr.to_target()?);
        Ok(self)
    }

    /// Serves a listener that is there already, too: one that a supervisor handed over, or that was set up
    /// in a special way.
    ///
    /// Others may have the same socket, so closing the server only closes its descriptor.
    pub fn also_from(mut self, listener: TcpListener) -> Self {
        self.adopted.push(Listening::from_tcp(listener));
        self
    }

    /// Serves a Unix listener that is there already, too.
    pub fn also_from_unix(mut self, listener: UnixListener) -> Self {
        self.adopted.push(Listening::from_unix(listener, self.cleanup));
        self
    }

    /// Lets so many connections wait to be accepted, on each address. 1024 unless set; the system may allow
    /// fewer.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Lets the address be used while connections of an earlier server linger. On unless turned off.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.tcp.reuse_address = on;
        self
    }

    /// Lets several servers, also of other processes, share one port. Off unless turned on.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.tcp.reuse_port = on;
        self
    }

    /// Makes a socket for each worker of the runtime, with a task that accepts from it; they share their port
    /// by [`reuse_port`](Self::reuse_port), and the system spreads the connections over them.
    pub fn accept_on_every_worker(mut self, on: bool) -> Self {
        self.every_worker = on;
        self
    }

    /// Says whether an IPv6 address takes IPv4 connections. It does not unless this is turned off, so that
    /// both can be had on one port.
    pub fn only_v6(mut self, on: bool) -> Self {
        self.tcp.only_v6 = on;
        self
    }

    /// Probes connections that are silent (`SO_KEEPALIVE`). Off unless turned on.
    pub fn keepalive(mut self, on: bool) -> Self {
        self.tcp.keepalive = on;
        self
    }

    /// Gives the file of a Unix socket these permissions, from its first moment, less what the umask takes.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Removes the file of a Unix socket when the server closes. On unless turned off.
    pub fn cleanup_socket(mut self, on: bool) -> Self {
        self.cleanup = on;
        self
    }

    /// Sets the limit of each connection's reader; see [`StreamReader::set_limit`].
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Sets the marks of each connection's writer; see [`StreamWriter::set_write_limits`].
    pub fn write_limits(mut self, high: usize, low: usize) -> Self {
        self.marks = Some((high, low));
        self
    }

    /// Takes the addresses and does not listen yet: connections are refused until
    /// [`start_serving`](Server::start_serving).
    #[doc(alias = "start_serving")]
    pub fn paused(mut self) -> Self {
        self.serving = false;
        self
    }

    /// Gives the errors of handlers to `f`, with the peer's name, instead of writing them to stderr.
    ///
    /// A handler's panic is given to it, too, as an error of kind [`Other`](io::ErrorKind::Other) with the
    /// panic's text. The panic hook and the runtime tell of it all the same, as of any task's: on stderr, unless
    /// they were given something else to do.
    pub fn on_error(mut self, f: impl Fn(&str, &io::Error) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(f));
        self
    }

    /// Starts a server on `addr`: on each of its addresses, if it has several.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind: [`AddrInUse`](io::ErrorKind::AddrInUse),
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied), …. An address that the machine does not have is
    /// passed over if there are others.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is started.
    #[track_caller]
    pub fn start<H, F>(
        mut self,
        addr: impl ToSocketAddrs,
        handler: H,
    ) -> impl Future<Output = io::Result<Server>> + Send + 'static
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: HandlerResult> + Send + 'static,
    {
        let (target, site) = (addr.to_target(), Site::caller());
        async move {
            self.also.insert(0, target?);
            self.start_with(None, handler, site).await
        }
    }

    /// Starts a server on the Unix socket at `path`.
    ///
    /// The file of a socket on which nobody listens any more is replaced.
    ///
    /// # Errors
    ///
    /// Names the path, and keeps the kind: [`AddrInUse`](io::ErrorKind::AddrInUse) when somebody listens
    /// there, or the file is no socket.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is started.
    #[track_caller]
    pub fn start_unix<H, F>(
        self,
        path: impl AsRef<Path>,
        handler: H,
    ) -> impl Future<Output = io::Result<Server>> + Send + 'static
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: HandlerResult> + Send + 'static,
    {
        let path = path.as_ref().to_owned();
        self.start_with(Some(path), handler, Site::caller())
    }

    /// Starts a server on what [`also_on`](Self::also_on), [`also_from`](Self::also_from) and
    /// [`also_from_unix`](Self::also_from_unix) were given.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start); [`InvalidInput`](io::ErrorKind::InvalidInput) when they were given
    /// nothing.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is started.
    #[track_caller]
    pub fn start_on_these<H, F>(
        self,
        handler: H,
    ) -> impl Future<Output = io::Result<Server>> + Send + 'static
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: HandlerResult> + Send + 'static,
    {
        self.start_with(None, handler, Site::caller())
    }

    async fn start_with<H, F>(
        self,
        path: Option<PathBuf>,
        handler: H,
        site: Site,
    ) -> io::Result<Server>
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: HandlerResult> + Send + 'static,
    {
        check_limit(self.limit)?;
        if let Some((high, low)) = self.marks {
            drop(crate::streams::outgoing::Outgoing::default().set_limits(high, low)?);
        }
        // Whatever fails, the sockets taken so far are closed with the list.
        let mut bound = Vec::new();
        for target in &self.also {
            self.bind(target, &mut bound).await?;
        }
        if let Some(path) = &path {
            bound.push(bind_unix(path, self.mode, self.cleanup)?);
        }
        let (backlog, serving) = (self.backlog, self.serving);
        if bound.is_empty() && self.adopted.is_empty() {
            return Err(invalid("a server needs an address, or a listener"));
        }
        let terms = Terms {
            limit: self.limit,
            marks: self.marks,
            on_error: self.on_error,
            errors: Seldom::new(),
            #[cfg(feature = "tls")]
            tls: self.tls,
        };
        bound.extend(self.adopted);
        let service = Service::new(handler, terms, site);
        let server = Server::new(Shared::new(bound), service, backlog);
        if serving {
            server.start_serving()?;
        }
        Ok(server)
    }

    async fn bind(&self, target: &Target, bound: &mut Vec<Listening>) -> io::Result<()> {
        let addrs = resolve(target).await?;
        let mut settings = self.tcp.clone();
        let copies = if self.every_worker { Handle::current().metrics().workers } else { 1 };
        settings.reuse_port |= copies > 1;
        let first = bound.len();
        bind_all(&target.to_string(), &addrs, &settings, bound)?;
        // The others take the ports that the first ones got.
        let addrs: Vec<_> = bound[first..].iter().filter_map(|listening| listening.addr).collect();
        for _ in 1..copies {
            bind_all(&target.to_string(), &addrs, &settings, bound)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("also", &self.also)
            .field("backlog", &self.backlog)
            .field("tcp", &self.tcp)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
