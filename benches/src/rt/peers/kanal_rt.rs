//! `kanal`.

super::takes_in! {
    "../../work/bounded.rs" as bounded,
    "../../work/channels.rs" as channels,
    "../../work/many.rs" as many_receivers;
    with room in bounded, channels
}

pub(super) mod rt {
    use crate::rt::peers;
    pub(crate) use crate::rt::peers::executor::*;

    pub(crate) mod many {
        pub(crate) use kanal::bounded_async as bounded;
    }

    peers::bounded!(
        kanal::bounded_async,
        kanal::AsyncSender<T>,
        send,
        kanal::AsyncReceiver<T>,
        recv
    );
    peers::unbounded!(
        kanal::unbounded_async,
        kanal::AsyncSender<T>,
        try_send,
        kanal::AsyncReceiver<T>,
        recv
    );
    peers::oneshot_of_one_place!(
        kanal::bounded_async,
        kanal::AsyncSender<T>,
        try_send,
        kanal::AsyncReceiver<T>,
        recv
    );
}
