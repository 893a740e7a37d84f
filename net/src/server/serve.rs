//! Accepting, and running the handlers.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use corio_runtime::say::say;
use corio_runtime::task::{Builder, Task};
use corio_sync::hooks::Site;

use crate::say::Seldom;
use crate::streams::conn::Conn;
use crate::streams::error::Failure;
use crate::streams::reader::StreamReader;
use crate::streams::transport::Transport;
use crate::streams::writer::StreamWriter;
#[cfg(feature = "tls")]
use crate::tls::encrypt;
use crate::{TcpListener, UnixListener};

use super::builder::OnError;
use super::clients::{Member, Shared};

/// What a handler may return: nothing, or an [`io::Result`].
pub trait HandlerResult: sealed::Sealed + Send + 'static {}

impl HandlerResult for () {}
impl HandlerResult for io::Result<()> {}

mod sealed {
    use std::io;

    pub trait Sealed {
        #[doc(hidden)]
        fn into_result(self) -> io::Result<()>;
    }
    impl Sealed for () {
        fn into_result(self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Sealed for io::Result<()> {
        fn into_result(self) -> io::Result<()> {
            self
        }
    }
}

/// What is done with a connection. Its type does not tell which handler it has, so that the rest of the server
/// is compiled once.
pub(crate) struct Service {
    run: Box<dyn Fn(Accepted) -> Task<()> + Send + Sync>,
    /// Where the server was started.
    site: Site,
}

/// A connection on its way to its handler.
struct Accepted {
    transport: Transport,
    peer: Option<SocketAddr>,
    member: Member,
}

/// What handlers are given, and who hears of their errors.
pub(crate) struct Terms {
    pub(crate) limit: usize,
    pub(crate) marks: Option<(usize, usize)>,
    pub(crate) on_error: Option<Arc<OnError>>,
    pub(crate) errors: Seldom,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::TlsAcceptor>,
}

impl Service {
    pub(crate) fn new<H, F>(handler: H, terms: Terms, site: Site) -> Arc<Self>
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: HandlerResult> + Send + 'static,
    {
        let shared = Arc::new((handler, terms));
        let run = move |accepted: Accepted| {
            let name = name(accepted.peer);
            let shared = shared.clone();
            Builder::at(site).name(&name).spawn(async move {
                let (handler, terms) = &*shared;
                // A handshake that fails is the client's affair, and happens all day.
                let Ok((reader, writer)) = terms.streams(accepted).await else { return };
                // Called here, so that a panic of it is this connection's, too.
                let result = handler(reader, writer).await;
                if let Err(error) = sealed::Sealed::into_result(result) {
                    terms.tell(&name, &error);
                }
            })
        };
        Arc::new(Self { run: Box::new(run), site })
    }

    /// Where its tasks are shown as spawned: at the user's call, not in here.
    pub(crate) fn site(&self) -> Site {
        self.site
    }

    /// Starts the handler of one connection.
    fn start(&self, transport: Transport, peer: Option<SocketAddr>, shared: &Arc<Shared>) {
        let member = Member::client(shared);
        let task = (self.run)(Accepted { transport, peer, member: member.clone() });
        member.set_handler(task.canceller());
        // With its cleanups: the connection is over when they are.
        task.on_done(move || drop(member));
    }
}

/// Which connection it is, for people; also the name of its task.
fn name(peer: Option<SocketAddr>) -> String {
    match peer {
        Some(peer) => format!("connection from {peer}"),
        None => "connection from a Unix socket".to_owned(),
    }
}

impl Terms {
    async fn streams(&self, accepted: Accepted) -> io::Result<(StreamReader, StreamWriter)> {
        let (reader, writer) = self.open(accepted).await?;
        if let Some((high, low)) = self.marks {
            writer.set_write_limits(high, low)?;
        }
        Ok((reader, writer))
    }

    #[allow(clippy::unused_async, reason = "with the feature `tls` it waits")]
    async fn open(&self, accepted: Accepted) -> io::Result<(StreamReader, StreamWriter)> {
        let Accepted { transport, peer, member } = accepted;
        #[cfg(feature = "tls")]
        if let Some(acceptor) = &self.tls {
            let (handshake, member) = (acceptor.handshake()?, Some(member));
            return match transport {
                Transport::Tcp(io) => encrypt(io, handshake, peer, member, self.limit).await,
                Transport::Unix(io) => encrypt(io, handshake, peer, member, self.limit).await,
                Transport::Other(_) => unreachable!("only sockets are accepted"),
            };
        }
        let conn = Conn::of_client(transport, peer, member);
        Ok((StreamReader::of(conn.clone(), self.limit), StreamWriter::of(conn)))
    }

    fn tell(&self, name: &str, error: &io::Error) {
        match &self.on_error {
            Some(on_error) => on_error(name, error),
            None => self.errors.say(format_args!("the handler of a {name} failed: {error}")),
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// Accepts TCP connections until it is cancelled. The listener is dropped first, and the member last: who
/// waits for the end of the server finds its address free.
pub(crate) async fn accept_tcp(
    member: Member,
    shared: Arc<Shared>,
    service: Arc<Service>,
    listener: Arc<TcpListener>,
) {
    let error = loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A connection that is over already fails here, and its reads will tell.
                let _ = stream.set_nodelay(true);
                service.start(Transport::Tcp(stream), Some(peer), &shared);
            }
            Err(error) => break error,
        }
    };
    let addr = listener.local_addr().ok();
    drop(listener);
    stopped(&shared, addr.map_or("a TCP address".to_owned(), |addr| addr.to_string()), &error);
    drop(member);
}

/// Accepts connections over a Unix socket until it is cancelled.
pub(crate) async fn accept_unix(
    member: Member,
    shared: Arc<Shared>,
    service: Arc<Service>,
    listener: Arc<UnixListener>,
) {
    let error = loop {
        match listener.accept().await {
            Ok((stream, _)) => service.start(Transport::Unix(stream), None, &shared),
            Err(error) => break error,
        }
    };
    drop(listener);
    stopped(&shared, "a Unix socket".to_owned(), &error);
    drop(member);
}

/// A listener is broken, or has been closed: in that case nobody wants to know.
fn stopped(shared: &Shared, what: String, error: &io::Error) {
    if shared.is_closed() {
        return;
    }
    say(format_args!("a server stops, as {what} takes no more connections: {error}"));
    shared.close(Some(Failure::from(error)));
}

/// Starts `accept` as a task of this thread's runtime, for a server that was started at `site`.
pub(crate) fn spawn_acceptor(
    site: Site,
    accept: impl Future<Output = ()> + Send + 'static,
) -> Task<()> {
    Builder::at(site).spawn(accept)
}
