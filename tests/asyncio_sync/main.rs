//! asyncio's locks and queues, held against corio: one test an item.

mod q;
mod lk;
mod ev;
mod co;
mod sem;
mod bar;
