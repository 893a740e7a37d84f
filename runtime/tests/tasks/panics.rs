//! A panic goes to whoever awaits, and to nobody else.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use corio_runtime::{spawn, yield_now};

use crate::kit::{multi, single};
use crate::support::on_all;

#[test]
fn a_panic_reaches_whoever_awaits() {
    on_all(|| async {
        let task = spawn(async {
            if true {
                panic!("as planned");
            }
        });
        let error = task.await.unwrap_err();
        assert!(error.is_panic());
        assert!(error.to_string().contains("as planned"), "{error}");
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "as planned");
    });
}

#[test]
fn t02_a_future_that_panics_when_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop, as planned");
        }
    }
    for runtime in [single(), multi(2)] {
        let task = runtime.block_on(async {
            let bomb = Bomb;
            let task = spawn(async move {
                let _bomb = bomb;
                std::future::pending::<()>().await;
            });
            yield_now().await;
            task
        });
        drop(runtime);
        let error = task.result_blocking(Duration::from_secs(5)).unwrap().unwrap_err();
        assert!(error.is_panic(), "{error}");
    }
}

/// A waker that panics when it is woken.
struct PanicsWhenWoken;

impl std::task::Wake for PanicsWhenWoken {
    fn wake(self: Arc<Self>) {
        panic!("in wake, as planned");
    }
}

#[test]
fn t04_a_waker_that_panics_stays_with_its_task() {
    on_all(|| async {
        let mut task = spawn(yield_now());
        let waker = std::task::Waker::from(Arc::new(PanicsWhenWoken));
        let mut cx = std::task::Context::from_waker(&waker);
        let _ = std::pin::Pin::new(&mut task).poll(&mut cx);
        while !task.is_finished() {
            yield_now().await;
        }
        spawn(async {}).await.unwrap();
    });
}
