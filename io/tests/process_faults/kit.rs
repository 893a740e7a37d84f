//! What the tests of faults share.

use std::time::{Duration, Instant};

use corio_io::process::Command;
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::time::timeout;
use corio_sync::prim::thread;

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

pub(crate) fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("it takes too long")
}

pub(crate) fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000");
    command
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The state and the parent of a process, if there is one with this number.
pub(crate) fn state_of(id: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // `pid (name) state parent ...`
    let mut rest = stat.rsplit_once(") ")?.1.split(' ');
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

/// Waits until this process has no child of this number, not even a dead one.
pub(crate) fn assert_is_gone(id: u32) {
    let start = Instant::now();
    while let Some((state, parent)) = state_of(id) {
        if parent != std::process::id() {
            return;
        }
        assert!(start.elapsed() < LONG, "process {id} is still there, state {state}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// How many descriptors this process has, when nothing else is under way in it.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
