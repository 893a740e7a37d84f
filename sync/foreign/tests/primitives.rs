//! The tests of locks, channels and queues that corio runs on its own runtime, on three others: tokio's
//! single-threaded and its multi-threaded one, and smol's. The files are the same; only `kit` is another.

mod kit;

#[path = "../../../tests/asyncio_sync/bar.rs"]
mod bar;
#[path = "../../../tests/asyncio_sync/co.rs"]
mod co;
#[path = "../../../tests/asyncio_sync/ev.rs"]
mod ev;
#[path = "../../../tests/asyncio_sync/lk.rs"]
mod lk;
#[path = "../../../tests/asyncio_sync/q.rs"]
mod q;
#[path = "../../../tests/other_systems/que.rs"]
mod que;
#[path = "../../../tests/asyncio_sync/sem.rs"]
mod sem;
#[path = "../../../tests/other_systems/tch.rs"]
mod tch;
#[path = "../../../tests/asyncio_sync/together.rs"]
mod together;
