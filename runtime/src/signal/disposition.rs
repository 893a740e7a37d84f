//! The handler, and putting it in and taking it out.
//!
//! The handler may interrupt any instruction of any thread, in the middle of `malloc` or of a lock, so
//! it does next to nothing: it marks the signal and rings a bell, which is a write to a socket. All
//! else is the work of a thread ([`Hub`]).
//!
//! The flags: SA_RESTART, so that blocking calls of other code go on instead of failing with EINTR, and
//! SA_ONSTACK, so that a thread with a small stack of somebody else's (a Go or Java thread) survives.
//!
//! The invariants of the file:
//! - **S1** The handler, and what it calls, is async-signal-safe: no lock, no allocation, no panic, and
//!   `errno` is afterwards what it was before.
//! - **S2** A `sigaction` handed to the system is one that the system gave, or has a handler that is a
//!   function of the right type (or `SIG_DFL`) and a mask that `sigemptyset` has made.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use libc::c_int;

use super::hub::Hub;

/// The handler of every signal that somebody listens for (S1).
extern "C" fn on_signal(signal: c_int) {
    // In a process that was forked off there is no thread to serve the bell, and the bell is the
    // parent's: there the signal does nothing until the child listens for signals of its own.
    if let Some(hub) = Hub::of_this_process() {
        // SAFETY: `errno` belongs to this thread, which runs this handler and nothing else.
        let errno = unsafe { *errno() };
        hub.on_signal(signal);
        // SAFETY: as above.
        unsafe { *self::errno() = errno };
    }
}

/// Where this thread's `errno` is.
fn errno() -> *mut c_int {
    #[cfg(any(target_os = "solaris", target_os = "illumos"))]
    use libc::___errno as location;
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    use libc::__errno as location;
    #[cfg(any(
        target_os = "linux",
        target_os = "dragonfly",
        target_os = "emscripten",
        target_os = "hurd",
        target_os = "redox",
    ))]
    use libc::__errno_location as location;
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    use libc::__error as location;
    // SAFETY: it takes nothing and can be called anywhere.
    unsafe { location() }
}

/// What a signal does.
#[derive(Clone, Copy)]
pub(super) struct Disposition(libc::sigaction);

impl Disposition {
    fn of(handler: libc::sighandler_t, flags: c_int) -> Self {
        // SAFETY: the fields are integers, and an optional function where the system keeps one of its
        // own there: all of them may be zero.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        // SAFETY: the pointer is to a mask of ours.
        unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
        Self(action)
    }

    fn ours() -> Self {
        let handler = on_signal as extern "C" fn(c_int);
        Self::of(handler as libc::sighandler_t, libc::SA_RESTART | libc::SA_ONSTACK)
    }

    /// What a signal does when nobody has said anything.
    pub(super) fn default() -> Self {
        Self::of(libc::SIG_DFL, 0)
    }

    /// What `signal` does now.
    fn current(signal: c_int) -> io::Result<Self> {
        Self::exchange(signal, None)
    }

    /// Has `signal` do this; gives what it did before.
    fn exchange(signal: c_int, new: Option<&Self>) -> io::Result<Self> {
        let mut old = MaybeUninit::<libc::sigaction>::uninit();
        let new = new.map_or(ptr::null(), |new| &raw const new.0);
        // SAFETY: `new` is null or fit for the system (S2), and the handler in it safe to run anywhere
        // (S1); `old` has room for the answer.
        if unsafe { libc::sigaction(signal, new, old.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so it has filled `old` in.
        Ok(Self(unsafe { old.assume_init() }))
    }

    /// Has the handler serve `signal`; gives what the signal did before.
    pub(super) fn install(signal: c_int) -> io::Result<Self> {
        Self::exchange(signal, Some(&Self::ours()))
    }

    /// Whether this is the handler of this file.
    pub(super) fn is_ours(&self) -> bool {
        self.0.sa_sigaction == Self::ours().0.sa_sigaction
    }

    /// Has `signal` do this again, if the handler serves it now. If other code has put a handler of
    /// its own over ours, that one stays.
    pub(super) fn restore(&self, signal: c_int) {
        if Self::current(signal).is_ok_and(|current| current.is_ours()) {
            // It has worked for this signal before, with what the system itself gave: it works.
            let _ = Self::exchange(signal, Some(self));
        }
    }
}

impl fmt::Debug for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.sa_sigaction {
            libc::SIG_DFL => f.write_str("default"),
            libc::SIG_IGN => f.write_str("ignore"),
            handler => write!(f, "handler at {handler:#x}"),
        }
    }
}

/// Sends `signal` to this process. When this returns the signal has had its effect, unless this thread
/// blocks it: then it is up to the others.
pub(super) fn raise(signal: c_int) -> io::Result<()> {
    let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: without a new mask the call only fills in the old one, for which there is room; only
    // then is that read.
    let blocked = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr()) != 0
            || libc::sigismember(mask.as_ptr(), signal) != 0
    };
    let result = if blocked {
        // SAFETY: the call takes two numbers, and the process may send itself any signal.
        unsafe { libc::kill(libc::getpid(), signal) }
    } else {
        // SAFETY: the call takes a number.
        unsafe { libc::raise(signal) }
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ends the process: nothing more runs in it, and what is buffered is not written.
pub(crate) fn exit_at_once(status: c_int) -> ! {
    // SAFETY: the call may be made anywhere, and does not return.
    unsafe { libc::_exit(status) }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn g04_the_handler_has_its_flags() {
        let signal = libc::SIGURG;
        let before = Disposition::install(signal).unwrap();
        let installed = Disposition::current(signal).unwrap();
        before.restore(signal);
        let wanted = libc::SA_RESTART | libc::SA_ONSTACK;
        assert_eq!(installed.0.sa_flags & wanted, wanted);
        assert!(installed.is_ours() && !before.is_ours());
        assert!(!Disposition::current(signal).unwrap().is_ours());
    }

    #[test]
    fn a_handler_put_over_ours_stays() {
        let signal = libc::SIGIO;
        let before = Disposition::install(signal).unwrap();
        let ignore = Disposition::of(libc::SIG_IGN, 0);
        Disposition::exchange(signal, Some(&ignore)).unwrap();
        before.restore(signal);
        let after = Disposition::exchange(signal, Some(&before)).unwrap();
        assert_eq!(format!("{after:?} {before:?}"), "ignore default");
    }

    #[test]
    fn g04_the_handler_leaves_errno_alone() {
        // With a bell that cannot be rung, the write in the handler fails and sets `errno`.
        let hub = Hub::new(None).unwrap();
        hub.fill_bell();
        let at = errno();
        // SAFETY: it is this thread's.
        unsafe { *at = libc::EXDEV };
        hub.on_signal(libc::SIGUSR1);
        // SAFETY: it is this thread's.
        assert_eq!(unsafe { *at }, libc::EAGAIN, "the write did not fail");
        // Now the whole handler, with whatever bell the process has.
        // SAFETY: it is this thread's.
        unsafe { *at = libc::EXDEV };
        on_signal(c_int::MAX);
        // SAFETY: it is this thread's.
        assert_eq!(unsafe { *at }, libc::EXDEV);
    }
}
