//! Channels. A value is a sender's number and a running number: each arrives once, and each sender's in order.

use corio_sync::prim::{AtomicUsize, Mutex as StdMutex, Ordering::SeqCst};
use corio_sync::*;
use futures_core::Stream;

use crate::crew::{Crew, Random, yield_now};

const SENDERS: usize = 4;
const VALUES: usize = 60;

type Value = (usize, usize);

/// Holds what arrived against what was sent.
#[track_caller]
fn all_arrived_once(mut got: Vec<Value>) {
    got.sort_unstable();
    let sent = (0..SENDERS).flat_map(|sender| (0..VALUES).map(move |i| (sender, i)));
    assert!(sent.eq(got), "lost or doubled");
}

/// Pairs, of which either half is dropped now and then.
pub(crate) fn oneshot(seed: u64) -> usize {
    let (sent, received) = (&AtomicUsize::new(0), &AtomicUsize::new(0));
    let mut crew = Crew::new(seed);
    for i in 0..60 {
        let (tx, mut rx) = oneshot::channel();
        let (mut a, mut b) = (crew.random(), crew.random());
        crew.task(async move {
            let mut tx = tx;
            if a.once_in(3) && a.briefly(tx.closed()).await.is_some() || a.once_in(8) {
                return;
            }
            yield_now().await;
            sent.fetch_add(usize::from(tx.send(i).is_ok()), SeqCst);
        });
        crew.task(async move {
            if b.once_in(8) {
                return;
            }
            let value = loop {
                match b.maybe(&mut rx).await {
                    Some(value) => break value,
                    None if b.once_in(8) => {
                        rx.close();
                        // What had come before is not lost.
                        break (&mut rx).await;
                    }
                    None => yield_now().await,
                }
            };
            if let Ok(value) = value {
                assert_eq!(value, i);
                received.fetch_add(1, SeqCst);
            }
        });
    }
    crew.run();
    // A receiver may go without looking at what had been sent; it never gets what was not.
    assert!(received.load(SeqCst) <= sent.load(SeqCst));
    60
}

async fn send_all(tx: &mpsc::Sender<Value>, sender: usize, random: &mut Random) {
    for i in 0..VALUES {
        if random.once_in(2) {
            random.stubborn(|| tx.send((sender, i))).await.unwrap();
        } else {
            random.stubborn(|| tx.reserve()).await.unwrap().send((sender, i));
        }
    }
}

/// Senders that drop their sends and reservations, a receiver that drops its receives.
pub(crate) fn mpsc(seed: u64) -> usize {
    let got = &StdMutex::new(Vec::new());
    let mut crew = Crew::new(seed);
    let (tx, mut rx) = mpsc::channel(1 + seed as usize % 4);
    for sender in 0..SENDERS {
        let (tx, mut random) = (tx.clone(), crew.random());
        if sender == 0 {
            crew.thread(move || (0..VALUES).for_each(|i| tx.blocking_send((0, i)).unwrap()));
        } else {
            crew.task(async move { send_all(&tx, sender, &mut random).await });
        }
    }
    drop(tx);
    let mut random = crew.random();
    crew.task(async move {
        let mut all = Vec::new();
        loop {
            if random.once_in(2) {
                match random.maybe(rx.recv()).await {
                    Some(Some(value)) => all.push(value),
                    Some(None) => break,
                    None => yield_now().await,
                }
            } else if random.maybe(rx.recv_many(&mut all, 3)).await == Some(0) {
                break;
            }
        }
        for sender in 0..SENDERS {
            assert!(all.iter().filter(|value| value.0 == sender).is_sorted());
        }
        *got.lock() = all;
    });
    crew.run();
    all_arrived_once(std::mem::take(&mut got.lock()));
    SENDERS * VALUES
}

/// Several receivers, of which one is a stream and one a thread.
pub(crate) fn shared(seed: u64) -> usize {
    let got = &StdMutex::new(Vec::new());
    let mut crew = Crew::new(seed);
    let (tx, rx) = channel::bounded(1 + seed as usize % 3);
    for sender in 0..SENDERS {
        let (tx, mut random) = (tx.clone(), crew.random());
        crew.task(async move {
            for i in 0..VALUES {
                random.stubborn(|| tx.send((sender, i))).await.unwrap();
            }
        });
    }
    drop(tx);
    for receiver in 0..5 {
        let (mut rx, mut random) = (rx.clone(), crew.random());
        if receiver == 0 {
            crew.thread(move || {
                while let Ok(value) = rx.blocking_recv() {
                    got.lock().push(value);
                }
            });
            continue;
        }
        crew.task(async move {
            loop {
                let next = if receiver == 1 {
                    let next = std::future::poll_fn(|cx| std::pin::Pin::new(&mut rx).poll_next(cx));
                    random.maybe(next).await
                } else {
                    random.maybe(rx.recv()).await.map(Result::ok)
                };
                match next {
                    Some(Some(value)) => got.lock().push(value),
                    Some(None) => break,
                    None if receiver == 1 => {
                        // The stream's place in the line may have a value promised: give it up.
                        if let Ok(value) = rx.try_recv() {
                            got.lock().push(value);
                        }
                        yield_now().await;
                    }
                    None => yield_now().await,
                }
            }
        });
    }
    drop(rx);
    crew.run();
    all_arrived_once(std::mem::take(&mut got.lock()));
    SENDERS * VALUES
}

/// Each receiver gets every value, or is told how many it missed.
pub(crate) fn broadcast(seed: u64) -> usize {
    let mut crew = Crew::new(seed);
    let (tx, rx) = broadcast::channel(8);
    for receiver in 0..4 {
        let (mut rx, mut random) = (rx.resubscribe(), crew.random());
        crew.task(async move {
            let (mut got, mut missed, mut last) = (0, 0, None);
            loop {
                match random.maybe(rx.recv()).await {
                    Some(Ok(value)) => {
                        let value: String = value;
                        let number: u64 = value.parse().unwrap();
                        assert!(last < Some(number), "in order");
                        last = Some(number);
                        got += 1;
                    }
                    Some(Err(broadcast::RecvError::Lagged(n))) => missed += n,
                    Some(Err(broadcast::RecvError::Closed)) => break,
                    None => yield_now().await,
                }
            }
            assert_eq!(got + missed, VALUES as u64, "receiver {receiver}");
        });
    }
    let mut random = crew.random();
    crew.task(async move {
        // One that comes and goes.
        while !rx.is_closed() {
            let mut rx = rx.resubscribe();
            let _ = random.maybe(rx.recv()).await;
            yield_now().await;
        }
    });
    let mut random = crew.random();
    crew.task(async move {
        for i in 0..VALUES {
            tx.send(i.to_string()).unwrap();
            if random.once_in(2) {
                yield_now().await;
            }
        }
    });
    crew.run();
    4 * VALUES
}

/// The last value reaches everybody, and no value is seen after a later one.
pub(crate) fn watch(seed: u64) -> usize {
    let mut crew = Crew::new(seed);
    let (tx, rx) = watch::channel(0);
    for receiver in 0..6 {
        let (mut rx, mut random) = (rx.clone(), crew.random());
        crew.task(async move {
            let mut last = 0;
            while last < VALUES {
                let seen = if receiver % 2 == 0 {
                    let look = async {
                        rx.changed().await.unwrap();
                        *rx.borrow_and_update()
                    };
                    random.maybe(look).await
                } else {
                    random.maybe(async { *rx.wait_for(|value| *value > last).await.unwrap() }).await
                };
                match seen {
                    Some(seen) => {
                        assert!(seen >= last);
                        last = seen;
                    }
                    None => yield_now().await,
                }
            }
        });
    }
    drop(rx);
    let mut random = crew.random();
    crew.task(async move {
        for i in 1..=VALUES {
            tx.send(i).unwrap();
            if random.once_in(2) {
                yield_now().await;
            }
        }
        tx.closed().await;
    });
    crew.run();
    6 * VALUES
}
