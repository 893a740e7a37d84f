//! How much to measure: the full form, the quick one, and the smallest that does all the work once.

use crate::work_body::Plan;
use std::time::Duration;

/// A size of the whole comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// For figures that are published.
    Full,
    /// For a look, in less than three minutes.
    Quick,
    /// For CI: each workload once, as small as it can be. Its figures mean nothing.
    Smoke,
}

impl Scale {
    /// The name on the command line and in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
            Self::Smoke => "smoke",
        }
    }

    /// Finds a scale by its name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        [Self::Full, Self::Quick, Self::Smoke]
            .into_iter()
            .find(|scale| scale.name() == name)
            .ok_or_else(|| format!("no scale is called {name:?}; there are full, quick and smoke"))
    }

    /// Rounds, unless the command line says otherwise.
    pub(crate) fn rounds(self) -> usize {
        self.pick(7, 3, 1)
    }

    /// How long one sample of a loop takes.
    pub(crate) fn plan(self) -> Plan {
        Plan { target: Duration::from_millis(self.pick(200, 30, 0)) }
    }

    /// How long one sample of a server takes.
    pub(crate) fn window(self) -> Duration {
        Duration::from_millis(self.pick(500, 100, 0))
    }

    /// How many of `full` tasks to make. The quick form has them all: fewer would be another test.
    pub(crate) fn tasks(self, full: u64) -> u64 {
        self.pick(full, full, full.min(1_000))
    }

    /// How many of `full` connections to open.
    pub(crate) fn connections(self, full: usize) -> usize {
        self.pick(full, full.min(1_000), full.min(50))
    }

    /// How long the ticker ticks.
    pub(crate) fn ticking(self) -> Duration {
        Duration::from_millis(self.pick(1_000, 300, 20))
    }

    /// The time before the first of many sleeps ends, and the time from then to the last one's end.
    pub(crate) fn sleeps(self) -> (Duration, Duration) {
        let (lead, spread) = self.pick((400, 500), (300, 200), (20, 20));
        (Duration::from_millis(lead), Duration::from_millis(spread))
    }

    /// Processes of one sample of the cold start.
    pub(crate) fn starts(self) -> u64 {
        self.pick(20, 10, 1)
    }

    fn pick<T>(self, full: T, quick: T, smoke: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
            Self::Smoke => smoke,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_found_by_its_name() {
        for scale in [Scale::Full, Scale::Quick, Scale::Smoke] {
            assert_eq!(Scale::named(scale.name()), Ok(scale));
        }
        assert!(Scale::named("huge").is_err());
    }

    #[test]
    fn the_full_form_has_at_least_seven_rounds() {
        assert!(Scale::Full.rounds() >= 7);
        assert!(Scale::Smoke.plan().is_smoke() && !Scale::Quick.plan().is_smoke());
    }
}
