//! One module per library, each with the same names, and the workloads compiled against each.
//!
//! Every module here holds a `rt` with the same functions over its library's own, and takes the
//! files of `src/work/` in as its child. The workloads are therefore one source text, and what
//! differs between two columns of the report is the library alone.

pub(crate) mod corio_rt;
pub(crate) mod smol_rt;
pub(crate) mod tokio_rt;

use crate::runtime::Library;

/// Whether `library` has what the loop called `body` needs.
pub(crate) fn has(library: Library, body: &str) -> bool {
    match library {
        Library::Corio => corio_rt::work::body(body).is_some(),
        Library::Tokio => tokio_rt::work::body(body).is_some(),
        Library::Smol => smol_rt::work::body(body).is_some(),
        Library::Bare => false,
    }
}
