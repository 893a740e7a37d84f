//! The workloads, written once and compiled against each library.
//!
//! Nothing here names a library: `rt` is the module of the library that took this file in.

pub(crate) mod bounded;
pub(crate) mod channels;
pub(crate) mod files;
pub(crate) mod locks;
pub(crate) mod probes;
pub(crate) mod processes;
pub(crate) mod servers;
pub(crate) mod streams;
pub(crate) mod structure;
pub(crate) mod tasks;

use super::rt;
use crate::heap::Hold;
use crate::sample::Sample;
use crate::sys;
use crate::work_body::{Body, Place, Plan};
use std::time::{Duration, Instant};

/// Finds the workload called `name`, or `None` when this library has nothing of the kind.
pub(crate) fn body(name: &str) -> Option<Body> {
    tasks::body(name)
        .or_else(|| structure::body(name))
        .or_else(|| bounded::body(name))
        .or_else(|| channels::body(name))
        .or_else(|| locks::body(name))
        .or_else(|| probes::body(name))
        .or_else(|| streams::body(name))
        .or_else(|| files::body(name))
        .or_else(|| processes::body(name))
        .or_else(|| rt::extra(name))
}

/// Finds the things called `name` whose room is measured.
pub(crate) fn holds(name: &str) -> Option<Hold> {
    bounded::holds(name).or_else(|| channels::holds(name))
}

/// Does `ops` operations of `body` in `place`, once.
pub(crate) async fn place(body: Body, place: Place, ops: u64) -> u64 {
    match place {
        Place::Main | Place::Threads => body(ops).await,
        Place::Worker => rt::join(rt::spawn(body(ops))).await,
    }
}

/// Measures `body` in `place` as long as `plan` says, in whole batches.
pub(crate) async fn measure(
    body: Body,
    place: Place,
    plan: Plan,
    batch: u64,
) -> Result<Sample, String> {
    match place {
        Place::Main | Place::Threads => measure_here(body, plan, batch).await,
        Place::Worker => rt::join(rt::spawn(measure_here(body, plan, batch))).await,
    }
}

async fn measure_here(body: Body, plan: Plan, batch: u64) -> Result<Sample, String> {
    let mut n = batch;
    if !plan.is_smoke() {
        // The warm-up finds the number of operations that fills the time. Nothing of it counts.
        loop {
            let begin = Instant::now();
            body(n).await;
            let took = begin.elapsed();
            n = plan.scale(n, took, batch);
            if took >= plan.target / 4 {
                break;
            }
        }
    }
    let cpu = cpu_now()?;
    let begin = Instant::now();
    let count = body(n).await;
    let wall = begin.elapsed();
    let cpu = cpu_now()? - cpu;
    Ok(Sample::timed(n, count, wall, cpu))
}

pub(crate) fn cpu_now() -> Result<Duration, String> {
    sys::cpu_time(0).map_err(|error| format!("cannot read the CPU time: {error}"))
}
