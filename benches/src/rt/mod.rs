//! One module per library, each with the same names, and the workloads compiled against each.
//!
//! Every module here holds a `rt` with the same functions over its library's own, and takes the
//! files of `src/work/` in as its child. The workloads are therefore one source text, and what
//! differs between two columns of the report is the library alone.

/// Reading and writing, which all call the same.
macro_rules! reads_and_writes {
    () => {
        pub(crate) async fn read(stream: &mut TcpStream, buf: &mut [u8]) -> io::Result<usize> {
            stream.read(buf).await
        }

        pub(crate) async fn write_all(stream: &mut TcpStream, buf: &[u8]) -> io::Result<()> {
            stream.write_all(buf).await
        }

        pub(crate) async fn read_file(file: &mut fs::File, buf: &mut [u8]) -> io::Result<usize> {
            file.read(buf).await
        }
    };
}
use reads_and_writes;

/// In the place of what only corio has.
macro_rules! no_streams_nor_batches {
    () => {
        /// Its sockets serve.
        pub(crate) async fn stream_echo(
            buffer: usize,
            tell: impl FnOnce(u16) -> io::Result<()>,
        ) -> io::Result<()> {
            servers::echo(buffer, false, tell).await
        }

        /// Tasks read the small files.
        pub(crate) async fn read_small_files(n: u64) -> u64 {
            files::small_by_tasks(n).await
        }
    };
}
use no_streams_nor_batches;

/// A oneshot's receiver that is itself a future, and permits that come in a result.
macro_rules! receives_and_permits {
    () => {
        pub(crate) fn oneshot_receive<T>(receiver: oneshot::Receiver<T>) -> oneshot::Receiver<T> {
            receiver
        }

        pub(crate) fn granted<T, E: std::fmt::Debug>(permit: Result<T, E>) -> T {
            permit.expect("an open semaphore")
        }
    };
}
use receives_and_permits;

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
