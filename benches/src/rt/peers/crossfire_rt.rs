//! `crossfire`.

super::takes_in! {
    "../../work/bounded.rs" as bounded,
    "../../work/channels.rs" as channels,
    "../../work/many.rs" as many_receivers;
    with room in bounded, channels
}

pub(super) mod rt {
    use crate::rt::peers;
    pub(crate) use crate::rt::peers::executor::*;
    use crossfire::{AsyncRx, MAsyncTx, MTx, mpsc};
    pub(crate) mod many {
        pub(crate) use crossfire::mpmc::bounded_async as bounded;
    }

    peers::bounded!(
        mpsc::bounded_async,
        MAsyncTx<mpsc::Array<T>>,
        send,
        AsyncRx<mpsc::Array<T>>,
        recv
    );
    peers::unbounded!(
        mpsc::unbounded_async,
        MTx<mpsc::List<T>>,
        send,
        AsyncRx<mpsc::List<T>>,
        recv
    );

    pub(crate) mod oneshot {
        use crossfire::oneshot::{TxOneshot, oneshot};

        pub(crate) use crossfire::oneshot::RxOneshot as Receiver;

        pub(crate) struct Sender<T: Send + 'static>(TxOneshot<T>);

        pub(crate) fn channel<T: Send>() -> (Sender<T>, Receiver<T>) {
            let (sender, receiver) = oneshot();
            (Sender(sender), receiver)
        }

        impl<T: Send> Sender<T> {
            /// The crate's own does not tell whether anybody was there.
            pub(crate) fn send(self, value: T) -> Result<(), ()> {
                self.0.send(value);
                Ok(())
            }
        }
    }

    pub(crate) fn oneshot_receive<T: Send>(receiver: oneshot::Receiver<T>) -> oneshot::Receiver<T> {
        receiver
    }
}
