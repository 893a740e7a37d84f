//! trio, curio and Python's own libraries, held against corio: one test an item.

#[path = "../common/mod.rs"]
mod common;
#[path = "../asyncio_sync/kit.rs"]
mod kit;
#[path = "../common/roles.rs"]
mod roles;

mod acm;
mod curio;
mod que;
mod sysctx;
mod sysrun;
mod tch;
mod thr;
mod trio;
mod tss;
