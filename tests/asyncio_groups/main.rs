//! asyncio's groups and ways of waiting, held against corio: one test an item.

#[path = "../common/mod.rs"]
mod common;
mod kit;

mod ac;
mod eg;
mod ga;
mod tg;
mod wt;
