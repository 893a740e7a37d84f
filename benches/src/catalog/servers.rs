//! Starting, the room that tasks and connections take, and echo servers.

use super::{Kind, Workload};
use crate::net::client::Mode;

pub(super) fn start_and_memory(list: &mut Vec<Workload>) {
    let mut add = |name, about, kind| {
        list.push(Workload::new("start and memory", name, about, kind));
    };
    add("start_stop", "build a runtime, run a task, drop it", Kind::StartStop);
    add("cold_start", "a process that runs one task", Kind::ColdStart);
    add("task_memory", "memory of a task that waits", Kind::ParkedTasks { tasks: 100_000 });
    let idle = |size| Kind::Server { mode: Mode::Idle, size, connections: 5_000, hogged: false };
    let about = "memory of a connection that waits, with a buffer of 64 bytes";
    add("connection_memory", about, idle(64));
    let about = "memory of a connection that waits, with a buffer of 1 KiB";
    add("connection_memory_1k", about, idle(1 << 10));
}

/// The echo cells: (name, bytes, connections, quick).
const ECHO: [(&str, usize, usize, bool); 16] = [
    ("echo_64_1", 64, 1, true),
    ("echo_64_50", 64, 50, true),
    ("echo_64_1000", 64, 1_000, true),
    ("echo_64_10000", 64, 10_000, false),
    ("echo_1k_1", 1 << 10, 1, false),
    ("echo_1k_50", 1 << 10, 50, true),
    ("echo_1k_1000", 1 << 10, 1_000, false),
    ("echo_1k_10000", 1 << 10, 10_000, false),
    ("echo_10k_1", 10 << 10, 1, false),
    ("echo_10k_50", 10 << 10, 50, true),
    ("echo_10k_1000", 10 << 10, 1_000, false),
    ("echo_10k_10000", 10 << 10, 10_000, false),
    ("echo_64k_1", 64 << 10, 1, false),
    ("echo_64k_50", 64 << 10, 50, true),
    ("echo_64k_1000", 64 << 10, 1_000, false),
    ("echo_64k_10000", 64 << 10, 10_000, false),
];

pub(super) fn echo(list: &mut Vec<Workload>) {
    for (name, size, connections, quick) in ECHO {
        let kind = Kind::Server { mode: Mode::Echo, size, connections, hogged: false };
        let about = "TCP echo: bytes and connections as in the name";
        list.push(Workload { quick, ..Workload::new("echo", name, about, kind) });
    }
    let hogged = Kind::Server { mode: Mode::Echo, size: 64, connections: 50, hogged: true };
    let about = "echo of 64 bytes, 50 connections, beside a task that computes 10 ms at a time";
    list.push(Workload::new("echo", "hog_echo", about, hogged));
    let churn = Kind::Server { mode: Mode::Churn, size: 64, connections: 16, hogged: false };
    let about = "connect, one echo of 64 bytes, close; 16 at once";
    list.push(Workload::new("echo", "churn", about, churn));
}
