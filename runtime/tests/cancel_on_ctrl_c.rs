//! `#[corio::main(cancel_on_ctrl_c = true)]`, in processes of their own.
//!
//! Not under ThreadSanitizer: it holds a signal back for as long as the thread that the system has
//! chosen for it, which is the idle main thread of the test program, sleeps in a futex.
#![cfg(not(corio_tsan))]

mod roles;

use std::future::pending;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use corio_runtime::entry::{Config, run_cancellable_main};
use corio_runtime::structured::finally;
use corio_runtime::time::sleep;
use corio_runtime::{signal, spawn};
use corio_sync::prim::thread;

use roles::{Role, say};

/// Longer than any test takes, on any machine.
const LONG: Duration = Duration::from_secs(120);

fn single() -> Config {
    Config::default()
}

fn multi() -> Config {
    Config { multi_thread: true, worker_threads: Some(2), ..single() }
}

/// A task and a main that wait for ever, and take a while to clean up.
async fn waits_for_ever() {
    let _task = spawn(finally(
        async {
            say("ready");
            pending::<()>().await;
        },
        || async {
            sleep(Duration::from_millis(5)).await;
            say("the task has cleaned up");
        },
    ));
    finally(pending::<()>(), || async {
        sleep(Duration::from_millis(5)).await;
        say("main has cleaned up");
    })
    .await;
    say("main went on");
}

async fn never_cleans_up() {
    finally(
        async {
            say("ready");
            pending::<()>().await;
        },
        || async {
            say("cleaning");
            pending::<()>().await;
        },
    )
    .await;
}

async fn ends_by_itself() -> i32 {
    let reader = thread::spawn(|| std::io::stdin().read_line(&mut String::new()).unwrap());
    let _task = spawn(finally(pending::<()>(), move || async move {
        say("ready");
        // The Ctrl-C that comes now finds main done, and cuts nothing short.
        while !reader.is_finished() {
            sleep(Duration::from_millis(1)).await;
        }
        say("the task has cleaned up");
    }));
    sleep(Duration::from_millis(5)).await;
    7
}

fn exit_with(status: i32) {
    std::process::exit(status);
}

const ROLES: &[Role] = &[
    ("waits, single", || run_cancellable_main(single(), waits_for_ever())),
    ("waits, multi", || run_cancellable_main(multi(), waits_for_ever())),
    ("never cleans up, single", || run_cancellable_main(single(), never_cleans_up())),
    ("never cleans up, multi", || run_cancellable_main(multi(), never_cleans_up())),
    ("ends by itself, single", || exit_with(run_cancellable_main(single(), ends_by_itself()))),
    ("ends by itself, multi", || exit_with(run_cancellable_main(multi(), ends_by_itself()))),
    ("blocks", || {
        run_cancellable_main(multi(), async {
            say("ready");
            thread::sleep(LONG);
        });
    }),
    ("before the first wait", || {
        run_cancellable_main(single(), async {
            raise_interrupt();
            say("ready");
            pending::<()>().await;
        });
    }),
    ("afterwards", || {
        run_cancellable_main(single(), async {});
        say("ready");
        thread::sleep(LONG);
    }),
    ("panics", || {
        let main = || run_cancellable_main(single(), async { panic!("main's own panic") });
        assert!(std::panic::catch_unwind(main).is_err());
        say("ready");
        thread::sleep(LONG);
    }),
    ("listens too", || {
        run_cancellable_main(multi(), async {
            let mut pressed = signal::signal(signal::SignalKind::interrupt()).unwrap();
            let task = spawn(finally(
                async move {
                    say("ready");
                    pressed.recv().await;
                    say("pressed");
                    pending::<()>().await;
                },
                || async { say("the task has cleaned up") },
            ));
            let _ = task.await;
        });
    }),
];

fn raise_interrupt() {
    // SAFETY: the call takes a number.
    assert_eq!(unsafe { libc::raise(libc::SIGINT) }, 0);
}

/// Does nothing, except in a process that `roles::start` has started.
#[test]
fn role() {
    roles::play(ROLES);
}

#[test]
fn the_first_ctrl_c_cancels_main_and_everything_is_cleaned_up() {
    for role in ["waits, single", "waits, multi"] {
        let mut child = roles::start(role);
        child.press_ctrl_c();
        assert!(child.says("main has cleaned up"), "{role}");
        assert!(child.says("the task has cleaned up"), "{role}");
        assert!(!child.says("main went on"), "{role}");
        assert_eq!(child.end().code(), Some(130), "{role}");
    }
}

#[test]
fn a_ctrl_c_before_the_first_wait_cancels_main() {
    let child = roles::start("before the first wait");
    assert_eq!(child.end().code(), Some(130));
}

#[test]
fn g03_the_second_ctrl_c_ends_a_process_that_does_not_end_by_itself() {
    for role in ["never cleans up, single", "never cleans up, multi"] {
        let mut child = roles::start(role);
        child.press_ctrl_c();
        assert!(child.says("cleaning"), "{role}");
        child.press_ctrl_c();
        assert_eq!(child.end().code(), Some(130), "{role}");
    }
}

#[test]
fn g03_the_second_ctrl_c_ends_a_process_whose_main_blocks() {
    let child = roles::start("blocks");
    assert_eq!(child.press_until_it_ends().code(), Some(130));
}

#[test]
fn a_main_that_ends_by_itself_keeps_its_result_whatever_is_pressed_meanwhile() {
    for role in ["ends by itself, single", "ends by itself, multi"] {
        let mut child = roles::start(role);
        child.press_ctrl_c();
        child.answer();
        assert!(child.says("the task has cleaned up"), "{role}");
        assert_eq!(child.end().code(), Some(7), "{role}");
    }
}

#[test]
fn g03_after_main_ctrl_c_does_what_it_did_before() {
    for role in ["afterwards", "panics"] {
        let child = roles::start(role);
        child.press_ctrl_c();
        assert_eq!(child.end().signal(), Some(libc::SIGINT), "{role}");
    }
}

#[test]
fn other_listeners_hear_the_ctrl_c_too() {
    let mut child = roles::start("listens too");
    child.press_ctrl_c();
    assert!(child.says("the task has cleaned up"));
    assert_eq!(child.end().code(), Some(130));
}
