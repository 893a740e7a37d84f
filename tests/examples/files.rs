//! `tail` and `parallel-shell`: files that grow, and children of the process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{LONG, example, output, text};

#[test]
fn tail_prints_the_last_lines_and_follows() {
    let path = std::env::temp_dir().join(format!("corio-tail-{}", std::process::id()));
    std::fs::write(&path, "1\n2\n3\n4\n").unwrap();
    let input = std::fs::File::open(&path).unwrap();
    let last = example("tail").args(["--lines", "2"]).stdin(input).output().unwrap();
    assert_eq!(text(&last.stdout), "3\n4\n");

    let name = path.to_str().unwrap();
    let mut tail =
        example("tail").args([name, "--lines", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "4");
    let mut log = std::fs::File::options().append(true).open(&path).unwrap();
    log.write_all(b"appended\n").unwrap();
    assert_eq!(next(), "appended");
    // Renamed away and replaced, as a log is.
    let old = path.with_extension("old");
    std::fs::rename(&path, &old).unwrap();
    std::fs::write(&path, "another\n").unwrap();
    assert_eq!(next(), "another");
    // Cut.
    std::fs::write(&path, "cut\n").unwrap();
    assert_eq!(next(), "cut");
    let kill = format!("kill -INT {}", tail.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert!(tail.wait().unwrap().success());
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(&old).unwrap();
}

#[test]
fn parallel_shell_prints_what_ends_first_first() {
    let shell = output("parallel-shell", &["--jobs", "2", "sleep 0.5; echo slow", "echo quick"]);
    assert!(shell.status.success(), "{}", text(&shell.stderr));
    let lines = text(&shell.stdout);
    let said: Vec<_> = lines.lines().filter(|line| !line.contains(" after ")).collect();
    assert_eq!(said, ["$ echo quick", "quick", "$ sleep 0.5; echo slow", "slow"]);
}

#[test]
fn parallel_shell_ends_with_the_first_failure() {
    let shell = output("parallel-shell", &["sleep 1000", "echo hello >&2; exit 3", "sleep 1000"]);
    assert_eq!(shell.status.code(), Some(1));
    assert!(text(&shell.stdout).contains("hello\n"), "{}", text(&shell.stdout));
    let error = text(&shell.stderr);
    assert!(error.contains("`echo hello >&2; exit 3`: exit status: 3"), "{error}");
}

#[test]
fn parallel_shell_leaves_nothing_behind_on_ctrl_c() {
    let file = std::env::temp_dir().join(format!("corio-parallel-shell-{}", std::process::id()));
    let line = format!("sleep 1000 & echo $$ $! > '{}'; wait", file.display());
    let mut shell = example("parallel-shell").args([&line, "sleep 1000"]).spawn().unwrap();
    let wait = |what: &str, is_so: &dyn Fn() -> bool| {
        let start = std::time::Instant::now();
        while !is_so() {
            assert!(start.elapsed() < LONG, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let ids = || std::fs::read_to_string(&file).unwrap_or_default();
    wait("the line does not run", &|| ids().ends_with('\n'));
    let ids = ids();
    let kill = |args: &str| Command::new("sh").args(["-c", &format!("kill {args} 2>&-")]).status();
    assert!(kill(&format!("-INT {}", shell.id())).unwrap().success());
    assert_eq!(shell.wait().unwrap().code(), Some(130));
    for id in ids.split_whitespace() {
        wait("it is still there", &|| !kill(&format!("-0 {id}")).unwrap().success());
    }
    std::fs::remove_file(&file).unwrap();
}
