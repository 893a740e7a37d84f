//! The world outside: streams, files and other programs.

use super::{Kind, Workload};
use crate::files::LARGE_MIB;
use crate::work_body::Place;

fn task(body: &'static str, batch: u64) -> Kind {
    Kind::Loop { body, place: Place::Worker, batch, counts: 1 }
}

pub(super) fn streams(list: &mut Vec<Workload>) {
    let mut add = |name, about, kind| list.push(Workload::new("streams", name, about, kind));
    let about = "a line of 80 bytes, read from a socket";
    add("lines_80", about, task("lines_80", 1000));
    let about = "a line of 1 KiB, read from a socket";
    add("lines_1k", about, task("lines_1k", 1000));
    let about = "echo of 1 KiB, 50 connections, by a server of streams (elsewhere: of sockets)";
    add("stream_echo_1k_50", about, Kind::Streams { size: 1 << 10, connections: 50 });
    let about = "echo of 64 KiB, 50 connections, by a server of streams (elsewhere: of sockets)";
    add("stream_echo_64k_50", about, Kind::Streams { size: 64 << 10, connections: 50 });
}

pub(super) fn files(list: &mut Vec<Workload>) {
    let mut add = |name, batch, about| {
        let kind = task(name, batch);
        list.push(Workload { floor: 2.0, ..Workload::new("files", name, about, kind) });
    };
    let about = "1 MiB of a file of 256 MiB, read in pieces of 64 KiB";
    add("file_pieces", LARGE_MIB, about);
    add("file_whole", LARGE_MIB, "1 MiB of a file of 256 MiB, read as a whole");
    let about = "one of 10,000 files of 4 KiB, read one after the other";
    add("files_small_1", 1000, about);
    add("files_small_64", 1000, "one of 10,000 files of 4 KiB, read by 64 tasks");
    let about = "one of 10,000 files of 4 KiB, read in a batch (elsewhere: by 64 tasks)";
    add("files_small_batch", 1000, about);
}

pub(super) fn processes(list: &mut Vec<Workload>) {
    let mut add = |name, batch, about| {
        list.push(Workload::new("processes", name, about, task(name, batch)));
    };
    add("process_1", 1, "start `true` and wait until it has ended");
    add("process_16", 16, "the same by 16 tasks");
}
