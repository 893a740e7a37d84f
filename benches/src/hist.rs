//! A histogram of durations whose buckets grow with the value.
//!
//! Each power of two is cut into 32 buckets, so a percentile is off by at most 3 % whether it is
//! 200 ns or 2 s, recording is one shift and one add, and histograms of several rounds add up.

/// Buckets to each power of two.
const SUB: u64 = 32;
/// The power of two that [`SUB`] is.
const SUB_BITS: u32 = SUB.trailing_zeros();
/// Enough for every `u64`.
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB as usize;

/// Counts of durations in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }

    /// Counts one duration of `nanos`.
    pub(crate) fn record(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// Adds `times` durations to bucket number `index`, or reports that there is no such bucket.
    pub(crate) fn add_bucket(&mut self, index: usize, times: u64) -> Result<(), String> {
        let Some(count) = self.counts.get_mut(index) else {
            return Err(format!("bucket {index} of a histogram of {BUCKETS}"));
        };
        *count += times;
        self.total += times;
        Ok(())
    }

    /// Adds every count of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// How many durations were recorded.
    pub(crate) fn len(&self) -> u64 {
        self.total
    }

    /// Forgets every duration.
    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
    }

    /// The duration in nanoseconds that the share `quantile` (0 to 1) of them does not exceed.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        let rank = ((quantile * self.total as f64).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        let index = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        index.map(middle)
    }

    /// The buckets that hold something, as (index, count).
    pub(crate) fn filled(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0)
    }
}

/// The bucket that `nanos` falls into.
fn bucket(nanos: u64) -> usize {
    if nanos < SUB {
        return nanos as usize;
    }
    let exponent = nanos.ilog2();
    let sub = (nanos >> (exponent - SUB_BITS)) - SUB;
    (u64::from(exponent - SUB_BITS + 1) * SUB + sub) as usize
}

/// The middle of bucket `index`, in nanoseconds.
fn middle(index: usize) -> f64 {
    let index = index as u64;
    if index < SUB {
        return index as f64;
    }
    let shift = index / SUB - 1;
    let low = (SUB + index % SUB) as f64 * (shift as f64).exp2();
    low + ((shift as f64).exp2() - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_never_off_by_more_than_three_percent() {
        let mut nanos = 1_u64;
        while nanos < u64::MAX / 32 {
            let shown = middle(bucket(nanos));
            let off = (shown - nanos as f64).abs() / nanos as f64;
            assert!(off <= 0.0313, "{nanos} ns is shown as {shown}");
            nanos = nanos * 21 / 20 + 1;
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn buckets_grow_with_the_value() {
        let mut last = 0;
        for nanos in (0..100_000).chain([1 << 40, 1 << 41, u64::MAX]) {
            assert!(bucket(nanos) >= last, "{nanos} went back");
            last = bucket(nanos);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut hist = Histogram::new();
        for nanos in 1..=1000 {
            hist.record(nanos);
        }
        for (quantile, want) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1000.0)] {
            let got = hist.quantile(quantile).unwrap();
            assert!((got - want).abs() <= want * 0.04, "{quantile}: {got} instead of {want}");
        }
        assert_eq!(hist.quantile(0.0), Some(1.0));
        assert_eq!(Histogram::new().quantile(0.5), None);
    }

    #[test]
    fn merging_adds_the_counts() {
        let (mut a, mut b) = (Histogram::new(), Histogram::new());
        a.record(10);
        b.record(10);
        b.record(5_000);
        a.merge(&b);
        assert_eq!(a.len(), 3);
        assert_eq!(a.filled().map(|(_, count)| count).collect::<Vec<_>>(), [2, 1]);
        a.clear();
        assert_eq!(a, Histogram::new());
    }

    #[test]
    fn a_bucket_that_does_not_exist_is_refused() {
        assert!(Histogram::new().add_bucket(BUCKETS, 1).is_err());
    }
}
