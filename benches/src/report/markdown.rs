//! The table for a page of documentation: corio and tokio, both flavours side by side.

use super::machine::Machine;
use super::verdict::Verdict;
use crate::compare::{Options, Outcome, Row};
use crate::runtime::{FLAVORS, Flavor, Library, Runtime};
use crate::sample::Metric;
use crate::stats::Spread;
use std::fmt::Write;

/// The table as Markdown, with where and how it was made above it and what is below its floor under it.
pub(crate) fn render(outcome: &Outcome, options: &Options, machine: &Machine) -> String {
    let Machine { date, processor, processors, kernel, libraries } = machine;
    let (scale, rounds) = (options.scale.name(), options.rounds);
    let mut out = format!(
        "{date}, {scale} form, {rounds} rounds, on {processors} processors of an {processor}, Linux {kernel}; \
         {libraries}"
    );
    if let Some(share) = outcome.disturbance {
        let _ = write!(out, "; other processes took {:.0} % of the machine", share * 100.0);
    }
    out.push_str(
        ".\n\n| workload | figure | multi: corio / tokio | ratio | current: corio / tokio | ratio |\n\
         |---|---|---|---|---|---|\n",
    );
    for row in &outcome.rows {
        for metric in row.workload.metrics() {
            let [multi, current] = FLAVORS.map(|flavor| cells(row, flavor, *metric));
            if let (None, None) = (&multi, &current) {
                continue;
            }
            let none = || ("-".to_owned(), "-".to_owned());
            let (multi, current) = (multi.unwrap_or_else(none), current.unwrap_or_else(none));
            let (name, metric) = (row.workload.name, metric.name());
            let _ = writeln!(
                out,
                "| {name} | {metric} | {} | {} | {} | {} |",
                multi.0, multi.1, current.0, current.1
            );
        }
    }
    for flavor in FLAVORS {
        verdict(&mut out, &outcome.rows, flavor);
    }
    out
}

/// Corio's median and tokio's, and the ratio between them.
fn cells(row: &Row, flavor: Flavor, metric: Metric) -> Option<(String, String)> {
    let of = |library| flavor.side_by_side().find(|runtime: &Runtime| runtime.library == library);
    let (corio, tokio) = (of(Library::Corio)?, of(Library::Tokio)?);
    let median = |runtime| Some(row.cell(runtime)?.spread(metric)?.median);
    let ratio = row.ratio(corio, flavor, metric)?.median;
    let both = format!("{} / {}", metric.show(median(corio)?), metric.show(median(tokio)?));
    Some((both, format!("{ratio:.2}")))
}

fn verdict(out: &mut String, rows: &[Row], flavor: Flavor) {
    let verdict = Verdict::of(rows, flavor);
    if verdict.judged == 0 {
        return;
    }
    let (title, judged, worse) = (flavor.title(), verdict.judged, verdict.worse.len());
    let _ = writeln!(out, "\n{title}: {worse} of {judged} figures are below their floor.\n");
    for figure in &verdict.worse {
        let Spread { min, median, max } = figure.ratio;
        let (name, metric, floor) = (figure.workload, figure.metric.name(), figure.floor);
        let _ =
            writeln!(out, "- `{name}` {metric}: {median:.2} ({min:.2} to {max:.2}), floor {floor}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::row;
    use crate::scale::Scale;

    #[test]
    fn each_figure_is_a_line_with_both_flavours() {
        let options =
            Options { scale: Scale::Quick, rounds: 3, workloads: vec![], runtimes: vec![] };
        let outcome =
            Outcome { rows: vec![row("mutex"), row("echo_64_1")], disturbance: Some(0.5) };
        let text = render(&outcome, &options, &Machine::here());
        assert!(text.contains("quick form, 3 rounds") && text.contains("took 50 %"), "{text}");
        let mutex = text.lines().find(|line| line.starts_with("| mutex | time/op")).unwrap();
        assert!(
            mutex.contains("| 200.0 ns / 600.0 ns | 3.00 | 200.0 ns / 600.0 ns | 3.00 |"),
            "{mutex}"
        );
        assert!(text.contains("| echo_64_1 | requests/s |"), "{text}");
        assert!(text.contains("0 of 7 figures are below their floor"), "{text}");
    }
}
