//! trio, curio and Python's own libraries, held against corio: one test an item.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/has.rs"]
mod has;
#[path = "../asyncio_sync/kit.rs"]
mod kit;
#[path = "../common/mains.rs"]
mod mains;
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
