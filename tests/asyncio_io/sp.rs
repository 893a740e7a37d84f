//! SP: child processes.

mod ends;
mod pipes;
mod starting;

use std::time::Duration;

use corio::process::{Child, Command, Stdio};
use corio::{sleep, timeout};

use crate::support::LONG;

async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("it takes too long")
}

/// A child whose streams are all piped, and which is killed when the test is over.
fn piped(mut command: Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A child that does not end by itself.
fn sleeper() -> Child {
    Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Waits until a child is dead, without noticing it: the system knows, corio does not.
async fn dead(child: &Child) {
    let stat = format!("/proc/{}/stat", child.id().unwrap());
    while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
        sleep(Duration::from_micros(100)).await;
    }
}
