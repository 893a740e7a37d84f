//! asyncio's groups and ways of waiting, held against corio: one test an item.

mod tg;
mod ga;
mod wt;
mod ac;
mod eg;
