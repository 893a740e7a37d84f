//! Who listens hears, and loses nothing.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use corio_runtime::signal::{self, SignalKind, ctrl_c, signal};
use corio_runtime::time::timeout;
use corio_runtime::{spawn, spawn_blocking, yield_now};
use corio_sync::prim::thread;

use crate::kit::{multi, single};
use crate::support::{
    Counted, HUP, LONG, USR1, USR2, base, handler_of, look, my_turn, next, raise, within,
};

#[test]
fn a_signal_wakes_the_task_that_waits_for_it() {
    let _turn = my_turn();
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async {
            let mut signal = signal(USR1).unwrap();
            for round in 0..50 {
                let waiting = spawn(async move {
                    within(signal.recv()).await;
                    signal
                });
                if round % 2 == 0 {
                    yield_now().await;
                }
                spawn_blocking(|| raise(USR1)).await.unwrap();
                signal = waiting.await.unwrap();
            }
        });
    }
}

#[test]
fn all_listeners_see_a_signal_and_streams_do_too() {
    let _turn = my_turn();
    single().block_on(async {
        let mut first = signal(USR1).unwrap();
        let mut second = signal(USR1).unwrap();
        let mut both = signal::set([USR1, USR2, USR1]).unwrap();
        assert_eq!(both.kinds().collect::<Vec<_>>(), [USR1, USR2]);
        raise(USR1);
        raise(USR2);
        within(first.recv()).await;
        assert_eq!(within(next(&mut second)).await, Some(()));
        assert_eq!(within(both.recv()).await, USR1);
        assert_eq!(within(next(&mut both)).await, Some(USR2));
        assert!(!look(&mut first) && !look(&mut second));
    });
}

#[test]
fn a_signal_that_is_there_is_seen_by_the_first_poll() {
    let _turn = my_turn();
    let mut signal = signal(USR1).unwrap();
    raise(USR1);
    raise(USR1);
    assert!(look(&mut signal) && !look(&mut signal));
    single().block_on(async {
        raise(USR1);
        timeout(Duration::ZERO, signal.recv()).await.expect("it has come");
    });
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    let _turn = my_turn();
    single().block_on(async {
        let mut signal = signal(USR1).unwrap();
        assert!(timeout(Duration::from_millis(1), signal.recv()).await.is_err());
        raise(USR1);
        within(signal.recv()).await;
    });
}

#[test]
fn a_signal_wakes_code_without_a_runtime() {
    let _turn = my_turn();
    struct Unpark(corio_sync::prim::Parker);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut signal = signal(HUP).unwrap();
    let unpark = Arc::new(Unpark(corio_sync::prim::Parker::new()));
    let waker = Waker::from(unpark.clone());
    let raiser = thread::spawn(|| raise(HUP));
    let mut recv = pin!(signal.recv());
    while recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        assert!(unpark.0.park_timeout(LONG), "the signal has not come");
    }
    raiser.join().unwrap();
}

#[test]
fn g02_runtimes_come_and_go_and_each_is_served() {
    let _turn = my_turn();
    let _counted = Counted::new(USR2);
    let start = base();
    let mut stays = signal(USR2).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            thread::spawn(move || {
                for _ in 0..20 {
                    let runtime = if n % 2 == 0 { single() } else { multi(1) };
                    runtime.block_on(async {
                        let mut mine = signal(USR2).unwrap();
                        let left_behind = signal(USR2).unwrap();
                        let _never_done = spawn(async move {
                            let mut left_behind = left_behind;
                            loop {
                                left_behind.recv().await;
                            }
                        });
                        let waiting = spawn(async move { within(mine.recv()).await });
                        yield_now().await;
                        raise(USR2);
                        waiting.await.unwrap();
                    });
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(base(), start, "nobody was left without a listener");
    single().block_on(within(stays.recv()));
    raise(USR2);
    single().block_on(within(stays.recv()));
}

#[test]
fn g06_signals_that_nobody_can_listen_for_are_refused_by_name() {
    let _turn = my_turn();
    let refused = [
        (libc::SIGKILL, "cannot listen for SIGKILL: "),
        (libc::SIGSTOP, "cannot listen for SIGSTOP: "),
        (libc::SIGSEGV, "cannot listen for SIGSEGV: "),
        (libc::SIGILL, "cannot listen for SIGILL: "),
        (libc::SIGFPE, "cannot listen for SIGFPE: "),
        (libc::SIGBUS, "cannot listen for SIGBUS: "),
        (0, "cannot listen for signal 0: "),
        (-1, "cannot listen for signal -1: "),
        (i32::MIN, "cannot listen for signal -2147483648: "),
        (i32::MAX, "cannot listen for signal 2147483647: "),
        (159, "cannot listen for signal 159: "),
    ];
    for (number, message) in refused {
        let kind = SignalKind::from_raw(number);
        let error = signal(kind).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{kind}");
        assert!(error.to_string().starts_with(message), "{error}");
        // The others of a set are given back.
        let error = signal::set([USR1, kind]).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert_eq!(handler_of(USR1), libc::SIG_DFL);
    }
    assert!(signal::set([]).is_err());
    #[cfg(target_os = "linux")]
    for number in libc::SIGRTMIN()..=libc::SIGRTMAX() {
        let mut realtime = signal(SignalKind::from_raw(number)).unwrap();
        raise(SignalKind::from_raw(number));
        assert!(look(&mut realtime));
    }
}

#[test]
fn a_wait_for_a_signal_is_send_and_prints() {
    fn check<T: Send + Sync + Unpin + std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }
    let _turn = my_turn();
    let mut one = signal(USR1).unwrap();
    assert!(check(&one).starts_with("Signal { kind: SignalKind(SIGUSR1), at: "));
    assert_eq!(one.kind(), USR1);
    check(&one.recv());
    let mut set = signal::set([USR1, USR2]).unwrap();
    assert_eq!(check(&set), "SignalSet[SignalKind(SIGUSR1), SignalKind(SIGUSR2)]");
    check(&set.recv());
    check(&ctrl_c());
}
