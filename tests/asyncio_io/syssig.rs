//! SYSSIG: handling of the system's signals.

use std::time::{Duration, Instant};

use corio::process::{Command, shell};
use corio::signal::{self, SignalKind, raise, signal};
use corio::{spawn, timeout};

use super::roles::{in_role, signal_or_code};
use super::sig::{my_turn, within};

const USR1: SignalKind = SignalKind::user_defined1();
const USR2: SignalKind = SignalKind::user_defined2();

/// Ten before the first poll: at least one is heard, and none afterwards that was not sent.
#[test]
fn syssig_01_signals_before_the_first_poll_are_heard() {
    let _turn = my_turn();
    corio::run(async {
        let mut signal = signal(USR1).unwrap();
        (0..10).for_each(|_| raise(USR1).unwrap());
        let mut heard = 0;
        while timeout(Duration::from_millis(5), signal.recv()).await.is_ok() {
            heard += 1;
        }
        assert!((1..=10).contains(&heard), "{heard}");
    });
}

/// Listeners in two runtimes hear the same signal.
#[test]
fn syssig_02_all_listeners_of_all_runtimes_hear_it() {
    let _turn = my_turn();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let ready = ready.clone();
            std::thread::spawn(move || {
                corio::run(async move {
                    let (mut one, mut two) = (signal(USR1).unwrap(), signal(USR1).unwrap());
                    ready.send(()).unwrap();
                    within(one.recv()).await;
                    within(two.recv()).await;
                });
            })
        })
        .collect();
    is_ready.recv().and(is_ready.recv()).unwrap();
    raise(USR1).unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// What cannot be caught, what reports a fault, and what is no signal, is refused when it is asked for.
#[test]
fn syssig_04_what_nobody_can_listen_for_is_refused() {
    let refused = [9, 19, 11, 8, 4, 0, -5, 500];
    for number in refused {
        assert!(signal(SignalKind::from_raw(number)).is_err(), "{number}");
        assert!(signal::set([USR1, SignalKind::from_raw(number)]).is_err(), "{number}");
    }
    assert!(signal::set([]).is_err());
}

/// While one kind comes again and again, the other is heard.
#[test]
fn syssig_05_no_kind_of_a_set_starves() {
    let _turn = my_turn();
    corio::run(async {
        let mut set = signal::set([USR1, USR2]).unwrap();
        let mut heard = [0, 0];
        raise(USR2).unwrap();
        for _ in 0..200 {
            raise(USR1).unwrap();
            let kind = within(set.recv()).await;
            heard[usize::from(kind == USR2)] += 1;
            if kind == USR2 {
                raise(USR2).unwrap();
            }
        }
        assert_eq!(heard, [100, 100]);
        // What nobody has heard would have its usual effect.
        while timeout(Duration::from_millis(5), set.recv()).await.is_ok() {}
    });
}

/// After the last of ten thousand there is a notification.
#[test]
fn syssig_06_a_burst_is_survived_and_its_end_is_heard() {
    let _turn = my_turn();
    corio::run(async {
        let mut signal = signal(USR1).unwrap();
        let burst = std::thread::spawn(|| (0..10_000).for_each(|_| raise(USR1).unwrap()));
        within(signal.recv()).await;
        burst.join().unwrap();
        raise(USR1).unwrap();
        within(signal.recv()).await;
    });
}

/// A child has neither handlers nor a mask.
#[cfg(target_os = "linux")]
#[test]
fn syssig_07_a_child_starts_with_the_defaults() {
    let _turn = my_turn();
    corio::run(async {
        let _set = signal::set([USR1, USR2, SignalKind::child(), SignalKind::hangup()]).unwrap();
        let mut cat = Command::new("cat");
        let output = within(cat.arg("/proc/self/status").output()).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let masks: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("SigBlk:").or(line.strip_prefix("SigCgt:")))
            .map(str::trim)
            .collect();
        assert_eq!(masks, ["0000000000000000"; 2]);
    });
}

/// A task that computes hears afterwards what has come meanwhile.
#[test]
fn syssig_09_a_busy_task_loses_no_signal() {
    let _turn = my_turn();
    corio::run(async {
        let mut signal = signal(USR1).unwrap();
        let raiser = std::thread::spawn(|| raise(USR1).unwrap());
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(20) {}
        raiser.join().unwrap();
        timeout(Duration::ZERO, signal.recv()).await.expect("it has come");
    });
}

/// Who listens for SIGCHLD hears it, and the children are waited for all the same.
#[test]
fn syssig_10_a_listener_for_sigchld_and_children_do_not_disturb_each_other() {
    let _turn = my_turn();
    corio::run(async {
        let mut ended = signal(SignalKind::child()).unwrap();
        for code in 0..20 {
            let child = spawn(shell(format!("exit {code}")).status());
            within(ended.recv()).await;
            assert_eq!(within(child).await.unwrap().unwrap().code(), Some(code));
        }
    });
}

/// No time at all is enough for a signal that is there.
#[test]
fn syssig_12_a_limit_of_zero_gives_what_is_there() {
    let _turn = my_turn();
    corio::run(async {
        let mut signal = signal(USR1).unwrap();
        assert!(timeout(Duration::ZERO, signal.recv()).await.is_err());
        raise(USR1).unwrap();
        assert!(timeout(Duration::ZERO, signal.recv()).await.is_ok());
        assert!(timeout(Duration::ZERO, signal.recv()).await.is_err());
    });
}

#[corio::main(cancel_on_ctrl_c = true)]
pub(crate) async fn main_is_cancelled() {
    raise(SignalKind::interrupt()).unwrap();
    std::future::pending().await
}

#[corio::main(cancel_on_ctrl_c = true)]
pub(crate) async fn main_ends_by_itself() {
    let body = corio::catch_cancel(async {
        raise(SignalKind::interrupt()).unwrap();
        std::future::pending::<()>().await
    });
    assert!(body.await.is_err(), "it was cancelled");
}

/// A main that is cancelled ends the process with 130; one that takes the cancellation, with its own.
#[test]
fn syssig_13_the_status_after_ctrl_c() {
    corio::run(async {
        let status = within(in_role("main is cancelled").status()).await.unwrap();
        assert_eq!(signal_or_code(status), (None, Some(130)));
        let status = within(in_role("main ends by itself").status()).await.unwrap();
        assert_eq!(signal_or_code(status), (None, Some(0)));
    });
}
