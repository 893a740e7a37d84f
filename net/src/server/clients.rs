//! What a server knows of its connections, and how it ends.

use std::fmt;
use std::sync::{Arc, Weak};

use corio_runtime::cleanup::Home;
use corio_runtime::task::Canceller;
use corio_sync::prim::{Mutex, MutexGuard};

use crate::streams::conn::Conn;
use crate::streams::error::Failure;
use crate::streams::outgoing::Goal;
use crate::streams::waiters::{Waiters, Wake};

use super::listening::Listening;

/// Where a server is in its life.
#[derive(Debug)]
pub(crate) enum Phase {
    /// The addresses are taken, and nobody is served.
    Bound(Vec<Listening>),
    Serving(Vec<Listening>),
    Closed,
}

/// What a server and its tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Where it began to serve, and its tasks run.
    pub(crate) home: Home,
    /// What the accepting tasks are cancelled with.
    pub(crate) acceptors: Vec<Canceller>,
    /// Somebody is in `serve_forever`.
    pub(crate) forever: bool,
    /// Why it does not serve any more, if that was not wanted.
    pub(crate) failure: Option<Failure>,
    /// Everything that the end of the server waits for: connections and tasks.
    members: usize,
    /// The connections; in the place of one that has ended there is none until the next takes it.
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
    /// What has been asked of all clients, for those that are only being accepted.
    parting: Option<Parting>,
    pub(crate) waiters: Waiters,
}

/// One connection.
#[derive(Default)]
struct Client {
    /// None while it shakes hands.
    conn: Weak<Conn>,
    handler: Option<Canceller>,
}

/// How clients are parted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    Close,
    Abort,
    /// As at the end of a task: the handlers are cancelled, and what they have written is sent.
    Cancel,
}

impl Shared {
    pub(crate) fn new(bound: Vec<Listening>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                phase: Phase::Bound(bound),
                home: Home::default(),
                acceptors: Vec::new(),
                forever: false,
                failure: None,
                members: 0,
                clients: Vec::new(),
                free: Vec::new(),
                parting: None,
                waiters: Waiters::default(),
            }),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Stops listening, at once. Connections stay as they are.
    pub(crate) fn close(&self, failure: Option<Failure>) {
        let (old, acceptors, wake) = {
            let mut state = self.state.lock();
            if let Phase::Closed = state.phase {
                return;
            }
            state.failure = failure;
            let old = std::mem::replace(&mut state.phase, Phase::Closed);
            (old, std::mem::take(&mut state.acceptors), state.waiters.take())
        };
        if let Phase::Bound(list) | Phase::Serving(list) = old {
            for listening in list {
                listening.close();
            }
        }
        // The descriptors go with the tasks that have them.
        for acceptor in acceptors {
            acceptor.cancel();
        }
        wake.wake();
    }

    /// Parts with every client.
    pub(crate) fn part(&self, how: Parting) {
        let mut clients = Vec::new();
        let mut state = self.state.lock();
        state.parting = Some(how);
        for client in state.clients.iter().flatten() {
            clients.push((client.conn.upgrade(), client.handler.clone()));
        }
        drop(state);
        for (conn, handler) in clients {
            part_with(how, conn, handler);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Closed)
    }

    /// Tells how an accepting task is cancelled; at once, if the server has been closed meanwhile.
    pub(crate) fn add_acceptor(&self, acceptor: Canceller) {
        let mut state = self.state.lock();
        if let Phase::Closed = state.phase {
            drop(state);
            acceptor.cancel();
        } else {
            state.acceptors.push(acceptor);
        }
    }

    pub(crate) fn client_count(&self) -> usize {
        self.state.lock().client_count()
    }
}

/// Ends one connection. One that shakes hands has nothing that could be sent: its task is cancelled.
fn part_with(how: Parting, conn: Option<Arc<Conn>>, handler: Option<Canceller>) {
    match (how, conn) {
        (Parting::Close, Some(conn)) => drop(conn.aim(Goal::Close)),
        (Parting::Abort, Some(conn)) => conn.abort(),
        (Parting::Cancel, _) | (_, None) => {
            if let Some(handler) = handler {
                handler.cancel();
            }
        }
    }
}

/// Something that the end of the server waits for: it has come when all of its clones are gone.
#[derive(Clone)]
pub(crate) struct Member(Arc<MemberInner>);

struct MemberInner {
    shared: Arc<Shared>,
    /// The place of the client that it belongs to, if it is of one.
    place: Option<usize>,
}

impl Member {
    /// An accepting task.
    pub(crate) fn acceptor(shared: &Arc<Shared>) -> Self {
        shared.state.lock().members += 1;
        Self(Arc::new(MemberInner { shared: shared.clone(), place: None }))
    }

    /// A new client.
    pub(crate) fn client(shared: &Arc<Shared>) -> Self {
        let mut state = shared.state.lock();
        state.members += 1;
        let place = match state.free.pop() {
            Some(place) => {
                state.clients[place] = Some(Client::default());
                place
            }
            None => {
                state.clients.push(Some(Client::default()));
                state.clients.len() - 1
            }
        };
        drop(state);
        Self(Arc::new(MemberInner { shared: shared.clone(), place: Some(place) }))
    }

    /// Tells how the client's task is cancelled.
    pub(crate) fn set_handler(&self, handler: Canceller) {
        let (how, conn, handler) = self.update(|client| client.handler = Some(handler));
        if let Some(how) = how {
            part_with(how, conn, handler);
        }
    }

    /// Tells what the client's connection is.
    pub(crate) fn set_conn(&self, conn: &Arc<Conn>) {
        let (how, conn, handler) = self.update(|client| client.conn = Arc::downgrade(conn));
        if let Some(how) = how {
            part_with(how, conn, handler);
        }
    }

    /// Whether all clients have been aborted, so that the errors which come of it are nobody's news.
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.shared.state.lock().parting == Some(Parting::Abort)
    }

    /// Changes what is known of the client. Gives what has been asked of all meanwhile, and of whom.
    fn update(
        &self,
        f: impl FnOnce(&mut Client),
    ) -> (Option<Parting>, Option<Arc<Conn>>, Option<Canceller>) {
        let mut state = self.0.shared.state.lock();
        let how = state.parting;
        let Some(client) = self.0.place.and_then(|place| state.clients[place].as_mut()) else {
            return (None, None, None);
        };
        f(client);
        (how, client.conn.upgrade(), client.handler.clone())
    }
}

impl Drop for MemberInner {
    fn drop(&mut self) {
        if self.place.is_none() {
            // An accepting task ends when the server is closed, or with its runtime: then this closes it.
            self.shared.close(None);
        }
        let (client, wake) = {
            let mut state = self.shared.state.lock();
            let client = self.place.and_then(|place| {
                state.free.push(place);
                state.clients[place].take()
            });
            state.members -= 1;
            (client, if state.is_over() { state.waiters.take() } else { Wake::nobody() })
        };
        // Dropping a canceller may end a task's memory, which is foreign code.
        drop(client);
        wake.wake();
    }
}

impl State {
    /// Whether the server is closed and nothing of it is left.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Closed) && self.members == 0
    }

    pub(crate) fn members(&self) -> usize {
        self.members
    }

    fn client_count(&self) -> usize {
        self.clients.len() - self.free.len()
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.0.place).finish()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("phase", &self.phase)
            .field("clients", &self.client_count())
            .finish_non_exhaustive()
    }
}
