//! What was there before anybody listened is there again afterwards, and gets what nobody has seen.

use std::os::unix::process::ExitStatusExt;

use corio_runtime::signal::{self, signal};
use corio_sync::prim::statics::{AtomicBool, AtomicU64};
use corio_sync::prim::{Ordering, thread};

use crate::kit::single;
use crate::support::{
    Counted, HUP, LONG, USR1, USR2, WINCH, base, handler_of, look, my_turn, raise, within,
};

#[test]
fn g03_the_previous_handler_is_back_when_the_last_listener_goes() {
    let _turn = my_turn();
    let counted = Counted::new(USR1);
    let before = handler_of(USR1);
    let first = signal(USR1).unwrap();
    let second = signal::set([USR1, USR2]).unwrap();
    assert_ne!(handler_of(USR1), before);
    drop(first);
    assert_ne!(handler_of(USR1), before, "somebody listens");
    drop(second);
    assert_eq!(handler_of(USR1), before);
    assert_eq!(handler_of(USR2), libc::SIG_DFL);
    let start = base();
    raise(USR1);
    assert_eq!(base(), start + 1);
    drop(counted);
    // And again: listening is not for once only.
    let mut again = signal(USR1).unwrap();
    raise(USR1);
    assert!(look(&mut again));
}

#[test]
fn g08_a_signal_while_listeners_come_and_go_is_seen_or_takes_its_effect() {
    let _turn = my_turn();
    let _counted = Counted::new(USR1);
    static SEEN: AtomicU64 = AtomicU64::new(0);
    static DONE: AtomicBool = AtomicBool::new(false);
    let listeners: Vec<_> = (0..2)
        .map(|n| {
            thread::spawn(move || {
                // Ordering: Relaxed for the flag; Release and Acquire for the count, as for `BASE`.
                while !DONE.load(Ordering::Relaxed) {
                    let mut signal = signal(USR1).unwrap();
                    if n == 0 && look(&mut signal) {
                        SEEN.fetch_add(1, Ordering::Release);
                    }
                }
            })
        })
        .collect();
    for round in 0..10_000 {
        let before = base() + SEEN.load(Ordering::Acquire);
        raise(USR1);
        let start = std::time::Instant::now();
        while base() + SEEN.load(Ordering::Acquire) == before {
            assert!(start.elapsed() < LONG, "signal {round} is lost");
            thread::yield_now();
        }
    }
    DONE.store(true, Ordering::Relaxed);
    for listener in listeners {
        listener.join().unwrap();
    }
}

/// The last listener's end brings the previous handler back, which gets what nobody has heard.
#[test]
fn syssig_03_the_previous_handler_is_back_and_gets_what_was_not_heard() {
    let _turn = my_turn();
    let _counted = Counted::new(USR2);
    let (before, start) = (handler_of(USR2), base());
    for heard in [true, false] {
        let mut signal = signal(USR2).unwrap();
        assert_ne!(handler_of(USR2), before);
        signal::raise(USR2).unwrap();
        assert_eq!(base(), start, "the previous handler is not called meanwhile");
        if heard {
            assert!(look(&mut signal));
        }
        drop(signal);
        assert_eq!(handler_of(USR2), before);
        assert_eq!(base(), start + u64::from(!heard));
    }
}

#[test]
fn g08_what_nobody_has_seen_goes_to_the_previous_handler() {
    let _turn = my_turn();
    let _counted = Counted::new(HUP);
    let start = base();
    let unread = signal(HUP).unwrap();
    raise(HUP);
    raise(HUP);
    assert_eq!(base(), start);
    drop(unread);
    assert_eq!(base(), start + 1, "those that came together are one");

    let mut read = signal(HUP).unwrap();
    let unread = signal(HUP).unwrap();
    raise(HUP);
    assert!(look(&mut read));
    drop((read, unread));
    assert_eq!(base(), start + 1, "one of them has seen it");
}

/// G07 too.
// ThreadSanitizer allows no new threads in a forked child.
#[cfg(not(corio_tsan))]
#[test]
fn sig_13_a_forked_child_neither_hears_the_parents_signals_nor_disturbs_it() {
    let _turn = my_turn();
    let mut parents = signal(WINCH).unwrap();
    // SAFETY: the child calls only what needs no other thread, and ends with `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // The lock of the test is held by this very thread, which is the child's only one.
        raise(WINCH);
        let heard = look(&mut parents);
        drop(parents);
        // A listener of its own works, on a thread of its own.
        let mut own = signal(WINCH);
        raise(WINCH);
        let hears = own.as_mut().is_ok_and(look);
        // SAFETY: the call may be made anywhere.
        unsafe {
            libc::_exit(if heard {
                1
            } else if hears {
                0
            } else {
                2
            })
        };
    }
    let mut status = 0;
    // SAFETY: there is room for the status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(std::process::ExitStatus::from_raw(status).code(), Some(0));
    assert!(!look(&mut parents), "the child's signal came to the parent");
    raise(WINCH);
    single().block_on(within(parents.recv()));
}
