//! Children that nobody waits for any more: their exit statuses are taken, so that no zombie remains.
//!
//! One thread does it for the whole process, `corio-children`. It is started when there is such a child,
//! and ends when there is none left. It needs no runtime: a child may outlive all of them. It waits only
//! for the children that it was given.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use corio_runtime::Handle;
use corio_runtime::cleanup::adopt;
use corio_runtime::signal::{self, Signal, SignalKind};
use corio_runtime::sys::{PollFd, poll};
use corio_sync::hooks::Site;
use corio_sync::prim::statics::OnceLock;
use corio_sync::prim::{Mutex, thread};

use super::shared::Shared;
use super::wait::{LOOK, Wait};

/// What whoever gives a child away shares with the thread.
#[derive(Default)]
struct Inbox {
    /// Children that the thread has not taken yet.
    children: Vec<Arc<Shared>>,
    /// The process in which the thread runs, if one does. (A fork does not take it along.)
    runs_in: Option<u32>,
    /// Wakes the thread. `None` if there was no descriptor left for it: the thread looks now and then.
    bell: Option<Arc<Bell>>,
}

static INBOX: OnceLock<Mutex<Inbox>> = OnceLock::new();

fn inbox() -> &'static Mutex<Inbox> {
    INBOX.get_or_init(Mutex::default)
}

/// Wakes the thread out of its `poll`.
struct Bell(UnixStream);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A full socket rings already.
        let _ = (&self.0).write(&[1]);
    }
}

/// Takes the exit status of `child` when it ends, unless that has been done.
pub(super) fn leave(child: &Arc<Shared>) {
    if child.is_here() && child.look().is_pending() {
        give(child.clone());
    }
}

/// As [`leave`], for a child that is about to end because it was killed: the task that is polled here, or
/// else the runtime, is not done before the child has ended.
pub(super) fn wait_for_end(child: &Arc<Shared>, site: Site) {
    if !child.is_here() || child.look().is_ready() {
        return;
    }
    if Handle::try_current().is_err() {
        return give(child.clone());
    }
    // However the cleanup goes (a shutdown may give it up), the child is not forgotten.
    let left = LeftAtDrop(child.clone());
    adopt(async move {
        let _ = Wait::new(left.0.clone(), site).await;
    });
}

struct LeftAtDrop(Arc<Shared>);

impl Drop for LeftAtDrop {
    fn drop(&mut self) {
        leave(&self.0);
    }
}

fn give(child: Arc<Shared>) {
    let here = Some(std::process::id());
    let mut inbox = inbox().lock();
    if inbox.runs_in != here {
        // What was left in it by the process that has forked this one off is not for this one.
        inbox.children.retain(|child| child.is_here());
        let ear = UnixStream::pair().and_then(|(bell, ear)| {
            bell.set_nonblocking(true)?;
            ear.set_nonblocking(true)?;
            Ok((Arc::new(Bell(bell)), ear))
        });
        let (bell, ear) = ear.map_or((None, None), |(bell, ear)| (Some(bell), Some(ear)));
        let waker = bell.clone().map_or_else(|| Waker::noop().clone(), Waker::from);
        let builder = thread::Builder::new().name("corio-children".to_owned());
        // Without a thread the child stays in the inbox until the next one comes.
        if builder.spawn(move || serve(ear, waker)).is_ok() {
            inbox.runs_in = here;
            inbox.bell = bell;
        }
    }
    inbox.children.push(child);
    let bell = inbox.bell.clone();
    drop(inbox);
    if let Some(bell) = bell {
        bell.wake();
    }
}

/// The thread's work.
fn serve(mut ear: Option<UnixStream>, waker: Waker) {
    let mut children = Vec::new();
    let mut signal = None;
    loop {
        {
            let mut inbox = inbox().lock();
            children.append(&mut inbox.children);
            if children.is_empty() {
                inbox.runs_in = None;
                inbox.bell = None;
                return;
            }
        }
        let blind = look_without_descriptors(&mut children, &mut signal, &waker);
        wait_for_events(&mut children, ear.as_mut(), blind);
    }
}

/// Looks at the children that have no descriptor; `true` if nothing will tell when they end.
fn look_without_descriptors(
    children: &mut Vec<Arc<Shared>>,
    signal: &mut Option<Signal>,
    waker: &Waker,
) -> bool {
    if children.iter().all(|child| child.pidfd().is_some()) {
        *signal = None;
        return false;
    }
    if signal.is_none() {
        *signal = signal::signal(SignalKind::child()).ok();
    }
    if let Some(signal) = signal {
        // Heard before the look: a child that ends after it rings the bell.
        while signal.poll_recv(&mut Context::from_waker(waker)).is_ready() {}
    }
    children.retain(|child| child.pidfd().is_some() || child.look().is_pending());
    signal.is_none()
}

/// Waits until a child has ended or somebody rings, and takes out the children that have ended.
fn wait_for_events(children: &mut Vec<Arc<Shared>>, ear: Option<&mut UnixStream>, blind: bool) {
    let timeout = (blind || ear.is_none()).then_some(LOOK);
    let mut fds: Vec<_> = children
        .iter()
        .filter_map(|child| child.pidfd())
        .chain(ear.iter().map(|ear| ear.as_fd()))
        .map(PollFd::readable)
        .collect();
    match poll(&mut fds, timeout) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Interrupted => return,
        // The system is short of memory.
        Err(_) => return thread::sleep(LOOK),
    }
    let is_ready: Vec<_> = fds.iter().map(PollFd::is_ready).collect();
    let mut is_ready = is_ready.into_iter();
    let mut in_vain = false;
    children.retain(|child| {
        let looks = child.pidfd().is_some() && is_ready.next() == Some(true);
        let stays = !looks || child.look().is_pending();
        in_vain |= looks && stays;
        stays
    });
    if let (Some(ear), Some(true)) = (ear, is_ready.next()) {
        while matches!(ear.read(&mut [0; 64]), Ok(64)) {}
    }
    if in_vain {
        // A descriptor that is ready without need would make this a busy loop.
        thread::sleep(LOOK);
    }
}
