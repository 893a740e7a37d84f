//! asyncio's ways to the outside world, held against corio: one test an item.

mod aiof;
mod cc;
mod cs;
mod dg;
mod dn;
#[cfg(target_os = "linux")]
mod fd;
mod he;
#[cfg(unix)]
mod mp;
mod peers;
mod pp;
#[cfg(unix)]
mod roles;
#[cfg(target_os = "linux")]
mod sel;
#[cfg(target_os = "linux")]
mod sf;
#[cfg(unix)]
mod sig;
#[cfg(unix)]
mod sk;
#[cfg(unix)]
mod sp;
mod sr;
mod streams;
mod support;
mod sv;
mod sw;
#[cfg(unix)]
mod syssig;
mod udp;
mod ux;
