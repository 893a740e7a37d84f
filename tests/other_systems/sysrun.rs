//! runners and the keyboard interrupt.

use std::future::pending;
use std::os::unix::process::ExitStatusExt;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use corio::blocking::check_cancelled;
use corio::runtime::{Builder, UnawaitedPanic};
use corio::task::ContextVars;
use corio::time::sleep;
use corio::{catch_cancel, context_var, finally, spawn, spawn_blocking};

use crate::common::{LONG, Log, OnDrop, multi, single};
use crate::mains::{cancels_itself, cleans_up_for_ever};
use crate::roles::{self, InRole, Role, say};

context_var! {
    static NUMBER: i32 = -1;
}

const SIGINT: i32 = 2;

/// The text of a panic.
fn panic_of(f: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(f)).unwrap_err();
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned())
}

/// `run` gives main's value or error, also of a future that is not `Send`; its panic comes out when
/// everything has ended.
#[test]
fn sysrun_01_run_gives_what_main_comes_to() {
    let local = Rc::new(7);
    assert_eq!(corio::run(async { *local }), 7);
    assert_eq!(corio::run(async { Err::<(), _>("failed") }), Err("failed"));
    let log = Log::default();
    let text = panic_of(|| {
        corio::run(async {
            drop(spawn(log.endless("cleaned up")));
            log.entered(1).await;
            panic!("as planned");
        });
    });
    assert_eq!((text.as_str(), log.get()), ("as planned", vec!["cleaned up".to_owned()]));
}

/// What main leaves behind is cancelled and cleaned up, and what is spawned meanwhile too; a failure in it
/// is reported once; a cleanup that never ends is given up after the limit.
#[test]
fn sysrun_02_what_is_left_is_cancelled_and_cleaned_up() {
    struct PanicsAndSpawns(Log);
    impl Drop for PanicsAndSpawns {
        fn drop(&mut self) {
            let guard = OnDrop(self.0.clone(), "what was spawned at the end was dropped");
            drop(spawn(async move {
                let _guard = guard;
                unreachable!("the runtime is ending");
            }));
            panic!("as planned");
        }
    }
    let (log, reports) = (Log::default(), Log::default());
    let ours = reports.clone();
    let note = move |panic: &UnawaitedPanic<'_>| ours.add(panic.to_string());
    let runtime = Builder::new_current_thread().on_panic(note).build().unwrap();
    runtime.block_on(async {
        drop(spawn(log.endless("cleaned up")));
        log.entered(1).await;
        let guard = PanicsAndSpawns(log.clone());
        drop(spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        }));
        corio::yield_now().await;
    });
    drop(runtime);
    let mut seen = log.get();
    seen.sort();
    assert_eq!(seen, ["cleaned up", "what was spawned at the end was dropped"]);
    assert_eq!(reports.get().len(), 1, "{:?}", reports.get());

    let runtime = single();
    let log = Log::default();
    let guard = OnDrop(log.clone(), "the cleanup was dropped");
    runtime.block_on(async {
        let work = finally(pending::<()>(), move || async move {
            let _guard = guard;
            pending::<()>().await;
        });
        drop(spawn(work));
        corio::yield_now().await;
    });
    runtime.shutdown_timeout(Duration::from_millis(5));
    assert_eq!(log.get(), ["the cleanup was dropped"]);
}

/// At the end first the tasks clean up and calls return, then the threads stop, then `drop` returns.
#[test]
fn sysrun_03_everything_ends_in_order() {
    let log = Log::default();
    let stopped = log.clone();
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_stop(move || stopped.add("a thread has stopped"))
        .build()
        .unwrap();
    let (started, is_started) = std::sync::mpsc::channel();
    runtime.block_on(async {
        drop(spawn(log.endless("cleaned up")));
        log.entered(1).await;
        let ours = log.clone();
        drop(spawn_blocking(move || {
            started.send(()).unwrap();
            while check_cancelled().is_ok() {
                std::thread::yield_now();
            }
            ours.add("the call has returned");
        }));
        log.add("main has ended");
    });
    is_started.recv().unwrap();
    drop(runtime);
    log.add("the runtime has ended");
    let mut seen = log.get();
    assert_eq!(seen.remove(0), "main has ended");
    assert_eq!(seen.pop().unwrap(), "the runtime has ended");
    let threads = seen.split_off(2);
    seen.sort();
    assert_eq!(seen, ["cleaned up", "the call has returned"]);
    assert!(!threads.is_empty() && threads.iter().all(|t| t == "a thread has stopped"));
}

/// Running within running is a clear panic on the same thread, and allowed on a thread for calls.
#[test]
fn sysrun_04_running_within_running_is_a_clear_panic() {
    for runtime in [single(), multi(1)] {
        runtime.block_on(async {
            let text = panic_of(|| corio::run(async {}));
            assert!(text.contains("spawn_blocking"), "{text}");
            let inside = spawn_blocking(|| corio::run(async { spawn(async { 7 }).await.unwrap() }));
            assert_eq!(inside.await.unwrap(), 7);
        });
    }
}

/// A runtime may be used several times: tasks go on, and variables are kept if that is asked for.
#[test]
fn sysrun_05_a_runtime_may_be_used_several_times() {
    let runtime = single();
    let (ask, mut asked) = corio::sync::mpsc::channel(1);
    let served = runtime.spawn(async move {
        let mut sum = 0;
        while let Some(n) = asked.recv().await {
            sum += n;
        }
        sum
    });
    runtime.block_on(async { ask.send(3).await.unwrap() });
    runtime.block_on(async { ask.send(4).await.unwrap() });
    drop(ask);
    assert_eq!(runtime.block_on(served).unwrap(), 7);

    let mut kept = ContextVars::empty();
    let seen = [1, 2, 3].map(|next| {
        let (seen, now) = kept.run(|| {
            runtime.block_on(async {
                let seen = NUMBER.get();
                NUMBER.set(next);
                (seen, ContextVars::capture())
            })
        });
        kept = now;
        seen
    });
    assert_eq!(seen, [-1, 1, 2]);
    assert_eq!(runtime.block_on(async { NUMBER.get() }), -1);
}

/// A runtime that is not used starts no thread.
#[test]
fn sysrun_06_a_runtime_that_is_not_used_starts_no_thread() {
    let started = Arc::new(AtomicUsize::new(0));
    for builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let ours = started.clone();
        let count = move || {
            ours.fetch_add(1, SeqCst);
        };
        let runtime = builder.on_thread_start(count).build().unwrap();
        assert_eq!(runtime.metrics().worker_threads, 0);
        drop(runtime);
    }
    assert_eq!(started.load(SeqCst), 0);
}

/// Waits for ever, with a task that does, and takes a while to clean up.
#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn waits() {
    let log = Log::default();
    drop(spawn(finally(log.endless("task"), || async { say("the task has cleaned up") })));
    log.entered(1).await;
    let body = async {
        say("ready");
        pending::<()>().await;
    };
    let cleanup = || async {
        sleep(Duration::from_millis(5)).await;
        say("main has cleaned up");
    };
    finally(body, cleanup).await;
}

/// Takes the request, and has a result of its own.
#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn takes_it() -> i32 {
    let body = async {
        say("ready");
        pending::<()>().await;
    };
    if catch_cancel(body).await.is_err() { 5 } else { 6 }
}

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn computes_for_ever() {
    say("ready");
    loop {
        std::hint::spin_loop();
    }
}

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn is_interrupted_at_once() {
    roles::interrupt(std::process::id());
    say("ready");
    pending::<()>().await;
}

/// Ends by itself; a cleanup then runs until it is answered.
#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn ends_by_itself() -> i32 {
    let log = Log::default();
    let reader = std::thread::spawn(|| std::io::stdin().read_line(&mut String::new()).unwrap());
    drop(spawn(finally(log.endless("task"), move || async move {
        say("ready");
        while !reader.is_finished() {
            sleep(Duration::from_millis(1)).await;
        }
        say("the task has cleaned up");
    })));
    log.entered(1).await;
    7
}

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
async fn ends() -> u8 {
    7
}

/// Runs twice, and then waits without a runtime.
fn runs_twice() {
    assert_eq!((ends(), ends()), (7, 7));
    say("ready");
    std::thread::sleep(LONG);
}

/// Waits for ever without having asked for Ctrl-C.
fn does_not_ask() {
    let waits = || {
        corio::run(async {
            say("ready");
            pending::<()>().await;
        });
    };
    std::thread::spawn(waits).join().unwrap();
}

/// Leaves tasks behind that write a part of a line.
fn leaves_a_part_of_a_line() {
    use std::io::Write;
    say("ready");
    corio::run(async {
        let log = Log::default();
        drop(spawn(finally(log.endless("task"), || async {
            write!(std::io::stdout().lock(), "\npart of a line").unwrap();
        })));
        log.entered(1).await;
    });
    std::process::exit(0);
}

const ROLES: &[Role] = &[
    ("waits", waits),
    ("takes it", || std::process::exit(takes_it())),
    ("cleans up for ever", cleans_up_for_ever),
    ("computes for ever", computes_for_ever),
    ("cancels itself", cancels_itself),
    ("is interrupted at once", is_interrupted_at_once),
    ("ends by itself", || std::process::exit(ends_by_itself())),
    ("runs twice", runs_twice),
    ("does not ask", does_not_ask),
    ("leaves a part of a line", leaves_a_part_of_a_line),
];

/// Does nothing, except in a process that [`InRole`] has started.
#[test]
fn role() {
    roles::play(ROLES);
}

fn start(role: &str) -> InRole {
    InRole::start("sysrun::role", role)
}

/// Ctrl-C while main waits: everything is cleaned up, the status stands for Ctrl-C, and there is no word of
/// a panic.
#[test]
fn sysrun_07_ctrl_c_cleans_up_and_tells_the_status() {
    let mut child = InRole::start_heard("sysrun::role", "waits");
    child.press_ctrl_c();
    assert!(child.says("main has cleaned up"));
    assert!(child.says("the task has cleaned up"));
    let (status, errors) = child.end_with_errors();
    assert_eq!(status.code(), Some(130));
    assert!(!errors.contains("panicked"), "{errors}");
}

/// A main that takes the request ends with its own result.
#[test]
fn sysrun_08_a_main_that_takes_the_request_has_its_own_result() {
    let child = start("takes it");
    child.press_ctrl_c();
    assert_eq!(child.end().code(), Some(5));
}

/// The second Ctrl-C ends the process at once, whether a cleanup hangs or main computes for ever.
#[test]
fn sysrun_09_the_second_ctrl_c_ends_the_process() {
    let mut child = start("cleans up for ever");
    child.press_ctrl_c();
    assert!(child.says("cleaning up"));
    child.press_ctrl_c();
    assert_eq!(child.end().code(), Some(130));
    assert_eq!(start("computes for ever").press_until_it_ends().code(), Some(130));
}

/// A main that something else has cancelled is an error that says so, not Ctrl-C.
#[test]
fn sysrun_10_a_main_that_is_cancelled_by_something_else_is_an_error() {
    let (status, errors) = InRole::start_heard("sysrun::role", "cancels itself").end_with_errors();
    assert!(!matches!(status.code(), None | Some(0 | 130)), "{status}");
    assert!(errors.contains("was cancelled"), "{errors}");
    let text = panic_of(|| {
        single().block_on(async {
            corio::task::current().cancel();
            pending::<()>().await;
        });
    });
    assert!(text.contains("was cancelled"), "{text}");
}

/// Ctrl-C before main waits for the first time is not lost; while the runtime ends it changes nothing.
#[test]
fn sysrun_11_ctrl_c_at_the_beginning_and_at_the_end() {
    assert_eq!(start("is interrupted at once").end().code(), Some(130));
    let mut child = start("ends by itself");
    child.press_ctrl_c();
    child.answer();
    assert!(child.says("the task has cleaned up"));
    assert_eq!(child.end().code(), Some(7));
}

/// After main Ctrl-C does what it did before, also when there was a second main.
#[test]
fn sysrun_12_afterwards_ctrl_c_does_what_it_did_before() {
    let child = start("runs twice");
    child.press_ctrl_c();
    assert_eq!(child.end().signal(), Some(SIGINT));
}

/// Who has not asked for Ctrl-C has the system's.
#[test]
fn sysrun_13_without_asking_ctrl_c_ends_the_process() {
    let child = start("does not ask");
    child.press_ctrl_c();
    assert_eq!(child.end().signal(), Some(SIGINT));
}

/// The attribute takes a main of any return type, and makes it a plain function.
#[test]
fn sysrun_14_a_main_may_return_what_it_likes() {
    #[corio::main]
    async fn nothing() {}
    #[corio::main(worker_threads = 2)]
    async fn code() -> ExitCode {
        ExitCode::from(7)
    }
    #[corio::main(flavor = "multi_thread")]
    async fn result() -> Result<u8, Box<dyn std::error::Error>> {
        Ok("7".parse::<u8>()? + spawn(async { 1 }).await?)
    }
    #[corio::main(flavor = "current_thread", seed = 7)]
    async fn option() -> Option<u8> {
        Some(5)
    }
    nothing();
    assert_eq!(format!("{:?}", code()), format!("{:?}", ExitCode::from(7)));
    assert_eq!((result().unwrap(), option()), (8, Some(5)));
}

/// What tasks print while they end is printed, to the last part of a line.
#[test]
fn sysrun_16_what_is_printed_at_the_end_is_printed() {
    let mut child = start("leaves a part of a line");
    assert!(child.says("part of a line"));
    assert_eq!(child.end().code(), Some(0));
}
