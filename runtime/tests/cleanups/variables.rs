//! The context variables that a cleanup sees.

use std::future::Future;
use std::pin::Pin;

use corio_runtime::structured::{finally, race};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{context_var, spawn, spawn_blocking, yield_now};

use crate::kit::{Log, ms, on_all, pending, settle};
use crate::support::{begin, runtimes};

context_var! {
    pub(crate) static REQUEST: u64 = 0;
    static OTHER: u64 = 0;
}

/// A cleanup has the variables of the place that its `finally` is in, however the body ends.
#[test]
fn a_cleanup_sees_the_variables_of_its_place_however_its_body_ends() {
    on_all(|| async {
        for how in ["returns", "times out", "panics", "is cancelled", "loses"] {
            let log = Log::default();
            let theirs = log.clone();
            let body = async move {
                match how {
                    "returns" => {}
                    "panics" => panic!("as planned"),
                    _ => pending().await,
                }
            };
            let body = finally(body, move || async move {
                theirs.add(REQUEST.get());
                yield_now().await;
                theirs.add(REQUEST.get());
            });
            let task = spawn(async move {
                REQUEST
                    .scope(42, async move {
                        match how {
                            "times out" => drop(timeout(ms(2), body).await),
                            "loses" => {
                                let end: Pin<Box<dyn Future<Output = ()> + Send>> =
                                    Box::pin(sleep(ms(2)));
                                race([end, Box::pin(body)]).await;
                            }
                            _ => body.await,
                        }
                    })
                    .await;
            });
            if how == "is cancelled" {
                settle().await;
                task.cancel();
            }
            let _ = task.await;
            assert_eq!(log.get(), ["42", "42"], "it {how}");
        }
    });
}

/// What a cleanup sees has been set last, and what it sets is seen by no other.
#[test]
fn a_cleanup_that_is_handed_over_has_variables_of_its_own() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let work = async move {
            let body = async {
                REQUEST.set(1);
                pending::<()>().await
            };
            let cleanup = move || async move {
                theirs.add(REQUEST.get());
                REQUEST.set(2);
                OTHER.set(3);
                yield_now().await;
                theirs.add(REQUEST.get() + OTHER.get());
            };
            assert!(timeout(ms(2), finally(body, cleanup)).await.is_err());
            assert_eq!((REQUEST.get(), OTHER.get()), (1, 0));
        };
        spawn(work).await.unwrap();
        assert_eq!(log.get(), ["1", "5"]);

        // Also where nothing was set before.
        let work = async {
            let cleanup = || async {
                REQUEST.set(2);
            };
            assert!(timeout(ms(2), finally(pending::<()>(), cleanup)).await.is_err());
            assert_eq!(REQUEST.get(), 0);
        };
        spawn(work).await.unwrap();
    });
}

/// Dropped elsewhere, the values are those of the place where the body was polled.
#[test]
fn a_cleanup_of_what_is_dropped_elsewhere_sees_the_variables_of_its_place() {
    for runtime in runtimes() {
        let log = Log::default();
        let theirs = log.clone();
        let make = || {
            let log = theirs.clone();
            Box::pin(finally(pending::<()>(), move || async move { log.add(REQUEST.get()) }))
        };
        let outside = runtime.block_on(async {
            REQUEST.set(7);
            let mut futures = [make(), make(), make()];
            for future in &mut futures {
                begin(future).await;
            }
            let [in_call, in_task, outside] = futures;
            REQUEST.set(8);
            spawn_blocking(move || drop(in_call)).await.unwrap();
            spawn(async move { drop(in_task) }).await.unwrap();
            outside
        });
        std::thread::spawn(move || drop(outside)).join().unwrap();
        drop(runtime);
        assert_eq!(log.get(), ["7", "7", "7"]);
    }
}
