//! The program as its users start it: what it prints, what it writes, and that every workload does
//! its work on every runtime (the program itself refuses a sample whose count is wrong).

use std::path::PathBuf;
use std::process::{Command, Output};

fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_corio-bench")).args(args).output().expect("the program")
}

fn stdout(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Runs the workloads whose names begin with `name` as small as they can be, and returns the table.
fn smoke(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("smoke-{name}"));
    let out = folder.to_str().expect("a path that is text");
    let table = stdout(&bench(&["run", name, "--smoke", "--out", out]));
    assert!(!table.contains("FAILED"), "{table}");
    for file in ["compare.json", "compare.html"] {
        let text = std::fs::read_to_string(folder.join(file)).expect(file);
        assert!(text.contains(name), "{file}");
    }
    table
}

#[test]
fn the_list_names_workloads_and_runtimes() {
    let list = stdout(&bench(&["list"]));
    for name in
        ["spawn_await_1000_main", "echo_64k_10000", "churn", "tokio-current", "with-flume-multi"]
    {
        assert!(list.contains(name), "{name}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told_before_anything_is_measured() {
    let output = bench(&["run", "mutex", "--smoke", "--out", "/dev/null/figures"]);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("/dev/null/figures"), "{errors}");
}

#[test]
fn spawns_yields_and_ping_pongs_do_their_work() {
    for name in ["spawn", "chained", "yield", "ping_pong"] {
        smoke(name);
    }
}

#[test]
fn channels_deliver_every_message() {
    for name in ["oneshot", "mpsc", "mpmc", "broadcast", "watch"] {
        smoke(name);
    }
}

#[test]
fn locks_let_everyone_in() {
    for name in ["mutex", "rwlock", "semaphore", "barrier", "once_cell", "notify"] {
        smoke(name);
    }
}

#[test]
fn groups_and_cancelled_tasks_end() {
    for name in ["group", "select", "join", "cancel", "plain", "cleanup"] {
        smoke(name);
    }
}

#[test]
fn other_crates_stand_beside_corio() {
    let table = smoke("mpsc_1_64");
    for title in
        ["on corio's executor", "tachyonix", "against the best of them", "may be overtaken"]
    {
        assert!(table.contains(title), "{table}");
    }
}

#[test]
fn timers_and_memory_are_measured() {
    for name in ["timeout", "sleep", "hog_ticker", "busy_ticker"] {
        smoke(name);
    }
    for name in ["start_stop", "cold_start", "task_memory", "bytes"] {
        smoke(name);
    }
}

#[test]
fn servers_answer_every_request_right() {
    for name in ["echo_64_", "echo_64k_", "hog_echo", "churn", "connection_memory"] {
        let table = smoke(name);
        assert!(table.contains("tokio-multi"), "{table}");
    }
}

#[test]
fn streams_files_and_processes_do_their_work() {
    for name in ["lines", "stream_echo", "file", "process"] {
        smoke(name);
    }
}

#[test]
fn a_peer_that_is_not_there_is_left_out_with_a_notice() {
    let output = Command::new(env!("CARGO_BIN_EXE_corio-bench"))
        .args(["run", "lines_80", "--smoke", "--runtimes", "corio-current,asyncio", "--out"])
        .arg(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("smoke-no-python"))
        .env("PATH", "")
        .output()
        .expect("the program");
    let notice = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(notice.contains("asyncio is left out: python3 cannot be started"), "{notice}");
    assert!(!stdout(&output).contains("FAILED"));
}

#[test]
fn mistakes_end_with_a_word_on_what_to_do() {
    for args in [&["run", "nothing"][..], &["race"], &["compare", "--fast"]] {
        let output = bench(args);
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            error.contains("corio-bench list") || error.contains("corio-bench help"),
            "{error}"
        );
    }
}

#[test]
fn a_loop_runs_once_for_a_profiler() {
    let said = stdout(&bench(&["once", "spawn_await_1000_main", "corio-current", "1500"]));
    assert_eq!(said, "2000 operations counted 2000\n");
    assert!(!bench(&["once", "task_memory", "corio-multi", "1"]).status.success());
}

#[test]
fn a_measuring_process_says_what_it_cannot_do() {
    let output = bench(&["__child", "measure", "watch", "smol-multi", "smoke"]);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("watch is nothing that smol-multi can do"), "{error}");
}
