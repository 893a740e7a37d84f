//! Channels and locks: in tasks of one runtime, between two threads, and how much room they take.

use super::{Kind, Workload};
use crate::work_body::Place;

/// How many times better than tokio's corio's primitives mean to be.
const FLOOR: f64 = 1.5;

fn row(group: &'static str, name: &'static str, about: &'static str, kind: Kind) -> Workload {
    Workload { floor: FLOOR, ..Workload::new(group, name, about, kind) }
}

pub(super) fn channels(list: &mut Vec<Workload>) {
    let mut add = |name, batch, counts, about| {
        let kind = Kind::Loop { body: name, place: Place::Worker, batch, counts };
        list.push(row("channels", name, about, kind));
    };
    add("oneshot", 1, 1, "make a oneshot channel, send and receive, in one task");
    add("oneshot_task", 1, 1, "receive from a task spawned to send");
    add("mpsc_1_64", 1, 1, "a message, 1 sender, capacity 64");
    add("mpsc_1_1024", 1, 1, "a message, 1 sender, capacity 1,024");
    add("mpsc_1_unbounded", 1, 1, "a message, 1 sender, unbounded");
    add("mpsc_4_64", 4, 1, "a message, 4 senders, capacity 64");
    add("mpsc_4_1024", 4, 1, "a message, 4 senders, capacity 1,024");
    add("mpsc_4_unbounded", 4, 1, "a message, 4 senders, unbounded");
    add("mpsc_100_64", 100, 1, "a message, 100 senders, capacity 64");
    add("mpsc_100_1024", 100, 1, "a message, 100 senders, capacity 1,024");
    add("mpsc_100_unbounded", 100, 1, "a message, 100 senders, unbounded");
    add("mpsc_1_reserve", 1, 1, "a message, 1 sender that reserves a place first, capacity 64");
    add("mpsc_1_many", 1, 1, "a message, 1 sender, capacity 64, up to 32 received at a time");
    add("mpmc_1_64", 1, 1, "a message, 1 sender, 1 of possibly many receivers, capacity 64");
    add("mpmc_4_64", 4, 1, "a message, 4 senders, 4 receivers, capacity 64");
    add("broadcast_1", 1000, 1, "a message to 1 receiver");
    add("broadcast_4", 1000, 4, "a message to 4 receivers");
    add("broadcast_8", 1000, 8, "a message to 8 receivers");
    add("watch", 1, 1, "a round trip over two watches");
    add("watch_8", 1, 8, "a value seen and confirmed by 8 tasks");
}

pub(super) fn locks(list: &mut Vec<Workload>) {
    let mut add = |name, batch, about| {
        let kind = Kind::Loop { body: name, place: Place::Worker, batch, counts: 1 };
        list.push(row("locks", name, about, kind));
    };
    add("mutex", 1, "lock and unlock, nobody in the way");
    add("mutex_8", 8, "lock and unlock, 8 tasks");
    add("mutex_8_held", 8, "lock, give way, unlock, 8 tasks");
    add("barging_8_held", 8, "the same with the mutex that may be overtaken, where there is one");
    add("rwlock", 1, "read lock and unlock, nobody in the way");
    add("rwlock_8", 64, "lock, give way, unlock, 8 tasks, 1 write to 7 reads");
    add("semaphore", 1, "acquire and release, nobody in the way");
    add("semaphore_8", 8, "acquire, give way, release, 8 tasks, 2 permits");
    add("barrier_8", 8, "a task's arrival at a barrier for 8 and its leave");
    add("once_cell", 1, "make a cell that is filled once, fill it, read it");
    add("notify", 1, "notify, then wait for it, in one task");
    add("notify_8", 8, "wait, then notify the next in a ring of 8 tasks");
    add("notify_ping_pong", 1, "a round trip between two tasks that notify each other");
}

pub(super) fn threads(list: &mut Vec<Workload>) {
    let mut add = |name, batch, about| {
        let kind = Kind::Loop { body: name, place: Place::Threads, batch, counts: 1 };
        list.push(row("between two threads", name, about, kind));
    };
    add("oneshot_threads", 1, "a request with a oneshot for its answer, served by another thread");
    add("mpsc_threads_1", 1, "a message to another thread, capacity 1");
    add("mpsc_threads_64", 1, "a message to another thread, capacity 64");
    add("mpsc_threads_1024", 1, "a message to another thread, capacity 1,024");
    add("mpsc_threads_unbounded", 1, "a message to another thread, unbounded");
    add("mpmc_threads_64", 1, "a message to another thread, many senders and receivers allowed");
    add("watch_threads", 1, "a round trip between two threads over two watches");
    add("mutex_threads", 2, "lock and unlock, two threads");
    add("barging_threads", 2, "the same with the mutex that may be overtaken, where there is one");
    add("rwlock_threads", 16, "lock and unlock, two threads, 1 write to 7 reads");
    add("semaphore_threads", 2, "acquire and release, two threads, one permit");
    add("notify_threads", 1, "a round trip between two threads that notify each other");
}

pub(super) fn memory(list: &mut Vec<Workload>) {
    let mut add = |name, about| {
        list.push(row("memory of channels", name, about, Kind::Heap { things: 1_000 }));
    };
    add("bytes_mpsc_64", "heap bytes of an empty channel of capacity 64, both ends");
    add("bytes_mpsc_1024", "heap bytes of an empty channel of capacity 1,024, both ends");
    add("bytes_mpsc_unbounded", "heap bytes of an empty unbounded channel, both ends");
    add("bytes_oneshot", "heap bytes of a oneshot channel, both ends");
}
