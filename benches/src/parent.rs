//! Starting the measuring processes and judging what they bring home.

use crate::catalog::{Kind, Workload};
use crate::json::Json;
use crate::net::client::Mode;
use crate::runtime::Runtime;
use crate::sample::Sample;
use crate::scale::Scale;
use crate::sys;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// The argument that makes the program a measuring process.
pub(crate) const CHILD: &str = "__child";

/// Measures `workload` once on `runtime`, in processes of its own, and checks that the work was done.
pub(crate) fn measure(
    workload: &Workload,
    runtime: Runtime,
    scale: Scale,
) -> Result<Sample, String> {
    let sample = match workload.kind {
        Kind::ColdStart => cold_starts(runtime, scale),
        Kind::Server { .. } | Kind::Streams { .. } => server(workload, runtime, scale),
        _ => sample_of(&["measure", workload.name, runtime.name, scale.name()]),
    }?;
    checked(workload, sample)
}

/// Refuses a sample whose work did not count what its operations must give.
fn checked(workload: &Workload, sample: Sample) -> Result<Sample, String> {
    let expected = workload.expected_count(sample.ops);
    if sample.ops == 0 {
        return Err("no operation was done".to_owned());
    }
    if sample.count != expected {
        return Err(format!(
            "{} operations counted {} instead of {expected}",
            sample.ops, sample.count
        ));
    }
    Ok(sample)
}

/// Starts a process of this program that does what `args` say.
pub(crate) fn child(args: &[&str]) -> Result<Child, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
    Command::new(program)
        .arg(CHILD)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {args:?}: {error}"))
}

/// Runs a child to its end and returns what it printed.
fn output_of(args: &[&str]) -> Result<String, String> {
    let output = child(args)?
        .wait_with_output()
        .map_err(|error| format!("cannot wait for {args:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{} ended with {}", args.join(" "), output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{args:?} printed something odd"))
}

fn sample_of(args: &[&str]) -> Result<Sample, String> {
    Sample::from_json(&Json::parse(output_of(args)?.trim())?)
}

/// Whole processes, one after the other, timed from their start to their end.
fn cold_starts(runtime: Runtime, scale: Scale) -> Result<Sample, String> {
    let cpu_now =
        || sys::cpu_time_of_ended_children().map_err(|error| format!("cannot read usage: {error}"));
    let (ops, mut count) = (scale.starts(), 0);
    let (cpu, begin) = (cpu_now()?, Instant::now());
    for _ in 0..ops {
        let printed = output_of(&["cold", runtime.name])?;
        count += printed.trim().parse::<u64>().map_err(|_| format!("printed {printed:?}"))?;
    }
    let (wall, cpu) = (begin.elapsed(), cpu_now()? - cpu);
    Ok(Sample::timed(ops, count, wall, cpu))
}

/// A server that is ended when this value is dropped.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn start(runtime: Runtime, size: usize, form: &str) -> Result<Self, String> {
        let process = child(&["serve", runtime.name, &size.to_string(), form])?;
        let mut server = Self { process, port: String::new() };
        let stdout = server.process.stdout.take().ok_or("a server without its output")?;
        BufReader::new(stdout)
            .read_line(&mut server.port)
            .map_err(|error| format!("cannot read the server's port: {error}"))?;
        if server.port.trim().is_empty() {
            return Err("the server ended before it told its port".to_owned());
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end and only something to collect.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn server(workload: &Workload, runtime: Runtime, scale: Scale) -> Result<Sample, String> {
    let (mode, size, connections, form) = match workload.kind {
        Kind::Server { mode, size, connections, hogged: false } => {
            (mode, size, connections, "free")
        }
        Kind::Server { mode, size, connections, hogged: true } => {
            (mode, size, connections, "hogged")
        }
        Kind::Streams { size, connections } => (Mode::Echo, size, connections, "streams"),
        _ => return Err(format!("{} has no server", workload.name)),
    };
    let server = Server::start(runtime, size, form)?;
    let mode = match mode {
        Mode::Echo => "echo",
        Mode::Churn => "churn",
        Mode::Idle => "idle",
    };
    sample_of(&[
        "load",
        mode,
        server.port.trim(),
        &server.process.id().to_string(),
        &size.to_string(),
        &scale.connections(connections).to_string(),
        &scale.window().as_millis().to_string(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use std::time::Duration;

    fn sample(ops: u64, count: u64) -> Sample {
        Sample::timed(ops, count, Duration::from_nanos(1), Duration::from_nanos(1))
    }

    #[test]
    fn work_that_was_not_done_is_refused() {
        let workload = catalog::named("broadcast_4").unwrap();
        assert!(checked(&workload, sample(1000, 4000)).is_ok());
        let error = checked(&workload, sample(1000, 3999)).unwrap_err();
        assert!(error.contains("3999 instead of 4000"), "{error}");
        assert!(checked(&workload, sample(0, 0)).is_err());
    }
}
