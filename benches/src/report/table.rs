//! The table on the terminal.

use super::peers;
use super::verdict::Verdict;
use crate::compare::{Outcome, Row};
use crate::runtime::{FLAVORS, Flavor, Library, Runtime};
use crate::sample::Metric;
use crate::stats::Spread;
use std::fmt::Write;

const NAME_WIDTH: usize = 32;
const CELL_WIDTH: usize = 13;
const RATIO_WIDTH: usize = 20;

/// The whole report as text: a table for each flavour, one with other crates' primitives, the verdict,
/// then what failed.
pub(crate) fn render(outcome: &Outcome) -> String {
    let rows = &outcome.rows;
    let mut out = String::new();
    for flavor in FLAVORS {
        table(&mut out, rows, flavor);
    }
    for flavor in FLAVORS {
        peers::render(&mut out, rows, flavor);
    }
    for flavor in FLAVORS {
        verdict(&mut out, rows, flavor);
    }
    failures(&mut out, rows);
    if let Some(share) = outcome.disturbance {
        let percent = share * 100.0;
        line(&mut out, &format!("\nother processes took {percent:.0} % of the machine meanwhile"));
    }
    out
}

fn table(out: &mut String, rows: &[Row], flavor: Flavor) {
    let runtimes: Vec<Runtime> = flavor
        .side_by_side()
        .filter(|runtime| rows.iter().any(|row| row.cell(*runtime).is_some()))
        .collect();
    let title = flavor.title();
    line(out, &format!("\n{title}: medians; in brackets, times better than tokio, lowest-highest"));
    let mut head = format!("{:NAME_WIDTH$}", "");
    for runtime in &runtimes {
        let _ = write!(head, " {:>CELL_WIDTH$}", runtime.name);
        if runtime.library != Library::Tokio {
            let _ = write!(head, " {:RATIO_WIDTH$}", "");
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
            line(out, &metric_line(row, *metric, flavor, &runtimes));
        }
    }
}

fn metric_line(row: &Row, metric: Metric, flavor: Flavor, runtimes: &[Runtime]) -> String {
    let mut text = format!("{:<NAME_WIDTH$}", format!("{} {}", row.workload.name, metric.name()));
    for runtime in runtimes {
        let value = row.cell(*runtime).and_then(|cell| cell.spread(metric));
        let shown = value.map_or("-".to_owned(), |value| metric.show(value.median));
        let _ = write!(text, " {shown:>CELL_WIDTH$}");
        if runtime.library != Library::Tokio {
            let ratio = row
                .ratio(*runtime, flavor, metric)
                .map(|ratio| format!("[{:.2}x {:.2}-{:.2}]", ratio.median, ratio.min, ratio.max));
            let _ = write!(text, " {:RATIO_WIDTH$}", ratio.unwrap_or_default());
        }
    }
    text
}

/// Says where corio stands against tokio: the mean of each group, and every figure that is below its floor.
fn verdict(out: &mut String, rows: &[Row], flavor: Flavor) {
    let verdict = Verdict::of(rows, flavor);
    if verdict.judged == 0 {
        return;
    }
    let title = flavor.title();
    line(out, &format!("\ncorio against tokio, {title}: geometric means of the ratios"));
    for mean in &verdict.means {
        line(out, &format!("  {:18} {:10} {:.2}x", mean.group, mean.metric.name(), mean.ratio));
    }
    let (judged, worse) = (verdict.judged, verdict.worse.len());
    line(out, &format!("{worse} of {judged} figures are below their floor"));
    for figure in &verdict.worse {
        let Spread { min, median, max } = figure.ratio;
        let (name, metric, floor) = (figure.workload, figure.metric.name(), figure.floor);
        let always = if max < floor { "  in every round" } else { "" };
        let range = format!("{median:.2}x {min:.2}-{max:.2}");
        line(out, &format!("  {name:26} {metric:10} {range}, floor {floor:.1}x{always}"));
    }
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
        let rows = vec![row("mutex"), row("echo_64_1")];
        let text = render(&Outcome { rows, disturbance: Some(0.25) });
        assert!(text.contains("took 25 % of the machine"), "{text}");
        let mutex = text.lines().find(|line| line.starts_with("mutex time/op")).unwrap();
        assert!(mutex.contains("200.0 ns [3.00x 3.00-3.00]"), "{mutex}");
        assert!(text.contains("-- locks") && text.contains("-- echo"), "{text}");
        assert!(!text.contains("FAILED"));
        assert!(text.contains("0 of 7 figures are below their floor"), "{text}");
    }

    #[test]
    fn failures_are_named() {
        let mut row = row("mutex");
        row.cells[1].errors.push("it fell over".to_owned());
        row.cells[1].samples = vec![None, None, None];
        let text = render(&Outcome { rows: vec![row], disturbance: None });
        assert!(text.contains("FAILED 1x: mutex on tokio-multi: it fell over"), "{text}");
    }
}
