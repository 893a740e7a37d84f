//! The bar on the terminal that shows how far a comparison has come.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Characters of the bar.
const WIDTH: usize = 30;

/// A bar on standard error: one line that is written over on a terminal, a line now and then
/// elsewhere, where nothing can be written over.
#[derive(Debug)]
pub(crate) struct Progress {
    total: usize,
    done: usize,
    begun: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Begins a bar of `total` steps.
    pub(crate) fn new(total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { total, done: 0, begun: Instant::now(), shown: None, terminal }
    }

    /// Begins the next step, called `what`.
    pub(crate) fn begin(&mut self, what: &str) {
        let line = line(self.done, self.total, self.begun.elapsed(), what);
        self.done += 1;
        let recently = self.shown.is_some_and(|shown| shown.elapsed() < Duration::from_secs(15));
        // A bar that cannot be shown is no reason to stop measuring.
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
        } else if !recently {
            let _ = writeln!(std::io::stderr(), "{line}");
        } else {
            return;
        }
        self.shown = Some(Instant::now());
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        let took = self.begun.elapsed().as_secs();
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        let _ = writeln!(std::io::stderr(), "{clear}{} measurements in {took} s", self.done);
    }
}

/// The text for `done` of `total` steps.
fn line(done: usize, total: usize, elapsed: Duration, what: &str) -> String {
    let filled = WIDTH * done / total.max(1);
    let left = match done {
        0 => "?".to_owned(),
        done => {
            let seconds = elapsed.as_secs() * (total - done) as u64 / done as u64;
            format!("{}:{:02}", seconds / 60, seconds % 60)
        }
    };
    format!("[{:<WIDTH$}] {done}/{total}, {left} left: {what}", "#".repeat(filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_up() {
        let at = |done| line(done, 10, Duration::from_secs(30), "x");
        assert!(at(0).starts_with("[                              ] 0/10, ? left"));
        assert!(at(5).starts_with("[###############               ] 5/10, 0:30 left"));
        assert!(at(10).starts_with("[##############################] 10/10, 0:00 left: x"));
    }
}
