//! Futures that panic, when they are polled or when they are dropped, beside others.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;

use corio_runtime::structured::{as_completed, gather, race};
use corio_runtime::{spawn, yield_now};

use crate::kit::{Count, on_all, pending};

/// Polls `future` until it is ready, or panics: then the panic's words.
async fn caught<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, &'static str> {
    let polled = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    });
    polled.await.map_err(|payload| payload.downcast_ref::<&str>().copied().unwrap_or("?"))
}

async fn counts_or_panics(i: usize, panics: usize) -> usize {
    yield_now().await;
    assert!(i != panics, "as planned");
    i
}

/// The future that has panicked is gone, and the stream goes on with the others and comes to its end.
#[test]
fn a_stream_of_futures_goes_on_after_a_panic_that_was_caught() {
    on_all(|| async {
        let mut stream = as_completed((0..4).map(|i| counts_or_panics(i, 1)));
        let (mut values, mut panics) = (Vec::new(), 0);
        loop {
            match caught(pin!(stream.next())).await {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(words) => {
                    assert_eq!(words, "as planned");
                    panics += 1;
                }
            }
        }
        assert_eq!((values, panics, stream.len()), (vec![0, 2, 3], 1, 0));
        stream.push(counts_or_panics(4, 1));
        assert_eq!(stream.next().await, Some(4));
    });
}

/// There is no output to give for the one that has panicked: who asks all the same is told so.
#[test]
fn a_gather_that_is_polled_after_a_panic_says_so() {
    on_all(|| async {
        let mut all = pin!(gather((0..4).map(|i| counts_or_panics(i, 2))));
        assert_eq!(caught(all.as_mut()).await.unwrap_err(), "as planned");
        let task = spawn(async {});
        task.await.unwrap();
        let again = catch_unwind(AssertUnwindSafe(|| {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            while all.as_mut().poll(&mut cx).is_pending() {}
        }));
        let payload = again.unwrap_err();
        let words = payload.downcast_ref::<String>().map(String::as_str).unwrap_or_default();
        assert!(words.contains("polled after a future had panicked"), "{words}");
    });
}

/// Of several losers that panic when they are dropped, all are dropped, and the first panic comes out; the
/// second would end the process.
#[test]
fn losers_that_panic_when_they_are_dropped_are_one_panic() {
    struct Bomb(usize, Count);

    impl Drop for Bomb {
        fn drop(&mut self) {
            self.1.add();
            if self.0 > 0 {
                panic!("loser {}", self.0);
            }
        }
    }

    on_all(|| async {
        let dropped = Count::default();
        let theirs = dropped.clone();
        let task = spawn(async move {
            race((0..4).map(|i| {
                let bomb = Bomb(i, theirs.clone());
                async move {
                    if i > 0 {
                        pending::<()>().await;
                    }
                    yield_now().await;
                    drop(bomb);
                }
            }))
            .await
        });
        let error = task.await.unwrap_err();
        assert!(error.to_string().contains("loser 1"), "{error}");
        assert_eq!(dropped.get(), 4);
    });
}
