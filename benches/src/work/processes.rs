//! Starting a program that does nothing, and waiting for its end.

use super::rt;
use crate::work_body::{Body, bodies};

/// Tasks that start programs side by side.
const TASKS: u64 = 16;

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "process_1" => one_after_another,
        "process_16" => side_by_side,
    })
}

async fn one_after_another(n: u64) -> u64 {
    let mut count = 0;
    for _ in 0..n {
        let status = rt::process::Command::new("true").status().await;
        count += u64::from(status.is_ok_and(|status| status.success()));
    }
    count
}

async fn side_by_side(n: u64) -> u64 {
    let tasks: Vec<_> = (0..TASKS).map(|_| rt::spawn(one_after_another(n / TASKS))).collect();
    let mut count = 0;
    for task in tasks {
        count += rt::join(task).await;
    }
    count
}
