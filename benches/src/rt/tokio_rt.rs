//! tokio.

#[path = "../work/mod.rs"]
pub(crate) mod work;

#[path = "../work/groups.rs"]
mod groups;

#[path = "../work/more.rs"]
mod more;

/// The names that the workloads use.
pub(crate) mod rt {
    use super::work::{files, servers};
    use super::{groups, more};
    use crate::runtime::{Flavor, WORKERS};
    use crate::work_body::Body;
    use std::io;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::task::JoinSet;

    pub(crate) use crate::work_body::then as cleaned;
    pub(crate) use tokio::net::{TcpListener, TcpStream};
    pub(crate) use tokio::sync::mpsc::{Receiver, Sender, channel, unbounded_channel as unbounded};
    pub(crate) use tokio::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore};
    pub(crate) use tokio::sync::{broadcast, oneshot, watch};
    pub(crate) use tokio::task::{JoinHandle as Handle, spawn_blocking, yield_now};
    pub(crate) use tokio::time::{sleep, timeout};

    /// The only mutex that there is.
    pub(crate) fn barging<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    /// The workloads for what not everybody has.
    pub(crate) fn extra(name: &str) -> Option<Body> {
        groups::body(name).or_else(|| more::body(name))
    }

    pub(crate) fn run<F: Future>(flavor: Flavor, future: F) -> F::Output {
        let mut builder = match flavor {
            Flavor::Multi => tokio::runtime::Builder::new_multi_thread(),
            Flavor::Current => tokio::runtime::Builder::new_current_thread(),
        };
        let runtime = builder.worker_threads(WORKERS).enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }

    pub(crate) use tokio::{fs, process, spawn};

    pub(crate) fn detach<T>(handle: Handle<T>) {
        drop(handle);
    }

    pub(crate) async fn join<T>(handle: Handle<T>) -> T {
        handle.await.expect("a task that neither panics nor is cancelled")
    }

    /// Cancels a task and waits until it is gone; whether that is what ended it.
    pub(crate) async fn cancel<T>(handle: Handle<T>) -> bool {
        handle.abort();
        handle.await.is_err_and(|error| error.is_cancelled())
    }

    /// The children fill a set and are waited for.
    pub(crate) async fn group<F>(children: u64, child: impl Fn() -> F + Send)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut set = JoinSet::new();
        for _ in 0..children {
            set.spawn(child());
        }
        while let Some(ended) = set.join_next().await {
            ended.expect("children that do not fail");
        }
    }

    /// The same with the sum of the children's values.
    pub(crate) async fn group_values<F>(children: u64, child: impl Fn() -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let mut set = JoinSet::new();
        for _ in 0..children {
            set.spawn(child());
        }
        let mut sum = 0;
        while let Some(ended) = set.join_next().await {
            sum += ended.expect("children that do not fail");
        }
        sum
    }

    /// The children fill a set, which is cancelled at `when`.
    pub(crate) async fn group_cancelled<F>(
        children: u64,
        child: impl Fn() -> F + Send,
        when: impl Future<Output = u64>,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut set = JoinSet::new();
        for _ in 0..children {
            set.spawn(child());
        }
        when.await;
        set.shutdown().await;
    }

    macro_rules! select_2 {
        ($left:expr, $right:expr) => {
            tokio::select! { value = $left => value, value = $right => value }
        };
    }
    pub(crate) use select_2;

    macro_rules! join_10 {
        ($future:expr) => {
            tokio::join!(
                $future, $future, $future, $future, $future, $future, $future, $future, $future,
                $future
            )
        };
    }
    pub(crate) use join_10;

    crate::rt::receives_and_permits!();

    crate::rt::reads_and_writes!();
    crate::rt::no_streams_nor_batches!();

    /// Counts the lines that have `length` bytes, of those that are sent for `order`.
    pub(crate) async fn lines(port: u16, order: &[u8], length: usize) -> io::Result<u64> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.write_all(order).await?;
        let (mut lines, mut count) = (BufReader::new(stream).lines(), 0);
        while let Some(line) = lines.next_line().await? {
            // The line feed is taken off.
            count += u64::from(line.len() + 1 == length);
        }
        Ok(count)
    }
}
