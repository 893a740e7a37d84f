//! smol: its executor, `async-io`, `async-channel` and `async-lock`.
//!
//! `smol::spawn` runs tasks on one executor of the process with a number of threads that an
//! environment variable sets. The same executor is driven here by hand, so that the number of
//! threads can be chosen; a task pays one executor either way.

#[path = "../work/mod.rs"]
pub(crate) mod work;

#[path = "../work/many.rs"]
mod many_receivers;

/// The names that the workloads use.
pub(crate) mod rt {
    use super::many_receivers;
    use super::work::{files, servers};
    use crate::runtime::{Flavor, WORKERS};
    use crate::work_body::Body;
    use smol::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use smol::stream::StreamExt;
    use std::io;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    pub(crate) use crate::rt::peers::async_rt::rt::{
        Barrier, Mutex, OnceCell, Receiver, RwLock, Semaphore, Sender, barging, channel, granted,
        many, oneshot, oneshot_receive, unbounded,
    };
    pub(crate) use crate::work_body::then as cleaned;
    pub(crate) use smol::Task as Handle;
    pub(crate) use smol::future::yield_now;
    pub(crate) use smol::net::{TcpListener, TcpStream};
    pub(crate) use smol::{fs, process};

    /// The workloads for what not everybody has. smol has no broadcast channel, watch or notify of
    /// its own, and neither groups nor a join of many.
    pub(crate) fn extra(name: &str) -> Option<Body> {
        many_receivers::body(name)
    }

    static EXECUTOR: smol::Executor<'static> = smol::Executor::new();

    pub(crate) fn run<F: Future>(flavor: Flavor, future: F) -> F::Output {
        if flavor == Flavor::Current {
            return smol::block_on(EXECUTOR.run(future));
        }
        for _ in 0..WORKERS {
            std::thread::spawn(|| {
                smol::block_on(EXECUTOR.run(smol::future::pending::<()>()));
            });
        }
        smol::block_on(future)
    }

    pub(crate) fn spawn<F>(future: F) -> Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        EXECUTOR.spawn(future)
    }

    pub(crate) fn spawn_blocking<T, F>(f: F) -> Handle<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        smol::unblock(f)
    }

    pub(crate) fn detach<T>(handle: Handle<T>) {
        handle.detach();
    }

    pub(crate) async fn join<T>(handle: Handle<T>) -> T {
        handle.await
    }

    /// Cancels a task and waits until it is gone; whether that is what ended it.
    pub(crate) async fn cancel<T>(handle: Handle<T>) -> bool {
        handle.cancel().await.is_none()
    }

    macro_rules! select_2 {
        ($left:expr, $right:expr) => {
            smol::future::race($left, $right).await
        };
    }
    pub(crate) use select_2;

    pub(crate) async fn sleep(duration: Duration) {
        smol::Timer::after(duration).await;
    }

    /// The way smol's own documentation writes a timeout.
    pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        let done = async { Some(future.await) };
        let late = async {
            smol::Timer::after(limit).await;
            None
        };
        smol::future::or(done, late).await
    }

    crate::rt::reads_and_writes!();
    crate::rt::no_streams_nor_batches!();

    /// Counts the lines that have `length` bytes, of those that are sent for `order`.
    pub(crate) async fn lines(port: u16, order: &[u8], length: usize) -> io::Result<u64> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.write_all(order).await?;
        let (mut lines, mut count) = (BufReader::new(stream).lines(), 0);
        while let Some(line) = lines.next().await {
            // The line feed is taken off.
            count += u64::from(line?.len() + 1 == length);
        }
        Ok(count)
    }
}
