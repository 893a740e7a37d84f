//! What the measuring processes do. Each measures one workload on one runtime, prints one line of
//! JSON and ends, so that no runtime's threads, memory or warm caches reach into another's figures.

use crate::catalog::{self, Kind};
use crate::heap;
use crate::net::client::{self, Load, Mode};
use crate::net::{feed, limit};
use crate::python;
use crate::rt;
use crate::runtime::{Library, Runtime};
use crate::sample::Sample;
use crate::scale::Scale;
use crate::sys;
use crate::work_body::Place;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// No child lives longer than this, whatever happens in it.
const LIFE_SECONDS: u32 = 90;

/// Runs `$body` with `$module` standing for the module of `$library`.
macro_rules! with_library {
    ($library:expr, $module:ident => $body:expr, bare => $bare:expr) => {
        match $library {
            Library::Corio => {
                use crate::rt::corio_rt as $module;
                $body
            }
            Library::Tokio => {
                use crate::rt::tokio_rt as $module;
                $body
            }
            Library::Smol => {
                use crate::rt::smol_rt as $module;
                $body
            }
            Library::Bare | Library::With(_) | Library::Python(_) => $bare,
        }
    };
}

/// The primitives of another crate run on corio's executor.
fn executor(library: Library) -> Library {
    match library {
        Library::With(_) => Library::Corio,
        runtime => runtime,
    }
}

/// Where two threads are measured they are on two processors. The kernel might put them on one, where one
/// of them at a time has what they share for itself, or move them in the middle.
fn take_place(place: Place) {
    if place == Place::Threads {
        sys::stay_on_processor(0);
    }
}

/// Measures one workload inside this process and prints the sample.
pub(crate) fn measure(workload: &str, runtime: &str, scale: &str) -> Result<(), String> {
    prepare()?;
    let workload = catalog::named(workload)?;
    let Runtime { library, flavor, name } = Runtime::named(runtime)?;
    let scale = Scale::named(scale)?;
    let absent = || Err(format!("{} is nothing that {name} can do", workload.name));
    match workload.kind {
        Kind::Loop { body, place, batch, .. } => {
            if let Library::Python(event_loop) = library {
                let Some(length) = python::line_length(body) else { return absent() };
                return Err(event_loop.read_lines(length, scale, batch));
            }
            let Some(body) = rt::body(library, body) else { return absent() };
            take_place(place);
            with_library!(
                executor(library),
                lib => {
                    let sample = lib::work::measure(body, place, scale.plan(), batch);
                    lib::rt::run(flavor, async { finish(sample.await) })
                },
                bare => absent()
            )
        }
        Kind::Heap { things } => {
            let Some(hold) = rt::hold(library, workload.name) else { return absent() };
            finish(heap::heap_bytes_each(hold, scale.tasks(things)))
        }
        _ => with_library!(
            library,
            lib => match workload.kind {
                Kind::Sleeps { tasks } => {
                    let (lead, spread) = scale.sleeps();
                    let sample = lib::work::probes::sleeps(scale.tasks(tasks), lead, spread);
                    lib::rt::run(flavor, async { finish(sample.await) })
                }
                Kind::Naps => {
                    let sample = lib::work::probes::naps(scale.ticking());
                    lib::rt::run(flavor, async { finish(sample.await) })
                }
                Kind::Ticker { beside } => {
                    let sample = lib::work::probes::ticker(beside, scale.ticking());
                    lib::rt::run(flavor, async { finish(sample.await) })
                }
                Kind::ParkedTasks { tasks } => {
                    let sample = lib::work::probes::parked_tasks(scale.tasks(tasks));
                    lib::rt::run(flavor, async { finish(sample.await) })
                }
                Kind::StartStop => {
                    let once = || lib::rt::run(flavor, lib::work::probes::first_task());
                    finish(start_stop(scale, once))
                }
                Kind::Loop { .. }
                | Kind::Heap { .. }
                | Kind::ColdStart
                | Kind::Server { .. }
                | Kind::Streams { .. } => absent(),
            },
            bare => absent()
        ),
    }
}

/// Does a number of operations in this process, without a warm-up and without a clock, so that what a
/// profiler counts is theirs. Two runs with different numbers cancel out what comes before and after.
pub(crate) fn once(workload: &str, runtime: &str, ops: &str) -> Result<(), String> {
    let workload = catalog::named(workload)?;
    let Runtime { library, flavor, name } = Runtime::named(runtime)?;
    let absent = || Err(format!("{} is no loop that {name} can do", workload.name));
    let Kind::Loop { body, place, batch, .. } = workload.kind else { return absent() };
    let Some(body) = rt::body(library, body) else { return absent() };
    take_place(place);
    let ops = number::<u64>(ops)?.div_ceil(batch).max(1) * batch;
    let count = with_library!(
        executor(library),
        lib => lib::rt::run(flavor, lib::work::place(body, place, ops)),
        bare => 0
    );
    println!("{ops} operations counted {count}");
    Ok(())
}

/// Runs one task and ends, for the parent to time from outside. Prints what the task returned.
pub(crate) fn cold(runtime: &str) -> Result<(), String> {
    let Runtime { library, flavor, .. } = Runtime::named(runtime)?;
    let count = with_library!(
        library,
        lib => lib::rt::run(flavor, lib::work::probes::first_task()),
        bare => std::hint::black_box(1)
    );
    println!("{count}");
    Ok(())
}

/// Serves echo until the parent ends this process. Prints the port.
pub(crate) fn serve(runtime: &str, size: &str, form: &str) -> Result<(), String> {
    prepare()?;
    let Runtime { library, flavor, .. } = Runtime::named(runtime)?;
    let buffer = number::<usize>(size)?;
    let streams = form == "streams";
    match library {
        Library::Python(event_loop) if streams => return Err(event_loop.serve(buffer)),
        Library::Bare if !streams => {}
        Library::Bare | Library::With(_) | Library::Python(_) => {
            return Err(format!("{runtime} is no such server"));
        }
        _ => {}
    }
    let served = with_library!(
        library,
        lib => match streams {
            true => lib::rt::run(flavor, lib::rt::stream_echo(buffer, tell)),
            false => {
                let hogged = form == "hogged";
                lib::rt::run(flavor, lib::work::servers::echo(buffer, hogged, tell))
            }
        },
        bare => limit::echo(buffer, tell)
    );
    served.map_err(|error| format!("the server ended: {error}"))
}

/// Tells the parent where to connect.
fn tell(port: u16) -> io::Result<()> {
    println!("{port}");
    io::stdout().flush()
}

/// Sends lines until the parent ends. Prints the port.
pub(crate) fn feed() -> Result<(), String> {
    prepare()?;
    feed::serve(tell).map_err(|error| format!("the feeder ended: {error}"))
}

/// Puts a load on a server and prints the sample.
pub(crate) fn load(args: &[String]) -> Result<(), String> {
    prepare()?;
    let [mode, port, server, size, connections, window] = args else {
        return Err(format!("a load takes 6 arguments, not {}", args.len()));
    };
    let load = Load {
        port: number(port)?,
        server: number(server)?,
        size: number(size)?,
        connections: number(connections)?,
        window: Duration::from_millis(number(window)?),
    };
    let sample = client::run(Mode::named(mode)?, load);
    finish(sample.map_err(|error| format!("the load generator: {error}")))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number that fits"))
}

fn prepare() -> Result<(), String> {
    sys::end_after(LIFE_SECONDS).map_err(|error| format!("cannot set the alarm: {error}"))?;
    sys::raise_open_file_limit()
        .map_err(|error| format!("cannot raise the file limit: {error}"))?;
    Ok(())
}

/// Prints the sample and ends the process at once: taking the runtime down, with whatever tasks it
/// still has, is no part of what was measured.
fn finish(sample: Result<Sample, String>) -> Result<(), String> {
    println!("{}", sample?.to_json());
    std::process::exit(0);
}

/// Builds a runtime, runs a task and drops the runtime, as often as the time allows.
fn start_stop(scale: Scale, once: impl Fn() -> u64) -> Result<Sample, String> {
    let cpu_now = || sys::cpu_time(0).map_err(|error| format!("cannot read the CPU time: {error}"));
    if !scale.plan().is_smoke() {
        once();
    }
    let (cpu, begin) = (cpu_now()?, Instant::now());
    let (mut ops, mut count) = (0, 0);
    while ops == 0 || begin.elapsed() < scale.plan().target {
        count += once();
        ops += 1;
    }
    let (wall, cpu) = (begin.elapsed(), cpu_now()? - cpu);
    Ok(Sample::timed(ops, count, wall, cpu))
}
