//! asyncio's groups and ways of waiting, held against corio: one test an item.

mod ac;
mod eg;
mod ga;
mod tg;
mod wt;
