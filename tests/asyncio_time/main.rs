//! asyncio's time, shield, threads and context, held against corio: one test an item.

mod ctx;
mod sh;
mod sl;
mod th;
mod to;
mod wf;
