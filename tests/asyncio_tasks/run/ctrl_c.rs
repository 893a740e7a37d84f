//! Ctrl-C while main runs, in processes of their own: the test program starts itself again to play a
//! role.

use std::future::pending;
use std::process::Command;
use std::time::Duration;

use corio::{catch_cancel, finally};

use crate::common::LONG;
use crate::mains::{cancels_itself, cleans_up_for_ever};
use crate::roles::{self, InRole, KEEPS_CTRL_C, Role, say};

const ROLES: &[Role] = &[
    ("waits", waits),
    ("has timers", has_timers),
    ("takes it", || std::process::exit(takes_it())),
    ("cancels itself", cancels_itself),
    ("is cancelled twice", is_cancelled_twice),
    ("cleans up for ever", cleans_up_for_ever),
    ("ends by itself", || std::process::exit(ends_by_itself())),
    #[cfg(target_os = "linux")]
    ("shows its handlers", shows_its_handlers),
];

/// Does nothing, except in a process that [`InRole`] has started.
#[test]
fn role() {
    roles::play(ROLES);
}

fn start(role: &str) -> InRole {
    InRole::start("run::ctrl_c::role", role)
}

/// Waits for ever, and takes a while to clean up.
#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn waits() {
    let body = async {
        say("ready");
        pending::<()>().await;
    };
    let work = finally(body, || async {
        corio::sleep(Duration::from_millis(5)).await;
        say("cleaned up");
    });
    work.await;
    say("went on");
}

/// Main is cancelled where it waits, cleans up, and the process ends with the status that stands for
/// Ctrl-C.
#[test]
fn run_28_the_first_ctrl_c_cancels_main() {
    let mut child = start("waits");
    child.press_ctrl_c();
    assert!(child.says("cleaned up"));
    assert!(!child.says("went on"));
    assert_eq!(child.end().code(), Some(130));
}

/// Waits for a time that is far away, on several threads that sleep.
#[corio::main(cancel_on_ctrl_c = true, worker_threads = 2)]
async fn has_timers() {
    let task = corio::spawn(corio::sleep(LONG * 60));
    let both = corio::join!(task, async {
        corio::sleep(Duration::from_millis(5)).await;
        say("ready");
        corio::sleep(LONG * 60).await;
    });
    drop(both);
}

/// A runtime in which everything sleeps wakes up for it.
#[test]
fn run_29_a_ctrl_c_wakes_a_sleeping_runtime() {
    let child = start("has timers");
    child.press_ctrl_c();
    assert_eq!(child.end().code(), Some(130));
}

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn takes_it() -> i32 {
    let waits = async {
        say("ready");
        pending::<()>().await;
    };
    if catch_cancel(waits).await.is_err() { 9 } else { 1 }
}

/// A main that takes the request returns what it likes.
#[test]
fn run_30_a_main_that_takes_the_request_returns_its_value() {
    let child = start("takes it");
    child.press_ctrl_c();
    assert_eq!(child.end().code(), Some(9));
}

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn is_cancelled_twice() {
    let main = corio::task::current().canceller();
    let mut pressed = corio::signal::signal(corio::signal::SignalKind::interrupt()).unwrap();
    drop(corio::spawn(async move {
        pressed.recv().await;
        main.cancel();
    }));
    say("ready");
    pending::<()>().await;
}

/// A main that somebody else has cancelled has not been interrupted: that is a panic, as it is without
/// the option. When Ctrl-C was pressed as well, that counts.
#[test]
fn run_31_who_cancelled_main_makes_the_difference() {
    let child = start("cancels itself");
    assert_eq!(child.end().code(), Some(101), "the status of a test program that has failed");
    let child = start("is cancelled twice");
    child.press_ctrl_c();
    assert_eq!(child.end().code(), Some(130));
}

/// The second Ctrl-C ends the process at once, whatever it is doing.
#[test]
fn run_32_the_second_ctrl_c_ends_the_process() {
    let mut child = start("cleans up for ever");
    child.press_ctrl_c();
    assert!(child.says("cleaning up"));
    child.press_ctrl_c();
    assert_eq!(child.end().code(), Some(130));
}

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn ends_by_itself() -> i32 {
    let reader = std::thread::spawn(|| std::io::stdin().read_line(&mut String::new()).unwrap());
    drop(corio::spawn(finally(pending::<()>(), || async move {
        say("ready");
        while !reader.is_finished() {
            corio::sleep(Duration::from_millis(1)).await;
        }
        say("cleaned up");
    })));
    corio::yield_now().await;
    7
}

/// A Ctrl-C that finds main done does not cut the end short, and main's value counts.
#[test]
fn run_33_a_ctrl_c_after_main_changes_nothing() {
    let mut child = start("ends by itself");
    child.press_ctrl_c();
    child.answer();
    assert!(child.says("cleaned up"));
    assert_eq!(child.end().code(), Some(7));
}

/// A process that was started with Ctrl-C ignored, as shells start programs in the background, and
/// that asks to be cancelled by it, is.
#[test]
fn run_34_main_hears_a_ctrl_c_that_was_ignored_before() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' INT; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    shell.env(KEEPS_CTRL_C, "");
    let child = InRole::start_by(shell, "run::ctrl_c::role", "waits");
    child.press_ctrl_c();
    assert_eq!(child.end().code(), Some(130));
}

/// What the process does with its signals: those that are ignored, and those that have handlers.
#[cfg(target_os = "linux")]
fn handlers() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let lines = status.lines().filter(|l| l.starts_with("SigIgn:") || l.starts_with("SigCgt:"));
    lines.map(str::to_owned).collect()
}

/// A runtime alone, on whatever thread, has nothing to do with the process's signals.
#[cfg(target_os = "linux")]
#[test]
fn run_35_a_runtime_touches_no_signals() {
    let before = handlers();
    assert_eq!(before.len(), 2);
    let thread = std::thread::spawn(|| corio::run(async { handlers() }));
    assert_eq!(thread.join().unwrap(), before);
    assert_eq!(handlers(), before);
}

#[cfg(target_os = "linux")]
#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn handlers_in_main() -> Vec<String> {
    handlers()
}

#[cfg(target_os = "linux")]
fn shows_its_handlers() {
    let before = handlers();
    let inside = handlers_in_main();
    assert_ne!(before, inside);
    assert_eq!(handlers(), before);
    say("ready");
}

/// After main, Ctrl-C does what it did before.
#[cfg(target_os = "linux")]
#[test]
fn run_37_after_main_the_signals_are_what_they_were() {
    assert!(start("shows its handlers").end().success());
}
