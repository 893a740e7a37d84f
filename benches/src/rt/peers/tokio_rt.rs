//! `tokio::sync`.

super::takes_in! {
    "../../work/bounded.rs" as bounded,
    "../../work/channels.rs" as channels,
    "../../work/locks.rs" as locks,
    "../../work/more.rs" as more;
    with room in bounded, channels
}

pub(super) mod rt {
    pub(crate) use crate::rt::peers::executor::*;
    pub(crate) use crate::rt::tokio_rt::rt::{
        Barrier, Mutex, Notify, OnceCell, Receiver, RwLock, Semaphore, Sender, barging, broadcast,
        channel, granted, oneshot, oneshot_receive, unbounded, watch,
    };
}
