//! `cancel_on_ctrl_c`: the first Ctrl-C cancels main, the second ends the process.
//!
//! What listens is not a task but a waker, which runs on the thread that serves signals. So it works
//! while the runtime shuts down, and while main blocks its thread and sees no cancellation: the second
//! Ctrl-C is there for just that.

use std::io;
use std::sync::Arc;
use std::task::{Wake, Waker};

use corio_sync::prim::Mutex;

use crate::signal::{Listener, SignalKind, exit_at_once};
use crate::task::Canceller;

/// The exit status of a program that Ctrl-C has ended: 128 and the signal's number, as shells count.
pub(super) const STATUS: i32 = 128 + SignalKind::interrupt().as_raw();

/// Listens for Ctrl-C, on behalf of a main future, until it is dropped.
pub(super) struct CancelOnCtrlC(Arc<Watch>);

struct Watch(Mutex<State>);

struct State {
    /// `None` when main and its runtime have ended.
    listener: Option<Listener>,
    /// There from the moment main has started.
    main: Option<Canceller>,
    pressed: bool,
}

impl CancelOnCtrlC {
    pub(super) fn new() -> io::Result<Self> {
        let listener = Some(Listener::new([SignalKind::interrupt()])?);
        Ok(Self(Arc::new(Watch(Mutex::new(State { listener, main: None, pressed: false })))))
    }

    /// From now on, Ctrl-C cancels `main`, also if it was pressed before.
    pub(super) fn start(&self, main: Canceller) {
        self.0.0.lock().main = Some(main);
        self.0.clone().wake();
    }

    /// Stops to listen; tells whether Ctrl-C was pressed.
    pub(super) fn end(self) -> bool {
        let watch = self.0.clone();
        drop(self);
        let state = watch.0.lock();
        state.pressed
    }
}

impl Wake for Watch {
    /// Looks whether Ctrl-C was pressed, and waits for the next time.
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut state = self.0.lock();
        let State { listener: Some(listener), main: Some(main), pressed } = &mut *state else {
            return;
        };
        let mut cancel = None;
        while listener.poll(&waker).is_ready() {
            if *pressed {
                exit_at_once(STATUS);
            }
            *pressed = true;
            cancel = Some(main.clone());
        }
        drop(state);
        if let Some(main) = cancel {
            main.cancel();
        }
    }
}

impl Drop for CancelOnCtrlC {
    fn drop(&mut self) {
        // What was pressed until now was meant for main, however busy the thread that says so is.
        self.0.clone().wake();
        let mut state = self.0.0.lock();
        let ended = (state.listener.take(), state.main.take());
        drop(state);
        // Without the lock: this gives Ctrl-C back to whom it belonged to before.
        drop(ended);
    }
}
