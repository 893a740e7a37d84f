//! The table on the terminal.

use crate::compare::{Row, side_by_side};
use crate::runtime::{Flavor, Library, Runtime, WORKERS};
use crate::sample::Metric;
use std::fmt::Write;

const NAME_WIDTH: usize = 32;
const CELL_WIDTH: usize = 11;

/// The whole report as text: a table for each flavour, then what failed.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut out = String::new();
    for flavor in [Flavor::Multi, Flavor::Current] {
        table(&mut out, rows, flavor);
    }
    failures(&mut out, rows);
    out
}

fn table(out: &mut String, rows: &[Row], flavor: Flavor) {
    let runtimes: Vec<Runtime> = side_by_side(flavor)
        .into_iter()
        .filter(|runtime| rows.iter().any(|row| row.cell(*runtime).is_some()))
        .collect();
    let threads = match flavor {
        Flavor::Multi => format!("multi-thread, {WORKERS} workers"),
        Flavor::Current => "current-thread".to_owned(),
    };
    line(
        out,
        &format!(
            "\n{threads}. Medians; in brackets: x better than tokio (lowest to highest round)."
        ),
    );
    let mut head = format!("{:NAME_WIDTH$}", "");
    for runtime in &runtimes {
        let _ = write!(head, " {:>CELL_WIDTH$}", runtime.name);
        if runtime.library != Library::Tokio {
            let _ = write!(head, " {:20}", "");
        }
    }
    line(out, &head);
    let mut group = "";
    for row in rows {
        if row.workload.group != group {
            group = row.workload.group;
            line(out, &format!("-- {group}"));
        }
        for metric in row.workload.metrics() {
            line(out, &metric_line(row, *metric, &runtimes));
        }
    }
}

fn metric_line(row: &Row, metric: Metric, runtimes: &[Runtime]) -> String {
    let mut text = format!("{:<NAME_WIDTH$}", format!("{} {}", row.workload.name, metric.name()));
    for runtime in runtimes {
        let value = row.cell(*runtime).and_then(|cell| cell.spread(metric));
        let shown = value.map_or("-".to_owned(), |value| metric.show(value.median));
        let _ = write!(text, " {shown:>CELL_WIDTH$}");
        if runtime.library != Library::Tokio {
            let ratio = row
                .ratio(*runtime, metric)
                .map(|ratio| format!("[{:.2}x {:.2}-{:.2}]", ratio.median, ratio.min, ratio.max));
            let _ = write!(text, " {:20}", ratio.unwrap_or_default());
        }
    }
    text
}

/// Lists every measurement that failed, with the reason.
fn failures(out: &mut String, rows: &[Row]) {
    for row in rows {
        for cell in row.cells.iter().filter(|cell| !cell.errors.is_empty()) {
            let (name, times) = (row.workload.name, cell.errors.len());
            let runtime = cell.runtime.name;
            line(out, &format!("FAILED {times}x: {name} on {runtime}: {}", cell.errors[0]));
        }
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::row;

    #[test]
    fn the_table_shows_medians_and_ratios() {
        let text = render(&[row("mutex"), row("echo_64_1")]);
        let mutex = text.lines().find(|line| line.starts_with("mutex time/op")).unwrap();
        assert!(mutex.contains("200 ns [3.00x 3.00-3.00]"), "{mutex}");
        assert!(text.contains("-- locks") && text.contains("-- echo"), "{text}");
        assert!(!text.contains("FAILED"));
    }

    #[test]
    fn failures_are_named() {
        let mut row = row("mutex");
        row.cells[1].errors.push("it fell over".to_owned());
        row.cells[1].samples = vec![None, None, None];
        let text = render(&[row]);
        assert!(text.contains("FAILED 1x: mutex on tokio-multi: it fell over"), "{text}");
    }
}
