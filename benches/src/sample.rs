//! What one measurement brought home, and how it travels from the measuring process to the parent.

use crate::hist::Histogram;
use crate::json::Json;
use std::time::Duration;

/// The result of one workload on one runtime in one round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Operations that were asked for.
    pub(crate) ops: u64,
    /// What the work itself counted; the parent compares it with what `ops` must give.
    pub(crate) count: u64,
    /// Nanoseconds on the clock.
    pub(crate) wall_ns: f64,
    /// Nanoseconds of CPU time, user and system, of the process under test.
    pub(crate) cpu_ns: f64,
    /// Bytes of memory, for the workloads that measure memory.
    pub(crate) bytes: Option<f64>,
    /// Latencies, for the workloads that have any.
    pub(crate) hist: Option<Histogram>,
}

impl Sample {
    /// What was counted and timed, without anything else.
    pub(crate) fn timed(ops: u64, count: u64, wall: Duration, cpu: Duration) -> Self {
        let (wall_ns, cpu_ns) = (wall.as_nanos() as f64, cpu.as_nanos() as f64);
        Self { ops, count, wall_ns, cpu_ns, bytes: None, hist: None }
    }

    /// The form that travels: one line of JSON.
    pub(crate) fn to_json(&self) -> Json {
        let hist = self.hist.as_ref().map(|hist| {
            let pair = |(index, count)| Json::List(vec![(index as u64).into(), Json::from(count)]);
            Json::List(hist.filled().map(pair).collect())
        });
        Json::object([
            ("ops", self.ops.into()),
            ("count", self.count.into()),
            ("wall_ns", self.wall_ns.into()),
            ("cpu_ns", self.cpu_ns.into()),
            ("bytes", self.bytes.into()),
            ("hist", hist.into()),
        ])
    }

    /// Reads what [`Sample::to_json`] wrote.
    pub(crate) fn from_json(json: &Json) -> Result<Self, String> {
        let number = |name: &str| {
            let value = json.get(name).and_then(Json::number);
            value.ok_or_else(|| format!("a sample without the number {name:?}: {json}"))
        };
        Ok(Self {
            ops: number("ops")? as u64,
            count: number("count")? as u64,
            wall_ns: number("wall_ns")?,
            cpu_ns: number("cpu_ns")?,
            bytes: json.get("bytes").and_then(Json::number),
            hist: json.get("hist").and_then(Json::list).map(histogram).transpose()?,
        })
    }

    /// The value of `metric`, when this sample has it.
    pub(crate) fn value(&self, metric: Metric) -> Option<f64> {
        let quantile = |q| self.hist.as_ref().and_then(|hist| hist.quantile(q));
        let per_op = |total: f64| (self.ops > 0).then(|| total / self.ops as f64);
        match metric {
            Metric::Wall | Metric::Rate => per_op(self.wall_ns),
            Metric::Cpu | Metric::CpuPerMillion => per_op(self.cpu_ns),
            Metric::P50 => quantile(0.5),
            Metric::P99 => quantile(0.99),
            Metric::P999 => quantile(0.999),
            Metric::Bytes => self.bytes,
        }
    }
}

fn histogram(pairs: &[Json]) -> Result<Histogram, String> {
    let mut hist = Histogram::new();
    for pair in pairs {
        let (Some(index), Some(count)) = (
            pair.list().and_then(|pair| pair.first()?.number()),
            pair.list().and_then(|pair| pair.get(1)?.number()),
        ) else {
            return Err(format!("a histogram with the bucket {pair}"));
        };
        hist.add_bucket(index as usize, count as u64)?;
    }
    Ok(hist)
}

/// What is read off a sample. Of every one, less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Time on the clock per operation.
    Wall,
    /// CPU time per operation.
    Cpu,
    /// The time on the clock per request, shown as requests per second.
    Rate,
    /// CPU time of the server per request, shown as CPU seconds per million requests.
    CpuPerMillion,
    /// The median latency.
    P50,
    /// The latency that 99 % do not exceed.
    P99,
    /// The latency that 99.9 % do not exceed.
    P999,
    /// Bytes per task or connection.
    Bytes,
}

impl Metric {
    /// The name in tables and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wall => "time/op",
            Self::Cpu => "CPU/op",
            Self::Rate => "requests/s",
            Self::CpuPerMillion => "CPU s/M",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Bytes => "bytes",
        }
    }

    /// `value` with its unit, in three or four digits.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Rate => match 1e9 / value {
                rate if rate < 1e4 => format!("{rate:.0}/s"),
                rate => format!("{:.1}k/s", rate / 1e3),
            },
            // A nanosecond each is a millisecond for a million.
            Self::CpuPerMillion => format!("{} s", digits(value / 1e3)),
            Self::Bytes if value < 1e4 => format!("{value:.0} B"),
            Self::Bytes => format!("{} KiB", digits(value / 1024.0)),
            _ => match value {
                v if v < 1e4 => format!("{} ns", digits(v)),
                v if v < 1e7 => format!("{} us", digits(v / 1e3)),
                v if v < 1e10 => format!("{} ms", digits(v / 1e6)),
                v => format!("{} s", digits(v / 1e9)),
            },
        }
    }
}

fn digits(value: f64) -> String {
    let places = if value < 10.0 { 2 } else { usize::from(value < 1000.0) };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        let mut hist = Histogram::new();
        (1..=1000).for_each(|nanos| hist.record(nanos * 1000));
        Sample {
            ops: 1000,
            count: 4000,
            wall_ns: 123_456.5,
            cpu_ns: 250_000.0,
            bytes: None,
            hist: Some(hist),
        }
    }

    #[test]
    fn a_sample_survives_the_journey() {
        let there = sample();
        let line = there.to_json().to_string();
        assert!(!line.contains('\n'));
        assert_eq!(Sample::from_json(&Json::parse(&line).unwrap()).unwrap(), there);
    }

    #[test]
    fn a_sample_without_a_figure_is_refused() {
        let error = Sample::from_json(&Json::object([("ops", 1_u64.into())])).unwrap_err();
        assert!(error.contains("count"), "{error}");
    }

    #[test]
    fn values_are_per_operation() {
        let sample = sample();
        assert_eq!(sample.value(Metric::Wall), Some(123.4565));
        assert_eq!(sample.value(Metric::Cpu), Some(250.0));
        assert_eq!(sample.value(Metric::Bytes), None);
        let p99 = sample.value(Metric::P99).unwrap();
        assert!((p99 - 990_000.0).abs() < 40_000.0, "{p99}");
    }

    #[test]
    fn units_follow_the_size() {
        assert_eq!(Metric::Wall.show(3.21), "3.21 ns");
        assert_eq!(Metric::Wall.show(4321.0), "4321 ns");
        assert_eq!(Metric::P99.show(12_345.0), "12.3 us");
        assert_eq!(Metric::P99.show(1.5e7), "15.0 ms");
        assert_eq!(Metric::Bytes.show(400.4), "400 B");
        assert_eq!(Metric::Bytes.show(20_480.0), "20.0 KiB");
        assert_eq!(Metric::Rate.show(8_000.0), "125.0k/s");
        assert_eq!(Metric::CpuPerMillion.show(8_000.0), "8.00 s");
    }
}
