//! Accepting, and running the handlers.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
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
                let member = accepted.member.clone();
                // A handshake that fails is the client's affair, and happens all day.
                let Ok((reader, writer)) = terms.streams(accepted).await else { return };
                // Called here, so that a panic of it is this connection's, too.
                let mut work = pin!(terms.watched(&name, || handler(reader, writer)));
                let result = poll_fn(|cx| terms.watched(&name, || work.as_mut().poll(cx))).await;
                if let Err(error) = sealed::Sealed::into_result(result) {
                    terms.tell(&name, &error, &member);
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

    fn tell(&self, name: &str, error: &io::Error, member: &Member) {
        match &self.on_error {
            Some(on_error) => on_error(name, error),
            None if error.kind() == io::ErrorKind::ConnectionAborted && member.is_aborted() => {}
            None => self.errors.say(format_args!("the handler of a {name} failed: {error}")),
        }
    }

    /// Does a part of a handler's work. If that panics, the panic hook has spoken; who asked for the errors is
    /// told besides, and the panic goes on.
    fn watched<R>(&self, name: &str, work: impl FnOnce() -> R) -> R {
        let Some(on_error) = &self.on_error else { return work() };
        // Nothing is looked at again that the panic may have left half done.
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
            on_error(name, &panicked(&*payload));
            resume_unwind(payload)
        })
    }
}

fn panicked(payload: &(dyn Any + Send)) -> io::Error {
    let text = payload.downcast_ref::<&'static str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    io::Error::other(match text {
        Some(text) => format!("the handler panicked: {text}"),
        None => "the handler panicked, with a payload that is no text".to_owned(),
    })
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// Where a server's connections come from.
pub(crate) enum Listener {
    Tcp(Arc<TcpListener>),
    Unix(Arc<UnixListener>),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Transport, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // A connection that is over already fails here, and its reads will tell.
                let _ = stream.set_nodelay(true);
                Ok((Transport::Tcp(stream), Some(peer)))
            }
            Self::Unix(listener) => Ok((Transport::Unix(listener.accept().await?.0), None)),
        }
    }

    /// What people call it.
    fn name(&self) -> String {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(addr) => addr.to_string(),
                Err(_) => "a TCP address".to_owned(),
            },
            Self::Unix(_) => "a Unix socket".to_owned(),
        }
    }
}

/// Accepts connections until it is cancelled. The listener is dropped first, and the member last: who waits for
/// the end of the server finds its address free.
pub(crate) async fn accept(
    member: Member,
    shared: Arc<Shared>,
    service: Arc<Service>,
    listener: Listener,
) {
    let error = loop {
        match listener.accept().await {
            Ok((transport, peer)) => service.start(transport, peer, &shared),
            Err(error) => break error,
        }
    };
    let name = listener.name();
    drop(listener);
    stopped(&shared, &name, &error);
    drop(member);
}

/// A listener is broken, or has been closed: in that case nobody wants to know.
fn stopped(shared: &Shared, what: &str, error: &io::Error) {
    if shared.is_closed() {
        return;
    }
    say(format_args!("a server stops, as {what} takes no more connections: {error}"));
    shared.close(Some(Failure::from(error)));
}
