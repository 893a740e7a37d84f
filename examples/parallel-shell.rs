//! Lines of shell, several at a time. The first that fails ends all the others.
//!
//! Run it: `cargo run --release --example parallel-shell -- --jobs 2 'sleep 1; date' 'sleep 1; date' date`,
//! or with the lines on stdin: `seq 1 9 | sed 's/.*/sleep &; echo &/' | cargo run ...`. Ctrl-C ends it.
//!
//! You will see the output of each line in one piece, in the order in which they end, with how long it
//! took. When one fails, or on Ctrl-C, the others are asked to end (with all that they have started) and
//! killed if they do not; nothing is running any more when the program ends.

#[path = "support/args.rs"]
mod args;

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use corio::process::{Output, Stdio, shell};
use corio::time::Instant;
use corio::{TaskGroup, finally};

const HELP: &str = "\
parallel-shell [OPTIONS] [LINE]...    runs lines of shell (those of stdin, if there are none here)

--jobs N           how many at once (4)
--limit BYTES      how much a line may print (1000000)
--grace SECONDS    how long they may take to end when they are asked to (2)";

/// Runs one line; dropped half-way, it ends what it has started before it is gone.
async fn run(line: &str, limit: usize, grace: Duration) -> io::Result<Output> {
    let mut command = shell(line);
    command.stdin(Stdio::null()).stderr_to_stdout().own_group();
    let mut child = command.spawn()?;
    let ending = child.handle();
    let body = async { child.communicate("").max_length(limit).await };
    finally(body, move || async move {
        if let Err(error) = ending.stop(grace).await {
            eprintln!("{error}");
        }
    })
    .await
}

fn report(line: &str, output: &Output, time: Duration) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "$ {line}")?;
    out.write_all(&output.stdout)?;
    writeln!(out, "{} after {time:.2?}", output.status)
}

#[corio::main(cancel_on_ctrl_c = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, usize::MAX, &["--jobs", "--limit", "--grace"])?;
    let jobs: usize = args.option("--jobs", 4)?;
    let limit: usize = args.option("--limit", 1_000_000)?;
    let grace = Duration::try_from_secs_f64(args.option("--grace", 2.0)?)?;
    if jobs == 0 {
        return Err("--jobs must be at least 1".into());
    }
    let mut lines: Vec<String> =
        (0..).map_while(|index| args.word(index).map(str::to_owned)).collect();
    if lines.is_empty() {
        let text = corio::spawn_blocking(|| io::read_to_string(io::stdin())).await??;
        lines.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    }

    let group = TaskGroup::<io::Error>::with_limit(jobs);
    for line in lines {
        group.spawn(async move {
            let start = Instant::now();
            let about = |error| io::Error::other(format!("`{line}`: {error}"));
            let output = run(&line, limit, grace).await.map_err(about)?;
            report(&line, &output, start.elapsed())?;
            match output.status.success() {
                true => Ok(()),
                false => Err(io::Error::other(format!("`{line}`: {}", output.status))),
            }
        });
    }
    match group.join().await {
        Ok(()) => Ok(()),
        // The others were cancelled, which is no failure of theirs.
        Err(error) => Err(error.to_string().into()),
    }
}
