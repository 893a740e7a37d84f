//! `async-channel` and `async-lock`, which are smol's.

super::takes_in! {
    "../../work/bounded.rs" as bounded,
    "../../work/channels.rs" as channels,
    "../../work/locks.rs" as locks,
    "../../work/many.rs" as many_receivers;
    with room in bounded, channels
}

pub(crate) mod rt {
    use crate::rt::peers;
    pub(crate) use crate::rt::peers::executor::*;
    pub(crate) use smol::channel as many;
    pub(crate) use smol::lock::{Barrier, Mutex, OnceCell, RwLock, Semaphore};

    /// The only mutex that there is.
    pub(crate) fn barging<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    peers::bounded!(
        smol::channel::bounded,
        smol::channel::Sender<T>,
        send,
        smol::channel::Receiver<T>,
        recv
    );
    peers::unbounded!(
        smol::channel::unbounded,
        smol::channel::Sender<T>,
        try_send,
        smol::channel::Receiver<T>,
        recv
    );
    peers::oneshot_of_one_place!(
        smol::channel::bounded,
        smol::channel::Sender<T>,
        try_send,
        smol::channel::Receiver<T>,
        recv
    );

    impl<T> Sender<T> {
        pub(crate) fn blocking_send(&self, value: T) -> Result<(), ()> {
            self.0.send_blocking(value).map_err(drop)
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn blocking_recv(&mut self) -> Option<T> {
            self.0.recv_blocking().ok()
        }
    }

    pub(crate) fn granted<T>(permit: T) -> T {
        permit
    }
}
