//! In which order waiters are served: two figures of the same row may stand for different promises.

use std::fmt;

/// Who gets what becomes free while somebody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandOver {
    /// The one who has waited longest.
    Fifo,
    /// Whoever comes first, be it before the waiter has been polled again. Cheaper, and a waiter may
    /// be overtaken again and again.
    Barging,
}

impl fmt::Display for HandOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fifo => "first come, first served",
            Self::Barging => "may be overtaken",
        })
    }
}

/// What a crate promises, as the tests below see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The crate.
    pub(crate) name: &'static str,
    /// Whoever waits for a lock, when there are locks.
    pub(crate) lock: Option<HandOver>,
    /// Whoever waits for a place in a bounded channel.
    pub(crate) send: HandOver,
    /// Whether a message is lost whose receive is cancelled at the wrong moment.
    pub(crate) loses: bool,
}

const fn order(name: &'static str, lock: Option<HandOver>, send: HandOver, loses: bool) -> Order {
    Order { name, lock, send, loses }
}

/// Every crate whose primitives are measured.
pub(crate) const ORDERS: [Order; 7] = [
    order("corio", Some(HandOver::Fifo), HandOver::Fifo, false),
    order("tokio", Some(HandOver::Fifo), HandOver::Fifo, false),
    order("async-*", Some(HandOver::Barging), HandOver::Barging, false),
    order("kanal", None, HandOver::Fifo, true),
    order("crossfire", None, HandOver::Barging, false),
    order("flume", None, HandOver::Fifo, false),
    order("tachyonix", None, HandOver::Barging, false),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rt::corio_rt;
    use crate::rt::peers::{async_rt, crossfire_rt, flume_rt, kanal_rt, tachyonix_rt, tokio_rt};
    use crate::work_body::Received;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// One waits for the place in a full channel, it becomes free, and another comes.
    macro_rules! send_order {
        ($rt:path) => {{
            use $rt as rt;
            let (sender, mut receiver) = rt::channel::<u64>(1);
            assert!(poll(pin!(sender.send(1))).is_ready());
            let mut first = pin!(sender.send(2));
            assert!(poll(first.as_mut()).is_pending());
            let Poll::Ready(received) = poll(pin!(receiver.recv())) else { panic!("it is full") };
            assert_eq!(received.received(), Some(1));
            match poll(pin!(sender.send(3))) {
                Poll::Ready(_) => HandOver::Barging,
                Poll::Pending => HandOver::Fifo,
            }
        }};
    }

    /// A receiver waits, a message comes, and the receive is dropped before it is polled again.
    macro_rules! loses {
        ($rt:path) => {{
            use $rt as rt;
            let (sender, mut receiver) = rt::channel::<u64>(1);
            {
                let mut receive = pin!(receiver.recv());
                assert!(poll(receive.as_mut()).is_pending());
                assert!(poll(pin!(sender.send(1))).is_ready());
            }
            poll(pin!(receiver.recv())).is_pending()
        }};
    }

    /// One waits for a lock, it becomes free, and another comes.
    macro_rules! lock_order {
        ($rt:path) => {{
            use $rt as rt;
            let mutex = rt::Mutex::new(0);
            let mut holder = pin!(mutex.lock());
            let Poll::Ready(guard) = poll(holder.as_mut()) else { panic!("the lock is free") };
            let mut first = pin!(mutex.lock());
            assert!(poll(first.as_mut()).is_pending());
            drop(guard);
            match poll(pin!(mutex.lock())) {
                Poll::Ready(_) => HandOver::Barging,
                Poll::Pending => HandOver::Fifo,
            }
        }};
    }

    fn noted(name: &str) -> Order {
        ORDERS.into_iter().find(|order| order.name == name).expect("a crate of the list")
    }

    #[test]
    fn waiting_senders_are_served_in_the_order_that_is_noted() {
        for (name, seen) in [
            ("corio", send_order!(corio_rt::rt)),
            ("tokio", send_order!(tokio_rt::rt)),
            ("async-*", send_order!(async_rt::rt)),
            ("kanal", send_order!(kanal_rt::rt)),
            ("crossfire", send_order!(crossfire_rt::rt)),
            ("flume", send_order!(flume_rt::rt)),
            ("tachyonix", send_order!(tachyonix_rt::rt)),
        ] {
            assert_eq!(seen, noted(name).send, "{name}");
        }
    }

    #[test]
    fn a_cancelled_receive_loses_a_message_where_that_is_noted() {
        for (name, seen) in [
            ("corio", loses!(corio_rt::rt)),
            ("tokio", loses!(tokio_rt::rt)),
            ("async-*", loses!(async_rt::rt)),
            ("kanal", loses!(kanal_rt::rt)),
            ("crossfire", loses!(crossfire_rt::rt)),
            ("flume", loses!(flume_rt::rt)),
            ("tachyonix", loses!(tachyonix_rt::rt)),
        ] {
            assert_eq!(seen, noted(name).loses, "{name}");
        }
    }

    #[test]
    fn waiting_for_a_lock_is_in_the_order_that_is_noted() {
        for (name, seen) in [
            ("corio", lock_order!(corio_rt::rt)),
            ("tokio", lock_order!(tokio_rt::rt)),
            ("async-*", lock_order!(async_rt::rt)),
        ] {
            assert_eq!(Some(seen), noted(name).lock, "{name}");
        }
    }
}
