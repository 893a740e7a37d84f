//! smol: its executor, `async-io`, `async-channel` and `async-lock`.
//!
//! `smol::spawn` runs tasks on one executor of the process with a number of threads that an
//! environment variable sets. The same executor is driven here by hand, so that the number of
//! threads can be chosen; a task pays one executor either way.

#[path = "../work/mod.rs"]
pub(crate) mod work;

/// The names that the workloads use.
pub(crate) mod rt {
    use crate::runtime::{Flavor, WORKERS};
    use crate::work_body::Body;
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    use std::time::Duration;

    pub(crate) use smol::Task as Handle;
    pub(crate) use smol::future::yield_now;
    pub(crate) use smol::lock::{Mutex, RwLock, Semaphore};
    pub(crate) use smol::net::{TcpListener, TcpStream};

    /// smol has no broadcast channel, watch or notify of its own.
    pub(crate) fn extra(_: &str) -> Option<Body> {
        None
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

    /// A channel of capacity 1 is what smol offers for a single value.
    pub(crate) mod oneshot {
        #[derive(Debug)]
        pub(crate) struct Sender<T>(smol::channel::Sender<T>);
        pub(crate) use smol::channel::Receiver;

        pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
            let (sender, receiver) = smol::channel::bounded(1);
            (Sender(sender), receiver)
        }

        impl<T> Sender<T> {
            pub(crate) fn send(self, value: T) -> Result<(), T> {
                self.0.try_send(value).map_err(smol::channel::TrySendError::into_inner)
            }
        }
    }

    pub(crate) async fn oneshot_receive<T>(receiver: oneshot::Receiver<T>) -> Option<T> {
        receiver.recv().await.ok()
    }

    /// `async-channel`'s bounded sender under the names of the others.
    #[derive(Clone, Debug)]
    pub(crate) struct Sender<T>(smol::channel::Sender<T>);

    /// `async-channel`'s unbounded sender, whose sends never wait.
    #[derive(Clone, Debug)]
    pub(crate) struct UnboundedSender<T>(smol::channel::Sender<T>);

    /// `async-channel`'s receiver under the names of the others.
    #[derive(Debug)]
    pub(crate) struct Receiver<T>(smol::channel::Receiver<T>);

    pub(crate) fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = smol::channel::bounded(capacity);
        (Sender(sender), Receiver(receiver))
    }

    pub(crate) fn unbounded<T>() -> (UnboundedSender<T>, Receiver<T>) {
        let (sender, receiver) = smol::channel::unbounded();
        (UnboundedSender(sender), Receiver(receiver))
    }

    impl<T> Sender<T> {
        pub(crate) async fn send(&self, value: T) -> Result<(), T> {
            self.0.send(value).await.map_err(smol::channel::SendError::into_inner)
        }

        pub(crate) fn blocking_send(&self, value: T) -> Result<(), T> {
            self.0.send_blocking(value).map_err(smol::channel::SendError::into_inner)
        }
    }

    impl<T> UnboundedSender<T> {
        pub(crate) fn send(&self, value: T) -> Result<(), T> {
            self.0.try_send(value).map_err(smol::channel::TrySendError::into_inner)
        }
    }

    impl<T> Receiver<T> {
        pub(crate) async fn recv(&mut self) -> Option<T> {
            self.0.recv().await.ok()
        }

        pub(crate) fn blocking_recv(&mut self) -> Option<T> {
            self.0.recv_blocking().ok()
        }
    }

    pub(crate) async fn acquire(semaphore: &Semaphore) -> smol::lock::SemaphoreGuard<'_> {
        semaphore.acquire().await
    }

    pub(crate) async fn read(stream: &mut TcpStream, buf: &mut [u8]) -> std::io::Result<usize> {
        stream.read(buf).await
    }

    pub(crate) async fn write_all(stream: &mut TcpStream, buf: &[u8]) -> std::io::Result<()> {
        stream.write_all(buf).await
    }
}
