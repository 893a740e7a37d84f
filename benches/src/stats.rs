//! Medians, spreads and paired ratios.

/// The middle of several rounds, with the extremes that were seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The smallest value.
    pub(crate) min: f64,
    /// The middle value; the mean of the two middle ones for an even count.
    pub(crate) median: f64,
    /// The largest value.
    pub(crate) max: f64,
}

impl Spread {
    /// Summarises `values`, or returns `None` when there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() {
            0 => return None,
            n if n % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        };
        Some(Self { min: sorted[0], median, max: sorted[sorted.len() - 1] })
    }
}

/// How many times better `ours` is than `theirs`, round by round, where less is better.
///
/// Both were measured in the same round, seconds apart, so a machine that is slow for a while slows
/// both and the quotient stays; the median of the quotients is steadier than the quotient of the
/// medians. Above 1 means that `ours` took less.
pub(crate) fn paired_ratio(theirs: &[Option<f64>], ours: &[Option<f64>]) -> Option<Spread> {
    let ratios: Vec<f64> = theirs
        .iter()
        .zip(ours)
        .filter_map(|(theirs, ours)| Some((*theirs)? / (*ours)?))
        .filter(|ratio| ratio.is_finite())
        .collect();
    Spread::of(&ratios)
}

/// The geometric mean, the fair one for ratios: 2x and 0.5x make 1x.
pub(crate) fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    if ratios.is_empty() {
        return None;
    }
    let logs: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    Some((logs / ratios.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_count_is_the_middle_one() {
        let spread = Spread::of(&[9.0, 1.0, 4.0]).unwrap();
        assert_eq!(spread, Spread { min: 1.0, median: 4.0, max: 9.0 });
    }

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 90.0]).unwrap().median, 3.0);
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(geometric_mean(&[]), None);
    }

    #[test]
    fn a_slow_round_slows_both_and_the_ratio_stays() {
        let theirs = [Some(10.0), Some(100.0), Some(10.0)];
        let ours = [Some(5.0), Some(50.0), Some(5.0)];
        let ratio = paired_ratio(&theirs, &ours).unwrap();
        assert_eq!(ratio, Spread { min: 2.0, median: 2.0, max: 2.0 });
    }

    #[test]
    fn a_round_that_failed_on_one_side_is_left_out() {
        let theirs = [Some(10.0), None, Some(30.0)];
        let ours = [Some(10.0), Some(1.0), None];
        assert_eq!(paired_ratio(&theirs, &ours).unwrap().median, 1.0);
        assert_eq!(paired_ratio(&[None], &[Some(1.0)]), None);
        assert_eq!(paired_ratio(&[Some(1.0)], &[Some(0.0)]), None);
    }

    #[test]
    fn twice_and_half_make_one() {
        assert!((geometric_mean(&[2.0, 0.5]).unwrap() - 1.0).abs() < 1e-12);
    }
}
