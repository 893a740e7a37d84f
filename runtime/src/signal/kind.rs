//! Which signal.

use std::fmt;
use std::io;

use libc::c_int;

/// A signal of the operating system.
///
/// It prints as the name it has in the manuals.
///
/// # Examples
///
/// ```
/// use corio_runtime::signal::SignalKind;
///
/// assert_eq!(SignalKind::terminate().to_string(), "SIGTERM");
/// assert_eq!(SignalKind::from_raw(15), SignalKind::terminate());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias("Signals", "signum"))]
pub struct SignalKind(c_int);

/// The signals that have the same name everywhere.
const NAMES: [(c_int, &str); 27] = [
    (libc::SIGHUP, "SIGHUP"),
    (libc::SIGINT, "SIGINT"),
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGUSR1, "SIGUSR1"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGUSR2, "SIGUSR2"),
    (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGALRM, "SIGALRM"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGCHLD, "SIGCHLD"),
    (libc::SIGCONT, "SIGCONT"),
    (libc::SIGSTOP, "SIGSTOP"),
    (libc::SIGTSTP, "SIGTSTP"),
    (libc::SIGTTIN, "SIGTTIN"),
    (libc::SIGTTOU, "SIGTTOU"),
    (libc::SIGURG, "SIGURG"),
    (libc::SIGXCPU, "SIGXCPU"),
    (libc::SIGWINCH, "SIGWINCH"),
    (libc::SIGIO, "SIGIO"),
    (libc::SIGPROF, "SIGPROF"),
    (libc::SIGSYS, "SIGSYS"),
];

macro_rules! kinds {
    ($($(#[$attr:meta])* $name:ident = $signal:ident;)*) => {
        $(
            $(#[$attr])*
            #[must_use]
            pub const fn $name() -> Self {
                Self(libc::$signal)
            }
        )*
    };
}

impl SignalKind {
    kinds! {
        /// SIGINT: Ctrl-C at the terminal.
        interrupt = SIGINT;
        /// SIGTERM: the polite request to end, which service managers send.
        terminate = SIGTERM;
        /// SIGKILL: ends a process at once. It can be sent, and nobody can listen for it.
        kill = SIGKILL;
        /// SIGHUP: the terminal is gone; for daemons, by custom, "read your configuration again".
        hangup = SIGHUP;
        /// SIGQUIT: Ctrl-\ at the terminal.
        quit = SIGQUIT;
        /// SIGUSR1: has the meaning that the program gives it.
        user_defined1 = SIGUSR1;
        /// SIGUSR2: has the meaning that the program gives it.
        user_defined2 = SIGUSR2;
        /// SIGCHLD: a child process has ended, stopped or gone on.
        child = SIGCHLD;
        /// SIGWINCH: the terminal's window has another size.
        window_change = SIGWINCH;
        /// SIGPIPE: a write to a pipe or socket whose other end is gone. Rust programs ignore it.
        pipe = SIGPIPE;
        /// SIGALRM: a timer of `alarm` or `setitimer` is over.
        alarm = SIGALRM;
        /// SIGIO: a descriptor that was asked to say so is ready.
        io = SIGIO;
    }

    /// The signal with this number on this system.
    ///
    /// Any number will do here; the ones that nobody can listen for are refused by
    /// [`signal`](super::signal()).
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// The signal's number on this system.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// Says why nobody can listen for this signal, if that is so without asking the system (G06).
    pub(super) fn check(self) -> io::Result<()> {
        let why = match self.0 {
            libc::SIGKILL | libc::SIGSTOP => {
                "the system never hands it to the program: listen for SIGTERM or SIGTSTP, which ask \
                 for the same and can be heard"
            }
            libc::SIGSEGV | libc::SIGILL | libc::SIGFPE | libc::SIGBUS => {
                "it reports a fault of the running instruction, to which the thread would only \
                 return: leave it to the system, or to a crash reporter of its own"
            }
            number if number < 1 || number as usize >= super::pending::SIGNALS => {
                "there is no such signal: take one of the constructors of `SignalKind`"
            }
            _ => return Ok(()),
        };
        Err(self.refused(io::ErrorKind::InvalidInput, why))
    }

    /// An error that names the signal.
    pub(super) fn refused(self, kind: io::ErrorKind, why: impl fmt::Display) -> io::Error {
        io::Error::new(kind, format!("cannot listen for {self}: {why}"))
    }
}

impl fmt::Display for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignalKind({self})")
    }
}
