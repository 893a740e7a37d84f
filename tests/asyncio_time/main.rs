//! asyncio's time, shield, threads and context, held against corio: one test an item.

#[path = "../common/mod.rs"]
mod common;
mod kit;

mod ctx;
mod sh;
mod sl;
mod th;
mod to;
mod wf;
