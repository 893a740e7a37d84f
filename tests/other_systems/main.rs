//! trio, curio and Python's own libraries, held against corio: one test an item.

mod trio;
mod curio;
mod acm;
mod sysctx;
mod tss;
mod sysrun;
mod que;
mod thr;
mod tch;
