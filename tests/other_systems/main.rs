//! trio, curio and Python's own libraries, held against corio: one test an item.

mod acm;
mod curio;
mod que;
mod sysctx;
mod sysrun;
mod tch;
mod thr;
mod trio;
mod tss;
