//! Serving connections: a task for each, and an end that leaves none behind.

mod builder;
pub(crate) mod clients;
mod listening;
mod serve;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use corio_io::background;
use corio_runtime::Handle;
use corio_runtime::cleanup::{Home, adopt_at};
use corio_runtime::reactor::Wait;
use corio_runtime::task::Builder;
use corio_sync::hooks::{self, WaitKind};

pub use builder::ServerOptions;
pub use serve::HandlerResult;

use crate::addr::ToSocketAddrs;
use crate::error::invalid;
use crate::streams::reader::StreamReader;
use crate::streams::waiters::Key;
use crate::streams::writer::StreamWriter;
use clients::{Member, Parting, Phase, Shared};
use serve::{Service, accept};

/// Serves connections on `addr`: `handler` runs for each as a task of its own, with the connection's reader
/// and writer.
///
/// It serves on each of the addresses that `addr` stands for; port 0 lets the system choose one. A handler
/// that returns an error, or panics, ends its own connection and is told of on stderr; the server goes on. A
/// handler that returns ends the connection, as soon as what it has written is sent.
///
/// # Errors
///
/// Those of [`ServerOptions::start`].
///
/// # Cancel safety
///
/// Safe: nothing is started.
///
/// # Examples
///
/// ```
/// use corio_net::{open_connection, start_server};
///
/// # corio_runtime::run(async {
/// let server = start_server("127.0.0.1:0", |mut reader, writer| async move {
///     let name = reader.read_line().await?;
///     writer.write(b"Hello, ")?;
///     writer.write_all(&name).await
/// })
/// .await?;
///
/// let (mut reader, writer) = open_connection(server.local_addrs()[0]).await?;
/// writer.write(b"Ada\n")?;
/// assert_eq!(reader.read_to_end().await?, b"Hello, Ada\n");
///
/// server.close();
/// server.wait_closed().await;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_server")]
#[track_caller]
pub fn start_server<H, F>(
    addr: impl ToSocketAddrs,
    handler: H,
) -> impl Future<Output = io::Result<Server>> + Send + 'static
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: HandlerResult> + Send + 'static,
{
    ServerOptions::new().start(addr, handler)
}

/// Serves connections over the Unix socket at `path`, as [`start_server`] does.
///
/// The file of a socket on which nobody listens any more is replaced. It is removed when the server closes.
///
/// # Errors
///
/// Those of [`ServerOptions::start_unix`].
///
/// # Cancel safety
///
/// Safe: nothing is started.
#[doc(alias = "create_unix_server")]
#[track_caller]
pub fn start_unix_server<H, F>(
    path: impl AsRef<Path>,
    handler: H,
) -> impl Future<Output = io::Result<Server>> + Send + 'static
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: HandlerResult> + Send + 'static,
{
    ServerOptions::new().start_unix(path, handler)
}

/// A server that runs in the background, from [`start_server`] and [`start_unix_server`].
///
/// [`close`](Self::close) ends the accepting, and connections go on; [`wait_closed`](Self::wait_closed)
/// waits for the last of them. [`close_clients`](Self::close_clients) and
/// [`abort_clients`](Self::abort_clients) end them.
///
/// **Dropping** the server ends everything that belongs to it: it stops listening, cancels the handlers, and
/// the task that it is dropped in is not done before they and their cleanups are. The same happens to one
/// whose [`serve_forever`](Self::serve_forever) is cancelled. Dropped outside any task,
/// it is waited for by what is around it, and by its runtime. [`detach`](Self::detach) lets it run on its own.
///
/// Introspection shows its tasks as spawned where it was started.
#[must_use = "a server ends when it is dropped"]
pub struct Server {
    shared: Arc<Shared>,
    service: Arc<Service>,
    backlog: u32,
    /// It runs on its own.
    detached: bool,
}

impl Server {
    /// What can be set before a server is started.
    pub fn builder() -> ServerOptions {
        ServerOptions::new()
    }

    fn new(shared: Arc<Shared>, service: Arc<Service>, backlog: u32) -> Self {
        Self { shared, service, backlog, detached: false }
    }

    /// Begins to listen, if it does not yet; see [`ServerOptions::paused`].
    ///
    /// # Errors
    ///
    /// Those of the system's `listen`; [`InvalidInput`](io::ErrorKind::InvalidInput) when the server is
    /// closed; when there is no runtime on this thread.
    pub fn start_serving(&self) -> io::Result<()> {
        // Asked here, where the sockets are still as they were.
        Handle::try_current().map_err(io::Error::other)?;
        let mut state = self.shared.state();
        match state.phase {
            Phase::Serving(_) => return Ok(()),
            Phase::Closed => return Err(invalid("the server is closed: start another one")),
            Phase::Bound(_) => {}
        }
        let Phase::Bound(bound) = std::mem::replace(&mut state.phase, Phase::Closed) else {
            unreachable!("the phase was looked at, under the same lock");
        };
        let (mut listening, mut listeners) = (Vec::new(), Vec::new());
        for socket in bound {
            let socket = socket.listen(self.backlog)?;
            listeners.extend(socket.listener());
            listening.push(socket);
        }
        state.phase = Phase::Serving(listening);
        state.home = Home::runtime();
        drop(state);
        let site = self.service.site();
        for listener in listeners {
            let (service, shared) = (self.service.clone(), self.shared.clone());
            let work = accept(Member::acceptor(&self.shared), shared, service, listener);
            let task = background::spawn_by(Builder::at(site), Box::pin(work));
            self.shared.add_acceptor(task.canceller());
        }
        Ok(())
    }

    /// Whether connections are accepted.
    pub fn is_serving(&self) -> bool {
        matches!(self.shared.state().phase, Phase::Serving(_))
    }

    /// The addresses of its TCP sockets, one for each; none when it is closed.
    #[doc(alias = "sockets")]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        match &self.shared.state().phase {
            Phase::Bound(list) | Phase::Serving(list) => {
                list.iter().filter_map(|listening| listening.addr).collect()
            }
            Phase::Closed => Vec::new(),
        }
    }

    /// How many connections there are, those that are shaking hands included.
    pub fn clients(&self) -> usize {
        self.shared.client_count()
    }

    /// Serves until somebody closes the server, and the last handler has ended.
    ///
    /// # Errors
    ///
    /// The error of a listener that broke; [`InvalidInput`](io::ErrorKind::InvalidInput) when the server is
    /// closed already, or somebody else is in this call; those of
    /// [`start_serving`](Self::start_serving).
    ///
    /// # Cancel safety
    ///
    /// Safe, but the server ends: it stops listening, its handlers are cancelled, and the task is not done
    /// before they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_net::start_server;
    /// use corio_runtime::time::timeout;
    /// use std::time::Duration;
    ///
    /// # corio_runtime::run(async {
    /// let server = start_server("127.0.0.1:0", |_, _| async {}).await?;
    /// // Until Ctrl-C, say; here, for a moment.
    /// assert!(timeout(Duration::from_millis(1), server.serve_forever()).await.is_err());
    /// assert!(!server.is_serving());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn serve_forever(&self) -> impl Future<Output = io::Result<()>> + Send {
        let wait = Wait::here(WaitKind::Accept);
        async move {
            self.start_serving()?;
            if std::mem::replace(&mut self.shared.state().forever, true) {
                return Err(invalid("somebody is in `serve_forever` of this server already"));
            }
            let guard = Forever(self);
            self.over(wait).await;
            std::mem::forget(guard);
            let mut state = self.shared.state();
            state.forever = false;
            state.failure.as_ref().map_or(Ok(()), |failure| Err(failure.error()))
        }
    }

    /// Stops listening, at once: connections are refused. Those that are there go on. Twice is once.
    pub fn close(&self) {
        self.shared.close(None);
    }

    /// Closes every connection as [`StreamWriter::close`] does: what is buffered is sent first. Their
    /// handlers see the end.
    pub fn close_clients(&self) {
        self.shared.part(Parting::Close);
    }

    /// Aborts every connection as [`StreamWriter::abort`] does: what is unsent is lost, and the reads and
    /// writes of their handlers end with an error of kind
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted). A handler that returns it is not told of on
    /// stderr; [`on_error`](ServerOptions::on_error) is given it.
    pub fn abort_clients(&self) {
        self.shared.part(Parting::Abort);
    }

    /// Cancels the handlers of all connections. What they have written is still sent.
    pub fn cancel_clients(&self) {
        self.shared.part(Parting::Cancel);
    }

    /// Waits until the server is closed and its last connection and handler have ended.
    ///
    /// # Cancel safety
    ///
    /// Safe: the server stays as it is.
    #[track_caller]
    pub fn wait_closed(&self) -> impl Future<Output = ()> + Send {
        self.over(Wait::here(WaitKind::Group))
    }

    /// Lets the server run on its own, until its runtime ends.
    pub fn detach(mut self) {
        self.detached = true;
    }

    fn over(&self, wait: Wait) -> Over {
        Over { shared: self.shared.clone(), wait, key: Key::default() }
    }

    /// Ends everything. The task that this is called in will not be done before that is so; outside any task,
    /// the runtime that the server is served on waits.
    fn end(&self) {
        self.close();
        self.cancel_clients();
        let state = self.shared.state();
        if state.members() > 0 {
            let home = state.home.clone();
            drop(state);
            adopt_at(&home, self.over(Wait::here(WaitKind::Group)));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.detached {
            self.end();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("serving", &self.is_serving())
            .field("addrs", &self.local_addrs())
            .field("clients", &self.clients())
            .finish_non_exhaustive()
    }
}

/// Ends the server when `serve_forever` is dropped before its end.
struct Forever<'a>(&'a Server);

impl Drop for Forever<'_> {
    fn drop(&mut self) {
        self.0.shared.state().forever = false;
        self.0.end();
    }
}

/// Waits for the end of a server.
struct Over {
    shared: Arc<Shared>,
    wait: Wait,
    key: Key,
}

impl Future for Over {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(hooks::poll_budget(cx));
        let waker = cx.waker().clone();
        let this = &mut *self;
        let mut state = this.shared.state();
        if state.is_over() {
            drop(state);
            hooks::spend();
            return Poll::Ready(());
        }
        let old = state.waiters.enter(&mut this.key, waker);
        drop(state);
        drop(old);
        hooks::set_wait(this.wait.site, this.wait.kind);
        Poll::Pending
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        let waker = self.shared.state().waiters.leave(self.key);
        drop(waker);
    }
}
