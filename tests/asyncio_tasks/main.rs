//! asyncio's running, tasks, cancelling and futures, held against corio: one test an item.

mod run;
mod tsk;
mod can;
mod fut;
