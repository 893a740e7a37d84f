//! tokio.

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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    pub(crate) use tokio::net::{TcpListener, TcpStream};
    pub(crate) use tokio::sync::mpsc::{channel, unbounded_channel as unbounded};
    pub(crate) use tokio::sync::{Mutex, Notify, RwLock, Semaphore, broadcast, oneshot, watch};
    pub(crate) use tokio::task::{JoinHandle as Handle, spawn_blocking, yield_now};
    pub(crate) use tokio::time::sleep;

    /// The workloads for what smol does not have.
    pub(crate) fn extra(name: &str) -> Option<Body> {
        more::body(name)
    }

    pub(crate) fn run<F: Future>(flavor: Flavor, future: F) -> F::Output {
        let mut builder = match flavor {
            Flavor::Multi => tokio::runtime::Builder::new_multi_thread(),
            Flavor::Current => tokio::runtime::Builder::new_current_thread(),
        };
        let runtime = builder.worker_threads(WORKERS).enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }

    pub(crate) use tokio::spawn;

    pub(crate) fn detach<T>(handle: Handle<T>) {
        drop(handle);
    }

    pub(crate) async fn join<T>(handle: Handle<T>) -> T {
        handle.await.expect("a task that neither panics nor is cancelled")
    }

    pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        tokio::time::timeout(limit, future).await.ok()
    }

    pub(crate) async fn oneshot_receive<T>(receiver: oneshot::Receiver<T>) -> Option<T> {
        receiver.await.ok()
    }

    pub(crate) async fn acquire(semaphore: &Semaphore) -> tokio::sync::SemaphorePermit<'_> {
        semaphore.acquire().await.expect("an open semaphore")
    }

    pub(crate) async fn read(stream: &mut TcpStream, buf: &mut [u8]) -> std::io::Result<usize> {
        stream.read(buf).await
    }

    pub(crate) async fn write_all(stream: &mut TcpStream, buf: &[u8]) -> std::io::Result<()> {
        stream.write_all(buf).await
    }
}
