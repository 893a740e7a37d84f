//! asyncio's locks and queues, held against corio: one test an item.

mod kit;

mod bar;
mod co;
mod ev;
mod lk;
mod outlive;
mod q;
mod sem;
mod together;
