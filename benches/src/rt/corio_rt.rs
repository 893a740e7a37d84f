//! corio.

#[path = "../work/mod.rs"]
pub(crate) mod work;

#[path = "../work/more.rs"]
mod more;

/// The names that the workloads use.
pub(crate) mod rt {
    use super::more;
    use crate::runtime::{Flavor, WORKERS};
    use crate::work_body::Body;
    use std::time::Duration;

    pub(crate) use corio::net::{TcpListener, TcpStream};
    pub(crate) use corio::sync::mpsc::{channel, unbounded};
    pub(crate) use corio::sync::{Mutex, Notify, RwLock, Semaphore, broadcast, oneshot, watch};
    pub(crate) use corio::time::sleep;
    pub(crate) use corio::{Task as Handle, spawn, spawn_blocking, yield_now};

    /// The workloads for what smol does not have.
    pub(crate) fn extra(name: &str) -> Option<Body> {
        more::body(name)
    }

    pub(crate) fn run<F: Future>(flavor: Flavor, future: F) -> F::Output {
        let builder = match flavor {
            Flavor::Multi => corio::runtime::Builder::new_multi_thread().worker_threads(WORKERS),
            Flavor::Current => corio::runtime::Builder::new_current_thread(),
        };
        builder.build().expect("a runtime").block_on(future)
    }

    pub(crate) fn detach<T>(handle: Handle<T>) {
        drop(handle);
    }

    pub(crate) async fn join<T>(handle: Handle<T>) -> T {
        handle.await.expect("a task that neither panics nor is cancelled")
    }

    pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        corio::time::timeout(limit, future).await.ok()
    }

    pub(crate) async fn oneshot_receive<T>(receiver: oneshot::Receiver<T>) -> Option<T> {
        receiver.await.ok()
    }

    pub(crate) async fn acquire(semaphore: &Semaphore) -> corio::sync::SemaphorePermit<'_> {
        semaphore.acquire().await.expect("an open semaphore")
    }

    pub(crate) async fn read(stream: &mut TcpStream, buf: &mut [u8]) -> std::io::Result<usize> {
        stream.read(buf).await
    }

    pub(crate) async fn write_all(stream: &mut TcpStream, buf: &[u8]) -> std::io::Result<()> {
        stream.write_all(buf).await
    }
}
