//! The peers that are written in another language: Python's asyncio, with its own event loop and with uvloop.

use crate::net::feed;
use crate::runtime::EventLoop;
use crate::scale::Scale;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The workloads in Python.
const SCRIPT: &str = include_str!("python.py");

/// The bytes of a line in the loop called `body`, if that is one which Python takes part in.
pub(crate) fn line_length(body: &str) -> Option<usize> {
    match body {
        "lines_80" => Some(80),
        "lines_1k" => Some(1 << 10),
        _ => None,
    }
}

impl EventLoop {
    fn module(self) -> &'static str {
        match self {
            Self::Asyncio => "asyncio",
            Self::Uvloop => "uvloop",
        }
    }

    /// Says why it cannot take part, when Python or the module is not on this machine.
    pub(crate) fn absence(self) -> Option<String> {
        let module = self.module();
        let status = Command::new("python3")
            .args(["-c", &format!("import {module}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => None,
            Ok(_) => Some(format!("python3 has no module {module}")),
            Err(error) => Some(format!("python3 cannot be started: {error}")),
        }
    }

    /// Makes this process a Python that serves echo, reads of `size` bytes at most, and prints its port.
    pub(crate) fn serve(self, size: usize) -> String {
        self.become_python(&["serve", &size.to_string()])
    }

    /// Makes this process a Python that reads lines of `length` bytes and prints the sample.
    pub(crate) fn read_lines(self, length: usize, scale: Scale, batch: u64) -> String {
        let target = scale.plan().target.as_secs_f64();
        let (port, length) = (feed::port().to_string(), length.to_string());
        self.become_python(&["lines", &port, &length, &target.to_string(), &batch.to_string()])
    }

    /// Returns why it did not. The process keeps its number, its alarm and its standard streams.
    fn become_python(self, args: &[&str]) -> String {
        let mut python = Command::new("python3");
        let error = python.args(["-c", SCRIPT, self.module()]).args(args).exec();
        format!("python3 cannot be started: {error}")
    }
}
