//! The table that holds corio's channels and locks against those of other crates, all on corio's
//! executor, so that the primitive alone makes the difference.

use crate::compare::Row;
use crate::rt::peers::ORDERS;
use crate::runtime::{Flavor, Peer, Runtime};
use crate::sample::Metric;
use crate::stats::Spread;
use std::fmt::Write;

const NAME_WIDTH: usize = 32;
const CELL_WIDTH: usize = 9;
const RATIO_WIDTH: usize = 8;

/// The table for `flavor`; nothing when no other crate took part.
pub(crate) fn render(out: &mut String, rows: &[Row], flavor: Flavor) {
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| flavor.peers().any(|(_, runtime)| row.cell(runtime).is_some()))
        .collect();
    if rows.is_empty() {
        return;
    }
    let title = flavor.title();
    let _ = writeln!(
        out,
        "\nchannels and locks on corio's executor, {title}: medians; in brackets, how many times \
         better corio's own are"
    );
    let mut head = format!("{:NAME_WIDTH$} {:>CELL_WIDTH$}", "", "corio");
    for (peer, _) in flavor.peers() {
        let _ = write!(head, " {:>CELL_WIDTH$} {:RATIO_WIDTH$}", peer.title(), "");
    }
    line(out, &format!("{head}  against the best of them"));
    for row in rows {
        for metric in row.workload.metrics() {
            line(out, &metric_line(row, *metric, flavor));
        }
    }
    if flavor == Flavor::Current {
        orders(out);
    }
}

fn metric_line(row: &Row, metric: Metric, flavor: Flavor) -> String {
    let mut text = format!("{:<NAME_WIDTH$}", format!("{} {}", row.workload.name, metric.name()));
    let shown = |runtime: Runtime| {
        let spread = row.cell(runtime).and_then(|cell| cell.spread(metric));
        spread.map_or("-".to_owned(), |spread| metric.show(spread.median))
    };
    let _ = write!(text, " {:>CELL_WIDTH$}", shown(flavor.corio()));
    for (_, runtime) in flavor.peers() {
        let ratio = row.against(runtime, metric).map(|ratio| format!("[{:.2}x]", ratio.median));
        let ratio = ratio.unwrap_or_default();
        let _ = write!(text, " {:>CELL_WIDTH$} {ratio:RATIO_WIDTH$}", shown(runtime));
    }
    if let Some((peer, Spread { min, median, max })) = best(row, metric, flavor) {
        let _ = write!(text, "  {} {median:.2}x {min:.2}-{max:.2}", peer.title());
    }
    text
}

/// The crate that corio is least far ahead of, or furthest behind.
fn best(row: &Row, metric: Metric, flavor: Flavor) -> Option<(Peer, Spread)> {
    let against = |(peer, runtime)| Some((peer, row.against(runtime, metric)?));
    flavor.peers().filter_map(against).min_by(|a, b| a.1.median.total_cmp(&b.1.median))
}

/// What each crate promises to those who wait.
fn orders(out: &mut String) {
    line(out, "\nwho gets what becomes free: a lock; a place in a bounded channel");
    for order in ORDERS {
        let lock = order.lock.map_or("no locks".to_owned(), |lock| lock.to_string());
        let (name, send) = (order.name, order.send);
        let loses = if order.loses { "; a cancelled receive may lose a message" } else { "" };
        line(out, &format!("  {name:10} {lock:26} {send}{loses}"));
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
    fn corio_is_held_against_each_crate_and_the_best() {
        let mut out = String::new();
        let mut row = row("mpsc_1_64");
        let flume = Runtime::named("with-flume-current").unwrap();
        let cell = row.cells.iter_mut().find(|cell| cell.runtime == flume).unwrap();
        cell.samples.iter_mut().flatten().for_each(|sample| sample.cpu_ns /= 4.0);
        render(&mut out, &[row], Flavor::Current);
        let line = out.lines().find(|line| line.starts_with("mpsc_1_64 CPU/op")).unwrap();
        assert!(line.contains("200.0 ns [2.00x]"), "{line}");
        assert!(line.ends_with("flume 0.50x 0.50-0.50"), "{line}");
        assert!(out.contains("may be overtaken"), "{out}");
    }

    #[test]
    fn there_is_no_table_without_other_crates() {
        let mut out = String::new();
        render(&mut out, &[row("spawn_await_1_main")], Flavor::Multi);
        assert_eq!(out, "");
    }
}
