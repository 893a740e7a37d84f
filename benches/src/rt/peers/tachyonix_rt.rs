//! `tachyonix`, which has bounded channels only.

super::takes_in! {
    "../../work/bounded.rs" as bounded;
    with room in bounded
}

pub(super) mod rt {
    use crate::rt::peers;
    pub(crate) use crate::rt::peers::executor::*;

    peers::bounded!(tachyonix::channel, tachyonix::Sender<T>, send, tachyonix::Receiver<T>, recv);
}
