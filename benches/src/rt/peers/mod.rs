//! Channels and locks of other crates, on corio's executor.
//!
//! Each module holds a `rt` as the libraries' modules do, with corio's tasks and the crate's own
//! primitives, and takes in those files of `src/work/` that it has everything for. Only the primitive
//! differs from corio's own column. `tokio::sync` knows no budget outside of tokio's runtime, so it is
//! measured without one here.

pub(crate) mod async_rt;
mod crossfire_rt;
mod flume_rt;
mod kanal_rt;
mod order;
mod tachyonix_rt;
mod tokio_rt;

pub(crate) use order::ORDERS;

use crate::heap::Hold;
use crate::runtime::Peer;
use crate::work_body::Body;

/// The loop called `name` with the primitives of `peer`.
pub(crate) fn body(peer: Peer, name: &str) -> Option<Body> {
    match peer {
        Peer::Tokio => tokio_rt::body(name),
        Peer::Async => async_rt::body(name),
        Peer::Kanal => kanal_rt::body(name),
        Peer::Crossfire => crossfire_rt::body(name),
        Peer::Flume => flume_rt::body(name),
        Peer::Tachyonix => tachyonix_rt::body(name),
    }
}

/// The things called `name` whose room is measured, made by `peer`.
pub(crate) fn holds(peer: Peer, name: &str) -> Option<Hold> {
    match peer {
        Peer::Tokio => tokio_rt::holds(name),
        Peer::Async => async_rt::holds(name),
        Peer::Kanal => kanal_rt::holds(name),
        Peer::Crossfire => crossfire_rt::holds(name),
        Peer::Flume => flume_rt::holds(name),
        Peer::Tachyonix => tachyonix_rt::holds(name),
    }
}

/// What every module here takes from corio.
mod executor {
    pub(crate) use crate::rt::corio_rt::rt::{detach, join, run, spawn, yield_now};
}

/// Takes files of `src/work/` in and asks each of them for a workload.
macro_rules! takes_in {
    ($($file:literal as $module:ident),* $(,)?; with room in $($room:ident),* $(,)?) => {
        $(#[path = $file] mod $module;)*

        pub(super) fn body(name: &str) -> Option<crate::work_body::Body> {
            None$(.or_else(|| $module::body(name)))*
        }

        pub(super) fn holds(name: &str) -> Option<crate::heap::Hold> {
            None$(.or_else(|| $room::holds(name)))*
        }
    };
}

/// A bounded channel over a crate's own, under the names of the others. The futures are the crate's.
macro_rules! bounded {
    ($make:path, $sender:ty, $send:ident, $receiver:ty, $recv:ident) => {
        #[derive(Clone)]
        pub(crate) struct Sender<T: 'static>($sender);

        pub(crate) struct Receiver<T: 'static>($receiver);

        pub(crate) fn channel<T: Send + Unpin>(capacity: usize) -> (Sender<T>, Receiver<T>) {
            let (sender, receiver) = $make(capacity);
            (Sender(sender), Receiver(receiver))
        }

        impl<T: Send + Unpin> Sender<T> {
            pub(crate) fn send(&self, value: T) -> impl Future<Output = Result<(), impl Sized>> {
                self.0.$send(value)
            }
        }

        impl<T: Send + Unpin> Receiver<T> {
            pub(crate) fn recv(&mut self) -> impl Future<Output = Result<T, impl Sized>> {
                self.0.$recv()
            }
        }
    };
}

/// An unbounded channel over a crate's own, whose sends never wait.
macro_rules! unbounded {
    ($make:path, $sender:ty, $send:ident, $receiver:ty, $recv:ident) => {
        #[derive(Clone)]
        pub(crate) struct UnboundedSender<T: 'static>($sender);

        pub(crate) struct UnboundedReceiver<T: 'static>($receiver);

        pub(crate) fn unbounded<T: Send + Unpin>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
            let (sender, receiver) = $make();
            (UnboundedSender(sender), UnboundedReceiver(receiver))
        }

        impl<T: Send + Unpin> UnboundedSender<T> {
            pub(crate) fn send(&self, value: T) -> Result<(), ()> {
                self.0.$send(value).map(drop).map_err(drop)
            }
        }

        impl<T: Send + Unpin> UnboundedReceiver<T> {
            pub(crate) fn recv(&mut self) -> impl Future<Output = Result<T, impl Sized>> {
                self.0.$recv()
            }
        }
    };
}

/// A channel of capacity 1 where a crate has nothing else for a single value.
macro_rules! oneshot_of_one_place {
    ($make:path, $sender:ty, $send:ident, $receiver:ty, $recv:ident) => {
        pub(crate) mod oneshot {
            pub(crate) struct Sender<T>($sender);

            pub(crate) struct Receiver<T>(pub(super) $receiver);

            pub(crate) fn channel<T: Send>() -> (Sender<T>, Receiver<T>) {
                let (sender, receiver) = $make(1);
                (Sender(sender), Receiver(receiver))
            }

            impl<T: Send> Sender<T> {
                pub(crate) fn send(self, value: T) -> Result<(), ()> {
                    self.0.$send(value).map(drop).map_err(drop)
                }
            }
        }

        pub(crate) async fn oneshot_receive<T: Send>(receiver: oneshot::Receiver<T>) -> Option<T> {
            receiver.0.$recv().await.ok()
        }
    };
}

use {bounded, oneshot_of_one_place, takes_in, unbounded};
