//! asyncio's ways to the outside world, held against corio: one test an item.

mod cc;
mod cs;
mod dg;
mod dn;
mod he;
mod other;
mod peers;
mod sr;
mod support;
mod sv;
mod sw;
mod ux;
