//! The JSON file: every sample, and what was made of them.

use super::machine::Machine;
use crate::compare::{Cell, Options, Outcome, Row};
use crate::json::Json;
use crate::runtime::FLAVORS;
use crate::sample::Metric;
use crate::stats::Spread;

/// The whole report as JSON.
pub(crate) fn render(outcome: &Outcome, options: &Options, machine: &Machine) -> Json {
    Json::object([
        ("format", 1_u64.into()),
        ("scale", options.scale.name().into()),
        ("rounds", (options.rounds as u64).into()),
        ("date", machine.date.as_str().into()),
        ("processor", machine.processor.as_str().into()),
        ("processors", (machine.processors as u64).into()),
        ("kernel", machine.kernel.as_str().into()),
        ("libraries", machine.libraries.as_str().into()),
        ("taken_by_other_processes", outcome.disturbance.into()),
        ("workloads", Json::List(outcome.rows.iter().map(workload).collect())),
    ])
}

fn workload(row: &Row) -> Json {
    Json::object([
        ("name", row.workload.name.into()),
        ("group", row.workload.group.into()),
        ("about", row.workload.about.into()),
        ("runtimes", Json::List(row.cells.iter().map(|cell| runtime(row, cell)).collect())),
    ])
}

fn runtime(row: &Row, cell: &Cell) -> Json {
    let metrics = row
        .workload
        .metrics()
        .iter()
        .map(|metric| (metric.name().to_owned(), figure(row, cell, *metric)));
    let samples = cell
        .samples
        .iter()
        .map(|sample| sample.as_ref().map_or(Json::Null, |sample| sample.to_json()));
    Json::object([
        ("name", cell.runtime.name.into()),
        ("metrics", Json::Object(metrics.collect())),
        ("samples", Json::List(samples.collect())),
        ("errors", Json::List(cell.errors.iter().map(|error| error.as_str().into()).collect())),
    ])
}

/// One figure over the rounds, in nanoseconds or bytes per operation, and its ratios to tokio.
fn figure(row: &Row, cell: &Cell, metric: Metric) -> Json {
    let spread = |spread: Option<Spread>| match spread {
        None => Json::Null,
        Some(Spread { min, median, max }) => {
            Json::object([("min", min.into()), ("median", median.into()), ("max", max.into())])
        }
    };
    let [multi, current] = FLAVORS.map(|flavor| spread(row.ratio(cell.runtime, flavor, metric)));
    Json::object([
        ("value", spread(cell.spread(metric))),
        ("times_better_than_tokio_multi", multi),
        ("times_better_than_tokio_current", current),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::row;
    use crate::sample::Sample;
    use crate::scale::Scale;

    #[test]
    fn the_file_holds_every_sample() {
        let options =
            Options { scale: Scale::Quick, rounds: 3, workloads: vec![], runtimes: vec![] };
        let outcome = Outcome { rows: vec![row("mutex")], disturbance: Some(0.5) };
        let json = render(&outcome, &options, &Machine::here());
        let json = Json::parse(&json.to_string()).unwrap();
        let runtimes = json.get("workloads").unwrap().list().unwrap()[0].get("runtimes").unwrap();
        // The seven, and two crates with locks in both flavours.
        assert_eq!(runtimes.list().unwrap().len(), 11);
        for runtime in runtimes.list().unwrap() {
            let samples = runtime.get("samples").unwrap().list().unwrap();
            assert_eq!(samples.len(), 3);
            samples.iter().for_each(|sample| assert!(Sample::from_json(sample).is_ok()));
        }
        let corio = runtimes.list().unwrap()[0].get("metrics").unwrap().get("time/op").unwrap();
        let ratio = corio.get("times_better_than_tokio_multi").unwrap();
        assert_eq!(ratio.get("median").and_then(Json::number), Some(3.0));
    }
}
