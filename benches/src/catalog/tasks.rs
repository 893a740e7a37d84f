//! Spawning, awaiting, giving way, and tasks that answer each other.

use super::{Kind, Workload};
use crate::work_body::Place::{self, Main, Worker};

pub(super) fn list(list: &mut Vec<Workload>) {
    let mut add = |name, body, place: Place, batch, about| {
        let kind = Kind::Loop { body, place, batch, counts: 1 };
        list.push(Workload::new("tasks", name, about, kind));
    };
    let batch = "spawn 1,000 tasks, then await them; from main";
    add("spawn_await_1000_main", "spawn_await_1000", Main, 1000, batch);
    let batch = "spawn 1,000 tasks, then await them; from a task";
    add("spawn_await_1000_worker", "spawn_await_1000", Worker, 1000, batch);
    add("spawn_await_1_main", "spawn_await_1", Main, 1, "spawn a task and await it; from main");
    let one = "spawn a task and await it; from a task";
    add("spawn_await_1_worker", "spawn_await_1", Worker, 1, one);
    let batch = "spawn 1,000 tasks without their handles, wait for the last; from main";
    add("spawn_detached_main", "spawn_detached", Main, 1000, batch);
    let batch = "spawn 1,000 tasks without their handles, wait for the last; from a task";
    add("spawn_detached_worker", "spawn_detached", Worker, 1000, batch);
    add("chained_spawn", "chained_spawn", Worker, 1, "each task spawns the next and ends");
    add("yield_1", "yield_1", Worker, 1, "one task gives way");
    add("yield_1000", "yield_1000", Worker, 1000, "1,000 tasks give way in turn");
    let trip = "a round trip between two tasks, over two channels";
    add("ping_pong_tasks", "ping_pong_tasks", Worker, 1, trip);
    let trip = "a round trip between main and a task, over two channels";
    add("ping_pong_main", "ping_pong_main", Main, 1, trip);
    let trip = "a round trip between a plain thread and a task, over two channels";
    add("ping_pong_thread", "ping_pong_thread", Main, 1, trip);
    let calls = "a call in the pool for blocking code, awaited";
    add("spawn_blocking_1", "spawn_blocking_1", Worker, 1, calls);
    let calls = "100 calls in the pool for blocking code, then awaited";
    add("spawn_blocking_100", "spawn_blocking_100", Worker, 100, calls);
}
