//! `flume`.

super::takes_in! {
    "../../work/bounded.rs" as bounded,
    "../../work/channels.rs" as channels,
    "../../work/many.rs" as many_receivers;
    with room in bounded, channels
}

pub(super) mod rt {
    use crate::rt::peers;
    pub(crate) use crate::rt::peers::executor::*;

    peers::bounded!(flume::bounded, flume::Sender<T>, send_async, flume::Receiver<T>, recv_async);
    peers::unbounded!(flume::unbounded, flume::Sender<T>, send, flume::Receiver<T>, recv_async);
    peers::oneshot_of_one_place!(
        flume::bounded,
        flume::Sender<T>,
        try_send,
        flume::Receiver<T>,
        recv_async
    );

    /// The bounded channel again, whose receiver can be cloned.
    pub(crate) mod many {
        #[derive(Clone)]
        pub(crate) struct Sender<T>(flume::Sender<T>);

        #[derive(Clone)]
        pub(crate) struct Receiver<T>(flume::Receiver<T>);

        pub(crate) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
            let (sender, receiver) = flume::bounded(capacity);
            (Sender(sender), Receiver(receiver))
        }

        impl<T> Sender<T> {
            pub(crate) fn send(&self, value: T) -> flume::r#async::SendFut<'_, T> {
                self.0.send_async(value)
            }
        }

        impl<T> Receiver<T> {
            pub(crate) fn recv(&self) -> flume::r#async::RecvFut<'_, T> {
                self.0.recv_async()
            }
        }
    }
}
