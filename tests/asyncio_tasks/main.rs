//! asyncio's running, tasks, cancelling and futures, held against corio: one test an item.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/mains.rs"]
mod mains;
#[path = "../common/roles.rs"]
mod roles;

mod can;
mod fut;
mod run;
mod tsk;
