//! The comparison: which measurements, in which order, and what came of them.

use crate::catalog::Workload;
use crate::hist::Histogram;
use crate::parent;
use crate::progress::Progress;
use crate::runtime::{Flavor, Runtime};
use crate::sample::{Metric, Sample};
use crate::scale::Scale;
use crate::stats::{Spread, paired_ratio};
use crate::sys::{self, MachineTime};
use std::time::Duration;

/// One workload on one runtime, over all rounds.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// On what.
    pub(crate) runtime: Runtime,
    /// A sample for each round, `None` where it failed.
    pub(crate) samples: Vec<Option<Sample>>,
    /// Why rounds failed.
    pub(crate) errors: Vec<String>,
}

impl Cell {
    fn values(&self, metric: Metric) -> Vec<Option<f64>> {
        self.samples.iter().map(|sample| sample.as_ref()?.value(metric)).collect()
    }

    /// The median of `metric` with its extremes.
    pub(crate) fn spread(&self, metric: Metric) -> Option<Spread> {
        Spread::of(&self.values(metric).into_iter().flatten().collect::<Vec<_>>())
    }

    /// The latencies of all rounds together.
    pub(crate) fn histogram(&self) -> Option<Histogram> {
        let mut all = Histogram::new();
        self.samples.iter().flatten().filter_map(|sample| sample.hist.as_ref()).for_each(|hist| {
            all.merge(hist);
        });
        (all.len() > 0).then_some(all)
    }
}

/// One workload on all runtimes.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What was done.
    pub(crate) workload: Workload,
    /// By whom, in the order of [`with_peers`](crate::runtime::with_peers); those that cannot do it are missing.
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// The cell of `runtime`, when it took part.
    pub(crate) fn cell(&self, runtime: Runtime) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.runtime == runtime)
    }

    /// How many times better `runtime` is than tokio of `flavor`; above 1 is better.
    pub(crate) fn ratio(&self, runtime: Runtime, flavor: Flavor, metric: Metric) -> Option<Spread> {
        let theirs = self.cell(flavor.baseline())?.values(metric);
        paired_ratio(&theirs, &self.cell(runtime)?.values(metric))
    }
}

impl Row {
    /// How many times better corio's own are than the primitives of another crate on its executor.
    pub(crate) fn against(&self, peer: Runtime, metric: Metric) -> Option<Spread> {
        let theirs = self.cell(peer)?.values(metric);
        paired_ratio(&theirs, &self.cell(peer.flavor.corio())?.values(metric))
    }
}

/// What to compare.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How much to measure.
    pub(crate) scale: Scale,
    /// How many rounds.
    pub(crate) rounds: usize,
    /// Which workloads.
    pub(crate) workloads: Vec<Workload>,
    /// Which runtimes.
    pub(crate) runtimes: Vec<Runtime>,
}

/// What a comparison brought home.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// A row for each workload.
    pub(crate) rows: Vec<Row>,
    /// The share of the machine's time (0 to 1) that went to others than the measured processes.
    pub(crate) disturbance: Option<f64>,
}

/// Measures everything, workload by workload.
///
/// Within a workload every round takes each runtime once, and the next round begins one runtime
/// later: what changes on the machine over minutes meets all of them, and none is always the first.
pub(crate) fn run(options: &Options) -> Outcome {
    let before = usage();
    let rows: Vec<Row> =
        options.workloads.iter().map(|workload| empty(options, *workload)).collect();
    let total = rows.iter().map(|row| row.cells.len() * options.rounds).sum();
    let mut progress = Progress::new(total);
    let measured = rows.into_iter().map(|mut row| {
        for round in 0..options.rounds {
            for turn in 0..row.cells.len() {
                let index = (turn + round) % row.cells.len();
                let cell = &mut row.cells[index];
                progress.begin(&format!("{} {}", row.workload.name, cell.runtime.name));
                let result = parent::measure(&row.workload, cell.runtime, options.scale);
                cell.errors.extend(result.as_ref().err().cloned());
                cell.samples.push(result.ok());
            }
        }
        row
    });
    let rows = measured.collect();
    progress.end();
    Outcome { rows, disturbance: disturbance(before, usage()) }
}

/// The machine's time, and the part of it that was ours: this process and the measured ones.
type Usage = Option<(MachineTime, Duration)>;

fn usage() -> Usage {
    let ours = sys::cpu_time(0).ok()? + sys::cpu_time_of_ended_children().ok()?;
    Some((MachineTime::now().ok()?, ours))
}

fn disturbance(before: Usage, after: Usage) -> Option<f64> {
    let ((before, ours_before), (after, ours_after)) = (before?, after?);
    let busy = (after.busy - before.busy).as_secs_f64();
    let all = busy + after.idle.saturating_sub(before.idle).as_secs_f64();
    let ours = (ours_after - ours_before).as_secs_f64();
    (all > 0.0).then(|| ((busy - ours) / all).max(0.0))
}

fn empty(options: &Options, workload: Workload) -> Row {
    let cells = options
        .runtimes
        .iter()
        .filter(|runtime| workload.suits(**runtime))
        .map(|runtime| Cell { runtime: *runtime, samples: Vec::new(), errors: Vec::new() });
    Row { workload, cells: cells.collect() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog;
    use crate::runtime;

    /// A row of `workload` with three rounds on every runtime that takes part; tokio takes 300 ns
    /// an operation, corio 100 ns and the others 200 ns.
    pub(crate) fn row(workload: &str) -> Row {
        let workload = catalog::named(workload).unwrap();
        let suiting = runtime::with_peers().filter(|runtime| {
            // The peers only where they would be, and the runtimes always.
            use runtime::Library::{Python, With};
            !matches!(runtime.library, With(_) | Python(_)) || workload.suits(*runtime)
        });
        let cells = suiting.map(|runtime| {
            let per_op = match runtime.library {
                runtime::Library::Corio => 100.0,
                runtime::Library::Tokio => 300.0,
                _ => 200.0,
            };
            let samples = (1..=3).map(|round| {
                let mut hist = Histogram::new();
                (1..=100).for_each(|nanos| hist.record(nanos * per_op as u64));
                Some(Sample {
                    ops: 100,
                    count: workload.expected_count(100),
                    wall_ns: per_op * 100.0 * f64::from(round),
                    cpu_ns: per_op * 100.0,
                    bytes: Some(per_op),
                    hist: Some(hist),
                })
            });
            Cell { runtime, samples: samples.collect(), errors: Vec::new() }
        });
        Row { workload, cells: cells.collect() }
    }

    #[test]
    fn ratios_are_taken_against_tokio_of_the_same_flavour() {
        let row = row("mutex");
        for (name, ratio) in [("corio-multi", 3.0), ("tokio-current", 1.0), ("smol-current", 1.5)] {
            let runtime = Runtime::named(name).unwrap();
            let spread = row.ratio(runtime, runtime.flavor, Metric::Wall).unwrap();
            assert_eq!(spread, Spread { min: ratio, median: ratio, max: ratio }, "{name}");
        }
    }

    #[test]
    fn what_others_used_is_a_share_of_the_machine() {
        let seconds = |busy, idle| MachineTime {
            busy: Duration::from_secs(busy),
            idle: Duration::from_secs(idle),
        };
        let before = Some((seconds(100, 100), Duration::from_secs(5)));
        let after = Some((seconds(160, 140), Duration::from_secs(55)));
        assert_eq!(disturbance(before, after), Some(0.1));
        assert_eq!(disturbance(None, after), None);
    }

    #[test]
    fn a_cell_tells_the_median_of_its_rounds() {
        let row = row("echo_64_1");
        let tokio = row.cell(Runtime::named("tokio-multi").unwrap()).unwrap();
        let spread = tokio.spread(Metric::Wall).unwrap();
        assert_eq!(spread, Spread { min: 300.0, median: 600.0, max: 900.0 });
        assert_eq!(tokio.histogram().unwrap().len(), 300);
    }

    #[test]
    fn those_that_cannot_take_part_have_no_cell() {
        let options = Options {
            scale: Scale::Smoke,
            rounds: 1,
            workloads: vec![],
            runtimes: runtime::ALL.to_vec(),
        };
        let row = empty(&options, catalog::named("watch").unwrap());
        assert!(row.cells.iter().all(|cell| cell.runtime.library != runtime::Library::Smol));
        let smol = Runtime::named("smol-multi").unwrap();
        assert!(row.ratio(smol, smol.flavor, Metric::Wall).is_none());
    }
}
