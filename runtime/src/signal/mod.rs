//! Signals of the operating system.
//!
//! | You want | Take |
//! |---|---|
//! | to end when the user presses Ctrl-C | [`ctrl_c`], or `#[corio::main(cancel_on_ctrl_c = true)]` |
//! | one signal, again and again | [`signal`](signal()) |
//! | several signals, and to know which came | [`set`] |
//! | to send one to this process | [`raise`] |
//!
//! They work in any number of runtimes at once, and outside them: a thread of the process,
//! `corio-signals`, started by the first listener, sees to all. asyncio's `loop.add_signal_handler`,
//! trio's `open_signal_receiver`.
//!
//! # What a listener sees
//!
//! It listens from the call that makes it until it is dropped. Everybody who listens for a signal sees
//! it. Signals that come close together may be seen as one, as the system itself does it; after the
//! last of them there is at least one notification. A signal that comes while the listener is not
//! polled is there for the next poll.
//!
//! # What a signal does without listeners
//!
//! The first listener takes the signal away from whatever it did before: its default action, or a
//! handler that other code has put in, which is not called meanwhile. When the last listener of the
//! signal is dropped, the signal does again what it did before. If it has come and nobody has seen it
//! by then, it is sent once more, so that it takes that effect: a Ctrl-C that comes just when its
//! listener goes ends the program, as any other Ctrl-C does. If other code has put in a handler
//! since, that one stays.
//!
//! So a program that listens for Ctrl-C once, and has stopped to listen, can be ended by a second one.
//!
//! # Processes
//!
//! A program started by this one begins with the default actions, whatever is listened for here. In a
//! child that is forked without starting another program, the parent's listeners see nothing, and
//! nothing that the child does disturbs the parent; signals that the parent has listeners for do
//! nothing there until the child makes a listener of its own. The first one starts a thread in the
//! child. (After a fork of a process with several threads, not all of it works in the child: POSIX
//! allows little more than to start another program.)
//!
//! # Examples
//!
//! ```
//! use corio_runtime::signal::{SignalKind, signal};
//!
//! # corio_runtime::run(async {
//! let mut hangups = signal(SignalKind::hangup())?;
//! # let me = std::process::id();
//! # std::process::Command::new("sh").args(["-c", &format!("kill -HUP {me}")]).status()?;
//! // Meanwhile, in a shell: kill -HUP <pid>
//! hangups.recv().await;
//! println!("reading the configuration again");
//! # Ok::<(), std::io::Error>(()) }).unwrap();
//! ```

#[cfg(not(unix))]
compile_error!("corio's signals need Unix");

mod ctrl_c;
mod disposition;
mod hub;
mod kind;
mod lines;
mod one;
mod pending;
mod send;
mod set;

pub use ctrl_c::{CtrlC, ctrl_c};
pub use kind::SignalKind;
pub use one::{Recv, Signal, signal};
pub use send::raise;
#[doc(hidden)]
pub use send::send;
pub use set::{RecvAny, SignalSet, set};

pub(crate) use disposition::exit_at_once;
pub(crate) use hub::Listener;

use std::task::{Context, Poll, ready};

use corio_sync::hooks::{self, Site, WaitKind};

/// A look for a signal as a leaf: takes part in the budget, and says what the task waits for.
fn poll_listener(listener: &mut Listener, site: Site, cx: &mut Context<'_>) -> Poll<SignalKind> {
    ready!(hooks::poll_budget(cx));
    match listener.poll(cx.waker()) {
        Poll::Ready(kind) => {
            hooks::spend();
            Poll::Ready(kind)
        }
        Poll::Pending => {
            hooks::set_wait(site, WaitKind::Signal);
            Poll::Pending
        }
    }
}
