//! asyncio's running, tasks, cancelling and futures, held against corio: one test an item.

mod can;
mod fut;
mod run;
mod tsk;
