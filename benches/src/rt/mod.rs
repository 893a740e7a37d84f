//! One module per library, each with the same names, and the workloads compiled against each.
//!
//! Every module here holds a `rt` with the same functions over its library's own, and takes the
//! files of `src/work/` in as its child. The workloads are therefore one source text, and what
//! differs between two columns of the report is the library alone.

pub(crate) mod corio_rt;
pub(crate) mod peers;
pub(crate) mod smol_rt;
pub(crate) mod tokio_rt;

use crate::heap::Hold;
use crate::runtime::Library;
use crate::work_body::Body;

/// The loop called `body` on `library`, which may have nothing of the kind.
pub(crate) fn body(library: Library, body: &str) -> Option<Body> {
    match library {
        Library::Corio => corio_rt::work::body(body),
        Library::Tokio => tokio_rt::work::body(body),
        Library::Smol => smol_rt::work::body(body),
        Library::With(peer) => peers::body(peer, body),
        Library::Bare | Library::Python(_) => None,
    }
}

/// The things called `name` whose room is measured, made by `library`.
pub(crate) fn hold(library: Library, name: &str) -> Option<Hold> {
    match library {
        Library::Corio => corio_rt::work::holds(name),
        Library::Tokio => tokio_rt::work::holds(name),
        Library::Smol => smol_rt::work::holds(name),
        Library::With(peer) => peers::holds(peer, name),
        Library::Bare | Library::Python(_) => None,
    }
}
