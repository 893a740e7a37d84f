//! The judgement: corio must be at least as good as tokio of the same flavour in every figure, and so
//! many times better where a workload has a higher floor.

use crate::catalog::Workload;
use crate::compare::Row;
use crate::runtime::Flavor;
use crate::sample::Metric;
use crate::stats::{Spread, geometric_mean};

/// A figure in which corio is below its floor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worse {
    /// Of which workload.
    pub(crate) workload: &'static str,
    /// Which figure.
    pub(crate) metric: Metric,
    /// How many times better than tokio, so below the floor.
    pub(crate) ratio: Spread,
    /// How many times better it means to be at least.
    pub(crate) floor: f64,
}

/// The mean over a group of workloads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mean {
    /// Which group.
    pub(crate) group: &'static str,
    /// Which figure.
    pub(crate) metric: Metric,
    /// How many times better than tokio.
    pub(crate) ratio: f64,
}

/// What the rounds say about one flavour.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// How many figures were compared.
    pub(crate) judged: usize,
    /// Those in which corio's median ratio is below the floor, the worst first.
    pub(crate) worse: Vec<Worse>,
    /// The means, in the order of the groups.
    pub(crate) means: Vec<Mean>,
}

impl Verdict {
    /// Judges all of `rows`.
    pub(crate) fn of(rows: &[Row], flavor: Flavor) -> Self {
        let mut verdict = Self { judged: 0, worse: Vec::new(), means: Vec::new() };
        // (group, metric, its ratios), in the order in which they first appear.
        let mut groups: Vec<(&'static str, Metric, Vec<f64>)> = Vec::new();
        for row in rows {
            let workload = row.workload;
            for metric in workload.metrics().iter().copied() {
                let Some(ratio) = row.ratio(flavor.corio(), flavor, metric) else { continue };
                verdict.judged += 1;
                if ratio.median < workload.floor {
                    let Workload { name, floor, .. } = workload;
                    verdict.worse.push(Worse { workload: name, metric, ratio, floor });
                }
                let key = (workload.group, metric);
                match groups.iter_mut().find(|(group, metric, _)| (*group, *metric) == key) {
                    Some((_, _, ratios)) => ratios.push(ratio.median),
                    None => groups.push((workload.group, metric, vec![ratio.median])),
                }
            }
        }
        verdict.worse.sort_by(|a, b| a.ratio.median.total_cmp(&b.ratio.median));
        for (group, metric, ratios) in groups {
            verdict.means.extend(geometric_mean(&ratios).map(|ratio| Mean {
                group,
                metric,
                ratio,
            }));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::row;
    use crate::runtime::FLAVORS;

    #[test]
    fn three_times_better_everywhere_is_no_loss() {
        for flavor in FLAVORS {
            let verdict = Verdict::of(&[row("mutex"), row("rwlock")], flavor);
            assert_eq!((verdict.judged, verdict.worse.len()), (4, 0));
            assert_eq!(verdict.means.len(), 2);
            assert!((verdict.means[0].ratio - 3.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_higher_floor_is_a_floor() {
        let mut near = row("mutex");
        near.cells[0].samples.iter_mut().flatten().for_each(|sample| sample.cpu_ns *= 2.5);
        assert_eq!(near.workload.floor, 1.5);
        let verdict = Verdict::of(&[near], Flavor::Multi);
        let [worse] = &verdict.worse[..] else { panic!("{verdict:?}") };
        assert!((worse.ratio.median - 1.2).abs() < 1e-9);
    }

    #[test]
    fn a_loss_is_named_with_the_worst_first() {
        let (mut slow, mut slower) = (row("mutex"), row("rwlock"));
        for (row, factor) in [(&mut slow, 4.0), (&mut slower, 6.0)] {
            row.cells[0].samples.iter_mut().flatten().for_each(|sample| sample.wall_ns *= factor);
        }
        let verdict = Verdict::of(&[slow, slower], Flavor::Multi);
        let names: Vec<_> = verdict.worse.iter().map(|worse| worse.workload).collect();
        assert_eq!(names, ["rwlock", "mutex"]);
        assert_eq!(verdict.worse[0].metric, Metric::Wall);
        assert!((verdict.worse[0].ratio.median - 0.5).abs() < 1e-9);
    }
}
