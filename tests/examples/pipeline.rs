//! The pipeline.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::program::{example, output, text};

#[test]
fn the_pipeline_loses_nothing_in_its_queues() {
    let pipeline = output("pipeline", &["--items", "1000", "--workers", "3", "--queue", "2"]);
    let report = text(&pipeline.stdout);
    assert!(pipeline.status.success(), "{report} {}", text(&pipeline.stderr));
    for stage in ["read", "parse", "test"] {
        assert!(report.contains(&format!("{stage}: closed after 1000 items\n")), "{report}");
    }
    assert!(report.contains("1000 numbers, 168 of them prime, in "), "{report}");
}

#[test]
fn the_pipeline_ends_with_the_first_error_and_holds_up_who_is_ahead() {
    let path = std::env::temp_dir().join(format!("corio-pipeline-{}", std::process::id()));
    let mut lines: Vec<_> = (1..=1000).map(|n| n.to_string()).collect();
    lines[9] = "x".to_owned();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let name = path.to_str().unwrap();
    let pipeline = output("pipeline", &[name, "--workers", "1", "--queue", "1"]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(pipeline.status.code(), Some(1));
    let error = text(&pipeline.stderr);
    assert!(error.contains("line 10: `x`: invalid digit"), "{error}");

    let report = text(&pipeline.stdout);
    let count = |stage: &str| {
        let start = format!("{stage}: closed after ");
        let line = report.lines().find_map(|line| line.strip_prefix(&start)).expect(stage);
        line.strip_suffix(" items").unwrap().parse::<u64>().unwrap()
    };
    // Ten were taken (the last perhaps before it was counted), and one waits in the queue: the reader could
    // not get further ahead.
    assert!((9..=11).contains(&count("read")), "{report}");
    assert_eq!(count("parse"), 9, "{report}");
    assert!(count("test") <= 9, "{report}");
}

#[test]
fn the_pipeline_runs_its_cleanups_on_ctrl_c() {
    let mut pipeline = example("pipeline")
        .args(["--items", &u32::MAX.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(pipeline.stdout.take().unwrap()).lines().map(Result::unwrap);
    // By then every stage has begun: one that has not has nothing to clean up.
    assert!(lines.next().unwrap().starts_with("the first came through after "));
    let kill = format!("kill -INT {}", pipeline.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(pipeline.wait().unwrap().code(), Some(130));
    let mut closed: Vec<_> =
        lines.map(|line| line.split_once(": closed after ").unwrap().0.to_owned()).collect();
    closed.sort();
    assert_eq!(closed, ["parse", "read", "test"]);
}
