//! Where and with what a comparison was made.

use std::time::{SystemTime, UNIX_EPOCH};

/// The versions that this program was built with.
const LOCK_FILE: &str = include_str!("../../../Cargo.lock");

/// What a reader needs to know to judge the figures.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Day and time, in UTC.
    pub(crate) date: String,
    /// The processor's name.
    pub(crate) processor: String,
    /// How many processors this program may use.
    pub(crate) processors: usize,
    /// The kernel's version.
    pub(crate) kernel: String,
    /// The libraries with their versions.
    pub(crate) libraries: String,
}

impl Machine {
    /// Looks around.
    pub(crate) fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let names = [
            "corio",
            "tokio",
            "smol",
            "async-channel",
            "async-lock",
            "kanal",
            "crossfire",
            "flume",
            "tachyonix",
        ];
        let versions = names.map(|name| format!("{name} {}", version(name)));
        Self {
            date: date(seconds),
            processor: processor(&read("/proc/cpuinfo")),
            processors,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            libraries: versions.join(", "),
        }
    }
}

fn processor(cpuinfo: &str) -> String {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split(':').nth(1)).unwrap_or(std::env::consts::ARCH);
    name.trim().to_owned()
}

/// The version of `package` in the lock file.
fn version(package: &str) -> &'static str {
    let head = format!("\nname = \"{package}\"\nversion = \"");
    let rest = LOCK_FILE.split(&head).nth(1);
    rest.and_then(|rest| rest.split('"').next()).unwrap_or("?")
}

/// The day and time of `seconds` since 1970, in UTC.
///
/// Counts in years that begin in March, so that the leap day comes last and the days of the months
/// before it follow one rule (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn date(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let day = day - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", time / 3_600, time / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_735_689_599), "2024-12-31 23:59 UTC");
    }

    #[test]
    fn the_libraries_have_versions() {
        for name in ["tokio", "smol"] {
            assert!(version(name).starts_with(|c: char| c.is_ascii_digit()), "{name}");
        }
        assert_eq!(version("no-such-package"), "?");
    }

    #[test]
    fn a_processor_has_a_name() {
        assert_eq!(processor("vendor\t: x\nmodel name\t: Fast One\n"), "Fast One");
        assert_eq!(processor(""), std::env::consts::ARCH);
        assert!(Machine::here().processors > 0);
    }
}
