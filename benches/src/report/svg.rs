//! The charts, as SVG that stands in the page itself.
//!
//! Colours come from the page's style sheet by class (`corio`, `tokio`, `smol`, `bare`, `peer`, `python`), so that one
//! chart is read in light and in dark; words wear the ink of the text, never a bar's colour.

use crate::compare::Row;
use crate::runtime::{Flavor, Library, Runtime};
use crate::sample::Metric;
use crate::stats::Spread;
use std::fmt::Write;

/// Width of a chart in the middle of a card.
const WIDTH: f64 = 520.0;
const LABEL: f64 = 150.0;
const VALUE: f64 = 150.0;
const LINE: f64 = 26.0;

/// The class that gives a library its colour.
pub(crate) fn class(runtime: Runtime) -> &'static str {
    match runtime.library {
        Library::Corio => "corio",
        Library::Tokio => "tokio",
        Library::Smol => "smol",
        Library::Bare => "bare",
        Library::With(_) => "peer",
        Library::Python(_) => "python",
    }
}

/// What a bar's length stands for.
fn length(metric: Metric, value: f64) -> f64 {
    if metric == Metric::Rate { 1e9 / value } else { value }
}

/// A bar for each runtime of `flavor`, with the range of the rounds and the ratio to tokio.
pub(crate) fn bars(row: &Row, metric: Metric, flavor: Flavor) -> String {
    let found: Vec<(Runtime, Spread)> = flavor
        .side_by_side()
        .chain(flavor.peers().map(|(_, runtime)| runtime))
        .filter_map(|runtime| Some((runtime, row.cell(runtime)?.spread(metric)?)))
        .collect();
    let longest = found
        .iter()
        .flat_map(|(_, spread)| [spread.min, spread.max])
        .map(|value| length(metric, value))
        .fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LABEL - VALUE) / longest;
    let height = LINE * found.len() as f64;
    let title = format!("{} {}, {}", row.workload.name, metric.name(), flavor.title());
    let mut out = open(WIDTH, height, &title);
    for (index, (runtime, spread)) in found.iter().enumerate() {
        let middle = LINE * (index as f64 + 0.5);
        let [low, bar, high] = [spread.min, spread.median, spread.max]
            .map(|value| LABEL + length(metric, value) * scale);
        text(&mut out, LABEL - 8.0, middle, "end", runtime.name);
        let (class, top, wide) = (class(*runtime), middle - 7.0, (bar - LABEL).max(1.0));
        let _ = write!(
            out,
            "<rect class='{class}' x='{LABEL}' y='{top:.1}' width='{wide:.1}' height='14' rx='2'/>"
        );
        whisker(&mut out, low, high, middle);
        let ratio = row.ratio(*runtime, flavor, metric);
        let ratio = ratio.filter(|_| runtime.library != Library::Tokio);
        let ratio = ratio.map(|ratio| format!(" ({:.2}x)", ratio.median)).unwrap_or_default();
        let label = format!("{}{ratio}", metric.show(spread.median));
        text(&mut out, high.max(bar).max(low) + 8.0, middle, "start", &label);
    }
    out.push_str("</svg>");
    out
}

/// The ends of the ratio chart's axis.
const RATIOS: (f64, f64) = (0.125, 64.0);

/// A line for each workload, under the heading of its group: how many times better than tokio corio is, on a
/// logarithmic axis. The dot of one that is below its floor is hollow.
pub(crate) fn ratios(rows: &[Row], flavor: Flavor) -> String {
    let found: Vec<(&Row, Metric, Spread)> = rows
        .iter()
        .filter_map(|row| {
            let metric = *row.workload.metrics().first()?;
            Some((row, metric, row.ratio(flavor.corio(), flavor, metric)?))
        })
        .collect();
    let headings = found.chunk_by(|a, b| a.0.workload.group == b.0.workload.group).count();
    let (label, wide, line, edge) = (210.0, 760.0, 18.0, 24.0);
    let (low, high) = (RATIOS.0.log2(), RATIOS.1.log2());
    let x = |ratio: f64| {
        label + (ratio.log2().clamp(low, high) - low) / (high - low) * (wide - label - 90.0)
    };
    let bottom = edge + line * (found.len() + headings) as f64;
    let title = format!("corio against tokio, {}", flavor.title());
    let mut out = open(wide, bottom + edge, &title);
    for power in -3..=6 {
        let ratio = f64::from(power).exp2();
        let (class, x) = (if power == 0 { "one" } else { "grid" }, x(ratio));
        let _ = write!(
            out,
            "<line class='{class}' x1='{x:.1}' x2='{x:.1}' y1='{edge}' y2='{bottom:.1}'/>"
        );
        // The chart is tall: its axis is wanted at both ends.
        for y in [edge / 2.0, bottom + edge / 2.0] {
            text(&mut out, x, y, "middle", &format!("{ratio}x"));
        }
    }
    let (mut group, mut y) = ("", edge - line / 2.0);
    for (row, metric, ratio) in &found {
        if row.workload.group != group {
            group = row.workload.group;
            y += line;
            let _ = write!(out, "<text class='group' x='0' y='{:.1}'>{group}</text>", y + 4.0);
        }
        y += line;
        text(&mut out, label - 8.0, y, "end", row.workload.name);
        whisker(&mut out, x(ratio.min), x(ratio.max), y);
        let Spread { min, median, max } = *ratio;
        let class = if median < row.workload.floor { "corio below" } else { "corio" };
        let _ = write!(
            out,
            "<circle class='{class}' cx='{:.1}' cy='{y:.1}' r='5'><title>{} {}: {median:.2}x \
             ({min:.2}x to {max:.2}x)</title></circle>",
            x(median),
            row.workload.name,
            metric.name(),
        );
        text(&mut out, wide - 80.0, y, "start", &format!("{median:.2}x"));
    }
    out.push_str("</svg>");
    out
}

/// The percentiles on the axis of a latency chart.
const PERCENTILES: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// A line for each runtime of `flavor`: the latency that a share of the requests does not exceed.
pub(crate) fn latencies(row: &Row, flavor: Flavor) -> Option<String> {
    let found: Vec<(Runtime, Vec<f64>)> = flavor
        .side_by_side()
        .filter_map(|runtime| {
            let hist = row.cell(runtime)?.histogram()?;
            Some((runtime, PERCENTILES.iter().filter_map(|share| hist.quantile(*share)).collect()))
        })
        .collect();
    let all = || found.iter().flat_map(|(_, values)| values.iter().copied());
    let low = all().fold(f64::INFINITY, f64::min).max(1.0).log10().floor();
    let high = all().fold(1.0, f64::max).log10().ceil().max(low + 1.0);
    if found.is_empty() {
        return None;
    }
    let (left, top, right, height) = (64.0, 12.0, WIDTH - 64.0, 200.0);
    let bottom = height - 24.0;
    // Each further nine takes the same room.
    let nines = |share: f64| -(1.0 - share).log10();
    let x = |share: f64| left + nines(share) / nines(0.9999) * (right - left);
    let y = |nanos: f64| bottom - (nanos.max(1.0).log10() - low) / (high - low) * (bottom - top);
    let title = format!("{} latency, {}", row.workload.name, flavor.title());
    let mut out = open(WIDTH, height, &title);
    for power in low as i32..=high as i32 {
        let nanos = 10_f64.powi(power);
        let y = y(nanos);
        let _ =
            write!(out, "<line class='grid' x1='{left}' x2='{right}' y1='{y:.1}' y2='{y:.1}'/>");
        text(&mut out, left - 6.0, y, "end", &power_of_ten(power));
    }
    for (share, name) in
        [(0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99 %")]
    {
        text(&mut out, x(share), bottom + 14.0, "middle", name);
    }
    for (runtime, values) in &found {
        let points: Vec<String> = PERCENTILES
            .iter()
            .zip(values)
            .map(|(share, nanos)| format!("{:.1},{:.1}", x(*share), y(*nanos)))
            .collect();
        let _ = write!(
            out,
            "<polyline class='{}' points='{}'><title>{}</title></polyline>",
            class(*runtime),
            points.join(" "),
            runtime.name
        );
    }
    let ends = found.iter().filter_map(|(runtime, values)| Some((*runtime, y(*values.last()?))));
    for (runtime, y) in apart(ends.collect(), bottom) {
        let name = runtime.name.split('-').next().unwrap_or(runtime.name);
        text(&mut out, right + 6.0, y, "start", name);
    }
    out.push_str("</svg>");
    Some(out)
}

/// The places of labels beside points at these heights: near them, none over another, none below `bottom`.
fn apart(mut labels: Vec<(Runtime, f64)>, bottom: f64) -> Vec<(Runtime, f64)> {
    const GAP: f64 = 12.0;
    labels.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut lowest = bottom;
    for (_, y) in &mut labels {
        *y = y.min(lowest);
        lowest = *y - GAP;
    }
    labels
}

/// 10 to the `power` nanoseconds.
fn power_of_ten(power: i32) -> String {
    let unit = ["ns", "us", "ms", "s"][(power / 3).clamp(0, 3) as usize];
    format!("{} {unit}", 10_f64.powi(power - 3 * (power / 3).clamp(0, 3)))
}

fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg viewBox='0 0 {width:.0} {height:.0}' role='img' style='max-width:{width:.0}px'>\
         <title>{title}</title>"
    )
}

fn whisker(out: &mut String, from: f64, to: f64, y: f64) {
    let _ =
        write!(out, "<line class='range' x1='{from:.1}' x2='{to:.1}' y1='{y:.1}' y2='{y:.1}'/>");
}

fn text(out: &mut String, x: f64, middle: f64, anchor: &str, text: &str) {
    let y = middle + 4.0;
    let _ = write!(out, "<text x='{x:.1}' y='{y:.1}' text-anchor='{anchor}'>{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::row;
    use crate::runtime::{self, FLAVORS};

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        let svg = bars(&row("mutex"), Metric::Wall, Flavor::Multi);
        let width = |class: &str| -> f64 {
            let rest = svg.split(&format!("<rect class='{class}'")).nth(1).unwrap();
            let width = rest.split("width='").nth(1).unwrap().split('\'').next().unwrap();
            width.parse().unwrap()
        };
        assert!((width("tokio") / width("corio") - 3.0).abs() < 0.01, "{svg}");
        assert!(svg.contains("200.0 ns (3.00x)"), "{svg}");
    }

    #[test]
    fn the_axis_of_times_has_round_labels() {
        let labels = [0, 2, 3, 6, 8, 9, 11].map(power_of_ten);
        assert_eq!(labels, ["1 ns", "100 ns", "1 us", "1 ms", "100 ms", "1 s", "100 s"]);
    }

    #[test]
    fn labels_do_not_lie_over_one_another() {
        let labels = runtime::ALL.into_iter().zip([50.0, 50.0, 199.0, 45.0]).collect();
        let places: Vec<f64> = apart(labels, 176.0).into_iter().map(|label| label.1).collect();
        assert_eq!(places, [176.0, 50.0, 38.0, 26.0]);
    }

    #[test]
    fn what_is_below_its_floor_shows() {
        let mut rows = [row("mutex"), row("semaphore"), row("yield_1")];
        rows[1].workload.floor = 9.0;
        let svg = ratios(&rows, Flavor::Multi);
        assert_eq!(svg.matches("class='corio below'").count(), 1, "{svg}");
        assert_eq!(svg.matches("class='group'").count(), 2, "{svg}");
    }

    #[test]
    fn more_requests_make_a_longer_bar() {
        assert!(length(Metric::Rate, 100.0) > length(Metric::Rate, 200.0));
    }

    #[test]
    fn no_chart_holds_a_number_that_is_none() {
        let rows = [row("echo_64_1"), row("task_memory"), row("mutex")];
        for flavor in FLAVORS {
            let mut charts = vec![ratios(&rows, flavor), latencies(&rows[0], flavor).unwrap()];
            charts.extend(rows.iter().map(|row| bars(row, row.workload.metrics()[0], flavor)));
            for svg in charts {
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
            }
        }
    }

    #[test]
    fn a_workload_without_latencies_has_no_such_chart() {
        let mut row = row("mutex");
        for cell in &mut row.cells {
            cell.samples.iter_mut().flatten().for_each(|sample| sample.hist = None);
        }
        assert!(latencies(&row, Flavor::Multi).is_none());
    }
}
