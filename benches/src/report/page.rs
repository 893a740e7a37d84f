//! The page: one HTML file that needs nothing beside itself.

use super::machine::Machine;
use super::svg;
use super::verdict::Verdict;
use crate::compare::{Options, Outcome, Row};
use crate::runtime::{FLAVORS, Flavor, Library, Runtime, with_peers};
use crate::sample::Metric;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// The whole report as HTML.
pub(crate) fn render(outcome: &Outcome, options: &Options, machine: &Machine) -> String {
    let rows = &outcome.rows;
    let mut out = head(outcome, options, machine);
    for flavor in FLAVORS {
        verdict(&mut out, rows, flavor);
    }
    let mut group = "";
    for row in rows {
        if row.workload.group != group {
            group = row.workload.group;
            let _ = write!(out, "<h2>{}</h2>", escape(group));
            legend(&mut out, rows, group);
        }
        card(&mut out, row);
    }
    out.push_str("</body></html>\n");
    out
}

fn head(outcome: &Outcome, options: &Options, machine: &Machine) -> String {
    let Machine { date, processor, processors, kernel, libraries } = machine;
    let others = outcome.disturbance.map(|share| {
        format!(" Other processes took {:.0} % of the machine meanwhile.", share * 100.0)
    });
    let others = others.unwrap_or_default();
    let facts = format!(
        "{date}. {libraries}. {processors} processors, {processor}, Linux {kernel}. \
         Scale {}, {} rounds, interleaved.{others}",
        options.scale.name(),
        options.rounds
    );
    let mut out = format!(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>\
         <meta name='viewport' content='width=device-width, initial-scale=1'>\
         <title>corio, tokio and smol compared</title><style>{STYLE}</style></head><body>\
         <h1>corio, tokio and smol compared</h1><p>{}</p>",
        escape(&facts)
    );
    out.push_str(
        "<p>Each figure is the median of the rounds, and the thin line its range. Ratios are \
         taken round by round against tokio of the same flavour: above 1x is better, for every \
         figure. CPU time is the steadier one on a machine that others use, too.</p>",
    );
    out
}

/// The colours of those who take part in a group.
fn legend(out: &mut String, rows: &[Row], group: &str) {
    let rows = rows.iter().filter(|row| row.workload.group == group);
    let present: Vec<_> =
        rows.flat_map(|row| &row.cells).map(|cell| svg::class(cell.runtime)).collect();
    out.push_str("<p class='legend'>");
    for (name, library) in [
        ("corio", "corio"),
        ("tokio", "tokio"),
        ("smol", "smol"),
        ("no runtime", "bare"),
        ("corio's executor with another crate's channels and locks", "peer"),
        ("Python's asyncio", "python"),
    ] {
        if present.contains(&library) {
            let _ = write!(out, "<span><i style='background:var(--{library})'></i>{name}</span>");
        }
    }
    out.push_str("</p>");
}

fn verdict(out: &mut String, rows: &[Row], flavor: Flavor) {
    let verdict = Verdict::of(rows, flavor);
    if verdict.judged == 0 {
        return;
    }
    let _ = write!(
        out,
        "<h2>corio against tokio, {}</h2><p>The first figure of each workload; a hollow dot is \
         below its floor. Of all figures, {} of {} are.</p><div class='card'>{}</div>",
        flavor.title(),
        verdict.worse.len(),
        verdict.judged,
        svg::ratios(rows, flavor)
    );
    if verdict.worse.is_empty() {
        return;
    }
    out.push_str(
        "<details><summary>The figures that are below</summary><div class='scroll'><table>\
         <tr><th>workload</th><th>figure</th><th>ratio</th><th>range</th><th>floor</th></tr>",
    );
    for worse in &verdict.worse {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{:.2}x</td><td>{:.2}x to {:.2}x</td>\
             <td>{:.1}x</td></tr>",
            worse.workload,
            worse.metric.name(),
            worse.ratio.median,
            worse.ratio.min,
            worse.ratio.max,
            worse.floor
        );
    }
    out.push_str("</table></div></details>");
}

/// What the bars of a figure show, and which way is better.
fn caption(metric: Metric) -> &'static str {
    match metric {
        Metric::Wall => "time per operation, shorter is better",
        Metric::Cpu => "CPU time per operation, shorter is better",
        Metric::Rate => "requests per second, longer is better",
        Metric::CpuPerMillion => "CPU seconds per million requests, shorter is better",
        Metric::P50 | Metric::P99 | Metric::P999 => "latency, shorter is better",
        Metric::Bytes => "bytes each, shorter is better",
    }
}

fn card(out: &mut String, row: &Row) {
    let (name, about) = (row.workload.name, escape(row.workload.about));
    let _ = write!(out, "<div class='card' id='{name}'><h3>{name}</h3><p>{about}</p>");
    let metrics = row.workload.metrics();
    // The time or the rate, and what it cost; the rest stands in the table.
    for metric in
        metrics.iter().take(2).filter(|metric| !matches!(metric, Metric::P99 | Metric::P999))
    {
        out.push_str("<div class='pair'>");
        for flavor in FLAVORS {
            let (title, caption) = (flavor.title(), caption(*metric));
            let bars = svg::bars(row, *metric, flavor);
            let _ = write!(out, "<div><h4>{title}: {caption}</h4>{bars}</div>");
        }
        out.push_str("</div>");
    }
    if metrics.contains(&Metric::P99) {
        out.push_str("<div class='pair'>");
        for flavor in FLAVORS {
            if let Some(chart) = svg::latencies(row, flavor) {
                let title = flavor.title();
                let _ = write!(out, "<div><h4>{title}: latency by percentile</h4>{chart}</div>");
            }
        }
        out.push_str("</div>");
    }
    table(out, row);
    for cell in row.cells.iter().filter(|cell| !cell.errors.is_empty()) {
        let error = escape(&cell.errors[0]);
        let _ = write!(out, "<p>{} failed {}x: {error}</p>", cell.runtime.name, cell.errors.len());
    }
    out.push_str("</div>");
}

fn table(out: &mut String, row: &Row) {
    out.push_str("<details><summary>All figures</summary><div class='scroll'><table><tr><th></th>");
    let present: Vec<Runtime> =
        with_peers().filter(|runtime| row.cell(*runtime).is_some()).collect();
    for runtime in &present {
        let _ = write!(out, "<th>{}</th>", runtime.name);
    }
    out.push_str("</tr>");
    for metric in row.workload.metrics() {
        let _ = write!(out, "<tr><td>{}</td>", metric.name());
        for runtime in &present {
            let spread = row.cell(*runtime).and_then(|cell| cell.spread(*metric));
            let shown = spread.map_or("-".to_owned(), |spread| metric.show(spread.median));
            let ratio = row.ratio(*runtime, runtime.flavor, *metric);
            let ratio = ratio.filter(|_| !matches!(runtime.library, Library::Tokio));
            let ratio = ratio.map(|ratio| format!(" <small>{:.2}x</small>", ratio.median));
            let _ = write!(out, "<td>{shown}{}</td>", ratio.unwrap_or_default());
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div></details>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::row;
    use crate::scale::Scale;

    fn page() -> String {
        let options =
            Options { scale: Scale::Quick, rounds: 3, workloads: vec![], runtimes: vec![] };
        let mut failed = row("rwlock");
        failed.cells[2].errors.push("a < b".to_owned());
        let rows = vec![row("mutex"), failed, row("echo_64_1")];
        render(&Outcome { rows, disturbance: Some(0.125) }, &options, &Machine::here())
    }

    #[test]
    fn the_page_needs_nothing_beside_itself() {
        let page = page();
        for outside in ["http:", "https:", "src=", "@import", "url(", "<script", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn every_element_is_closed() {
        let page = page();
        for tag in ["div", "table", "tr", "td", "th", "svg", "p", "h2", "h3", "h4", "details"] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn every_workload_has_a_card_with_its_charts() {
        let page = page();
        for name in ["mutex", "rwlock", "echo_64_1"] {
            assert!(page.contains(&format!("id='{name}'")), "{name}");
        }
        assert!(page.contains("latency by percentile"));
        assert!(page.contains("a &lt; b"));
    }
}
