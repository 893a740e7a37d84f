//! corio.

#[path = "../work/mod.rs"]
pub(crate) mod work;

#[path = "../work/groups.rs"]
mod groups;

#[path = "../work/many.rs"]
mod many_receivers;

#[path = "../work/more.rs"]
mod more;

/// The names that the workloads use.
pub(crate) mod rt {
    use super::work::files::is_small;
    use super::{groups, many_receivers, more};
    use crate::files;
    use crate::runtime::{Flavor, WORKERS};
    use crate::work_body::Body;
    use corio::TaskGroup;
    use std::convert::Infallible;
    use std::io;
    use std::net::Ipv4Addr;

    pub(crate) use corio::finally as cleaned;
    pub(crate) use corio::net::{TcpListener, TcpStream};
    pub(crate) use corio::sync::channel as many;
    pub(crate) use corio::sync::mpsc::{Receiver, Sender, channel, unbounded};
    pub(crate) use corio::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore};
    pub(crate) use corio::sync::{broadcast, oneshot, watch};
    pub(crate) use corio::time::{sleep, timeout};
    pub(crate) use corio::{Task as Handle, fs, process, spawn, spawn_blocking, yield_now};

    /// The mutex that may be overtaken.
    pub(crate) fn barging<T>(value: T) -> Mutex<T> {
        Mutex::barging(value)
    }

    /// The workloads for what not everybody has.
    pub(crate) fn extra(name: &str) -> Option<Body> {
        groups::body(name).or_else(|| many_receivers::body(name)).or_else(|| more::body(name))
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

    /// Cancels a task and waits until it is gone; whether that is what ended it.
    pub(crate) async fn cancel<T>(handle: Handle<T>) -> bool {
        handle.cancel();
        handle.await.is_err_and(|error| error.is_cancelled())
    }

    /// The children fill a group and are waited for.
    pub(crate) async fn group<F>(children: u64, child: impl Fn() -> F + Send)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let body = |group: TaskGroup| async move {
            (0..children).for_each(|_| drop(group.spawn(child())));
            Ok(())
        };
        corio::task_group(body).await.expect("children that do not fail");
    }

    /// The same with the sum of the children's values.
    pub(crate) async fn group_values<F>(children: u64, child: impl Fn() -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let body = |group: TaskGroup| async move {
            let child = || {
                let child = child();
                group.spawn(async { Ok(child.await) })
            };
            let tasks: Vec<_> = (0..children).map(|_| child()).collect();
            let mut sum = 0;
            for task in tasks {
                sum += join(task).await;
            }
            Ok(sum)
        };
        corio::task_group(body).await.expect("children that do not fail")
    }

    /// The children fill a group, which is cancelled at `when`.
    pub(crate) async fn group_cancelled<F>(
        children: u64,
        child: impl Fn() -> F + Send,
        when: impl Future<Output = u64>,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let group = TaskGroup::<Infallible>::new();
        (0..children).for_each(|_| drop(group.spawn(child())));
        when.await;
        group.cancel();
        group.join().await.expect("children that do not fail");
    }

    macro_rules! select_2 {
        ($left:expr, $right:expr) => {
            corio::select! { value = $left => value, value = $right => value }
        };
    }
    pub(crate) use select_2;

    macro_rules! join_10 {
        ($future:expr) => {
            corio::join!(
                $future, $future, $future, $future, $future, $future, $future, $future, $future,
                $future
            )
        };
    }
    pub(crate) use join_10;

    crate::rt::receives_and_permits!();

    crate::rt::reads_and_writes!();

    /// Counts the lines that have `length` bytes, of those that are sent for `order`.
    pub(crate) async fn lines(port: u16, order: &[u8], length: usize) -> io::Result<u64> {
        let (reader, writer) = corio::open_connection((Ipv4Addr::LOCALHOST, port)).await?;
        writer.write(order)?;
        let (mut lines, mut count) = (reader.lines(), 0);
        while let Some(line) = lines.next().await {
            count += u64::from(line?.len() == length);
        }
        Ok(count)
    }

    /// Serves echo by streams until the process is ended; tells the port by `tell`.
    pub(crate) async fn stream_echo(
        buffer: usize,
        tell: impl FnOnce(u16) -> io::Result<()>,
    ) -> io::Result<()> {
        let serve = move |mut reader: corio::StreamReader, writer: corio::StreamWriter| async move {
            loop {
                match reader.read(buffer).await? {
                    data if data.is_empty() => return io::Result::Ok(()),
                    data => writer.write(&data)?,
                }
                writer.drain().await?;
            }
        };
        let server = corio::start_server((Ipv4Addr::LOCALHOST, 0), serve).await?;
        tell(server.local_addrs()[0].port())?;
        server.wait_closed().await;
        Ok(())
    }

    /// Reads small files and counts them.
    pub(crate) async fn read_small_files(n: u64) -> u64 {
        let mut batch = fs::batch((0..n).map(files::small), std::fs::read);
        let mut count = 0;
        while let Ok(Some(contents)) = batch.next_result().await {
            count += is_small(contents);
        }
        count
    }
}
