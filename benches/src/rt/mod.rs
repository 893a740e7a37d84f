//! One module per library, each with the same names, and the workloads compiled against each.
//!
//! Every module here holds a `rt` with the same functions over its library's own, and takes the
//! files of `src/work/` in as its child. The workloads are therefore one source text, and what
//! differs between two columns of the report is the library alone.

#[cfg(feature = "corio")]
pub(crate) mod corio_rt;
pub(crate) mod smol_rt;
pub(crate) mod tokio_rt;
