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
        pub(crate) use crossfire::oneshot::{
            RxOneshot as Receiver, TxOneshot as Sender, oneshot as channel,
        };
    }

    pub(crate) async fn oneshot_receive<T: Send>(receiver: oneshot::Receiver<T>) -> Option<T> {
        receiver.await.ok()
    }
}
