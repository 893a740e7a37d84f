//! SIG: signals, as asyncio has them.
#![allow(clippy::disallowed_types, reason = "the tests stand outside of the runtime")]

use std::io::{ErrorKind, Read};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use corio::signal::{self, SignalKind, raise, signal};
use corio::{sleep, spawn, spawn_blocking, timeout};

use super::support::LONG;

const USR1: SignalKind = SignalKind::user_defined1();
const USR2: SignalKind = SignalKind::user_defined2();
const WINCH: SignalKind = SignalKind::window_change();

/// A signal is the whole process's, so the tests take turns.
pub(crate) fn my_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("the signal has not come")
}

/// Whether the process has a handler for a signal: the system's own word for it.
#[cfg(target_os = "linux")]
pub(crate) fn is_caught(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let mask = u64::from_str_radix(line.trim(), 16).unwrap();
    mask >> (kind.as_raw() - 1) & 1 == 1
}

/// A signal wakes a runtime that has nothing else to do, on whatever thread it comes.
#[test]
fn sig_01_a_signal_wakes_a_runtime_that_sleeps() {
    let _turn = my_turn();
    corio::run(async {
        let mut signal = signal(USR1).unwrap();
        let waiting = spawn(async move { within(signal.recv()).await });
        let raiser = std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            raise(USR1).unwrap();
        });
        waiting.await.unwrap();
        raiser.join().unwrap();
    });
}

/// A number that is no signal is an error, for listening and for sending.
#[test]
fn sig_02_a_number_out_of_range_is_an_error() {
    for number in [-1, 0, 1000, i32::MAX] {
        let kind = SignalKind::from_raw(number);
        assert_eq!(signal(kind).unwrap_err().kind(), ErrorKind::InvalidInput, "{kind}");
    }
    assert_eq!(raise(SignalKind::from_raw(1000)).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// The error for a signal that cannot be caught says so.
#[test]
fn sig_03_signals_that_cannot_be_caught_are_refused() {
    for kind in [SignalKind::kill(), SignalKind::from_raw(19)] {
        let error = signal(kind).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen for {kind}: ")), "{error}");
        assert!(error.contains("never hands it"), "{error}");
    }
}

/// Any thread may listen, with a runtime or without.
#[test]
fn sig_05_any_thread_may_listen() {
    let _turn = my_turn();
    let thread = std::thread::spawn(|| {
        let mut signal = signal(USR1).unwrap();
        corio::run(async move {
            raise(USR1).unwrap();
            within(signal.recv()).await;
        });
    });
    thread.join().unwrap();
}

/// A second listener does not replace the first: both hear.
#[test]
fn sig_06_a_second_listener_leaves_the_first_alone() {
    let _turn = my_turn();
    corio::run(async {
        let (mut first, mut second) = (signal(USR1).unwrap(), signal(USR1).unwrap());
        raise(USR1).unwrap();
        within(first.recv()).await;
        within(second.recv()).await;
    });
}

/// When the last listener goes, the system's default is back; before, it is not.
#[cfg(target_os = "linux")]
#[test]
fn sig_07_the_last_listener_restores_what_was_there() {
    let _turn = my_turn();
    assert!(!is_caught(WINCH));
    let (first, second) = (signal(WINCH).unwrap(), signal(WINCH).unwrap());
    assert!(is_caught(WINCH));
    drop(first);
    assert!(is_caught(WINCH));
    drop(second);
    assert!(!is_caught(WINCH));
}

/// The end of a runtime ends its tasks, and with them their listeners.
#[cfg(target_os = "linux")]
#[test]
fn sig_10_the_end_of_a_runtime_removes_its_listeners() {
    let _turn = my_turn();
    corio::run(async {
        let mut signal = signal(WINCH).unwrap();
        drop(spawn(async move { signal.recv().await }));
        sleep(Duration::from_millis(1)).await;
        assert!(is_caught(WINCH));
    });
    assert!(!is_caught(WINCH));
}

/// Several kinds within one poll: each is heard once, and none is left.
#[test]
fn sig_11_several_signals_at_once_are_all_heard() {
    let _turn = my_turn();
    corio::run(async {
        let mut set = signal::set([USR1, USR2, WINCH]).unwrap();
        for kind in [WINCH, USR1, USR2, USR1] {
            raise(kind).unwrap();
        }
        let mut heard = Vec::new();
        for _ in 0..3 {
            heard.push(within(set.recv()).await);
        }
        heard.sort();
        assert_eq!(heard, [USR1, USR2, WINCH]);
        assert!(timeout(Duration::from_millis(5), set.recv()).await.is_err());
    });
}

/// A timer is as late as without signals, and blocking calls go on.
#[test]
fn sig_12_system_calls_go_on_after_a_signal() {
    let _turn = my_turn();
    corio::run(async {
        let mut signal = signal(WINCH).unwrap();
        let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        let reading = spawn_blocking(move || {
            let mut byte = [0];
            reader.read(&mut byte).map(|count| (count, byte[0]))
        });
        let me = std::process::id();
        let line = format!("for i in 1 2 3 4 5 6 7 8 9 10; do kill -WINCH {me}; done");
        let storm = spawn(corio::process::shell(line).status());
        let start = Instant::now();
        sleep(Duration::from_millis(30)).await;
        assert!(start.elapsed() >= Duration::from_millis(30));
        assert!(storm.await.unwrap().unwrap().success());
        within(signal.recv()).await;
        std::io::Write::write_all(&mut &writer, b"x").unwrap();
        assert_eq!(reading.await.unwrap().unwrap(), (1, b'x'));
    });
}
