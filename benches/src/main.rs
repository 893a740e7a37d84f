//! Compares corio with tokio and smol, workload by workload, each in processes of its own.

#![allow(clippy::duplicate_mod, reason = "the workloads are compiled once against each library")]

mod catalog;
mod child;
mod cli;
mod compare;
mod files;
mod heap;
mod hist;
mod json;
mod net;
mod parent;
mod progress;
mod python;
mod report;
mod rt;
mod runtime;
mod sample;
mod scale;
mod stats;
mod sys;
mod work_body;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match cli::main(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corio-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
