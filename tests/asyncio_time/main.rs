//! asyncio's time, shield, threads and context, held against corio: one test an item.

mod to;
mod wf;
mod sh;
mod sl;
mod th;
mod ctx;
