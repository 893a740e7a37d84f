//! The command line.

use crate::catalog::{self, Workload};
use crate::compare::{self, Options};
use crate::runtime::{self, Library, Runtime};
use crate::scale::Scale;
use crate::{child, parent, report};
use std::path::PathBuf;

const HELP: &str = "\
Compares async runtimes, workload by workload, each in processes of its own.

corio-bench compare [OPTIONS]    measure every workload on every runtime
corio-bench run NAME [OPTIONS]   measure the workloads whose name begins with NAME
corio-bench list                 name the workloads and the runtimes
corio-bench once NAME RUNTIME N  do N operations, once, in this process: for profilers

--quick            less time and fewer rounds: a look, in less than three minutes
--smoke            each workload once, as small as it can be: shows that it works, not how fast
--rounds N         rounds (7; 3 with --quick, 1 with --smoke)
--peers            corio's executor with the channels and locks of other crates, too
--runtimes A,B     only these runtimes
--out FOLDER       where compare.json and compare.html go (target/corio-bench)

Above 1 is better than tokio, for every figure.
";

/// Does what `args` say.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["list"] => {
            list();
            Ok(())
        }
        ["compare", options @ ..] => compare(&parse(options, &catalog::all())?),
        ["run", name, options @ ..] => {
            let mut found = catalog::all();
            found.retain(|workload| workload.name.starts_with(name));
            if found.is_empty() {
                catalog::named(name)?;
            }
            compare(&parse(options, &found)?)
        }
        ["once", workload, runtime, ops] => child::once(workload, runtime, ops),
        [parent::CHILD, "measure", workload, runtime, scale] => {
            child::measure(workload, runtime, scale)
        }
        [parent::CHILD, "cold", runtime] => child::cold(runtime),
        [parent::CHILD, "serve", runtime, size, form] => child::serve(runtime, size, form),
        [parent::CHILD, "feed"] => child::feed(),
        [parent::CHILD, "load", ..] => child::load(&args[2..]),
        [other, ..] => Err(format!("no command is called {other:?}; see `corio-bench help`")),
    }
}

fn list() {
    let mut group = "";
    for workload in catalog::all() {
        if workload.group != group {
            group = workload.group;
            println!("{group}");
        }
        println!("  {:26} {}", workload.name, workload.about);
    }
    println!("runtimes");
    for runtime in runtime::ALL {
        println!("  {}", runtime.name);
    }
    println!("with --peers, corio's executor with the primitives of other crates");
    for [multi, current] in runtime::PEERS {
        println!("  {:26} {}", multi.name, current.name);
    }
}

/// What was asked for.
#[derive(Debug)]
struct Request {
    options: Options,
    /// Where the files go.
    folder: Option<PathBuf>,
}

/// Reads the options for a comparison of `workloads`.
fn parse(args: &[&str], workloads: &[Workload]) -> Result<Request, String> {
    let mut scale = Scale::Full;
    let mut rounds = None;
    let mut folder = None;
    let mut peers = false;
    let mut runtimes = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match *arg {
            "--quick" => scale = Scale::Quick,
            "--smoke" => scale = Scale::Smoke,
            "--rounds" => {
                let value = value()?;
                let count = value.parse().ok().filter(|rounds| *rounds > 0);
                rounds = Some(count.ok_or_else(|| format!("{value:?} is no number of rounds"))?);
            }
            "--runtimes" => {
                let named = value()?.split(',').map(Runtime::named);
                runtimes = Some(named.collect::<Result<_, _>>()?);
            }
            "--peers" => peers = true,
            "--out" => folder = Some(PathBuf::from(value()?)),
            other => return Err(format!("no option is called {other:?}; see `corio-bench help`")),
        }
    }
    // The smallest form shows that everything works.
    let runtimes = runtimes.unwrap_or_else(|| match peers || scale == Scale::Smoke {
        true => runtime::with_peers().collect(),
        false => runtime::ALL.to_vec(),
    });
    // Asking for a workload by its name is asking for it in every form.
    let everything = workloads.len() == catalog::all().len();
    let keep = |workload: &&Workload| scale != Scale::Quick || workload.quick || !everything;
    let options = Options {
        scale,
        rounds: rounds.unwrap_or(scale.rounds()),
        workloads: workloads.iter().filter(keep).copied().collect(),
        runtimes,
    };
    Ok(Request { options, folder })
}

fn compare(request: &Request) -> Result<(), String> {
    if cfg!(debug_assertions) && request.options.scale != Scale::Smoke {
        return Err("figures of a debug build mean nothing: add --release".to_owned());
    }
    let folder = match &request.folder {
        Some(folder) => folder.clone(),
        None => default_folder()?,
    };
    report::prepare(&folder)?;
    let options = Options { runtimes: runtimes_here(&request.options), ..request.options.clone() };
    let outcome = compare::run(&options);
    report::publish(&outcome, &options, &folder)?;
    let cells = outcome.rows.iter().flat_map(|row| &row.cells);
    let failed: usize = cells.map(|cell| cell.errors.len()).sum();
    if failed > 0 { Err(format!("{failed} measurements failed")) } else { Ok(()) }
}

/// The runtimes without those that are wanted and not on this machine, each left out with a notice.
fn runtimes_here(options: &Options) -> Vec<Runtime> {
    let here = |runtime: &Runtime| {
        let Library::Python(event_loop) = runtime.library else { return true };
        if !options.workloads.iter().any(|workload| workload.suits(*runtime)) {
            return true;
        }
        let absence = event_loop.absence();
        if let Some(reason) = &absence {
            eprintln!("corio-bench: {} is left out: {reason}", runtime.name);
        }
        absence.is_none()
    };
    options.runtimes.iter().copied().filter(here).collect()
}

/// The folder `corio-bench` beside the one that this program was built into.
pub(crate) fn default_folder() -> Result<PathBuf, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
    let target = program.ancestors().nth(2).ok_or("this program lies in no folder")?;
    Ok(target.join("corio-bench"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_read() {
        let request = parse(&["--quick", "--rounds", "5", "--out", "x"], &catalog::all()).unwrap();
        assert_eq!(request.folder, Some(PathBuf::from("x")));
        let options = request.options;
        assert_eq!((options.scale, options.rounds), (Scale::Quick, 5));
        assert!(options.workloads.len() < catalog::all().len());
        let args = ["--runtimes", "bare,tokio-multi"];
        let options = parse(&args, &catalog::all()).unwrap().options;
        assert_eq!(options.runtimes.len(), 2);
        assert_eq!((options.scale, options.rounds), (Scale::Full, 7));
        let peers = |args| parse(args, &catalog::all()).unwrap().options.runtimes.len();
        assert_eq!((peers(&[]), peers(&["--peers"]), peers(&["--smoke"])), (9, 21, 21));
    }

    #[test]
    fn mistakes_are_named() {
        for (args, word) in [
            (vec!["--fast"], "--fast"),
            (vec!["--rounds"], "--rounds"),
            (vec!["--rounds", "0"], "0"),
            (vec!["--runtimes", "tokyo"], "tokyo"),
        ] {
            let error = parse(&args, &catalog::all()).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
