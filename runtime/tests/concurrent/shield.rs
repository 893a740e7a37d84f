//! Work that its waiter's end does not end.

use std::sync::Arc;

use corio_runtime::runtime::Builder;
use corio_runtime::spawn;
use corio_runtime::structured::{gather, shield};
use corio_runtime::time::timeout;
use corio_sync::Event;

use crate::kit::{Count, cleans_up_in, ms, on_all, pending, settle, until};

#[test]
fn sh_01_sh_02_the_result_or_the_panic_comes_through() {
    on_all(|| async {
        assert_eq!(shield(async { 7 }).await.unwrap(), 7);
        assert!(shield(async { panic!("as planned") }).await.unwrap_err().is_panic());
        let shielded = shield(pending::<()>());
        shielded.canceller().cancel();
        assert!(shielded.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn sh_04_sh_06_cancelling_the_waiter_leaves_the_inner_running() {
    on_all(|| async {
        let done = Count::default();
        let theirs = done.clone();
        let gate = Arc::new(Event::new());
        let opened = gate.clone();
        let inner = async move {
            opened.wait().await;
            theirs.add();
        };
        let waiter = spawn(async move { shield(inner).await });
        settle().await;
        waiter.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(done.get(), 0);
        gate.set();
        until(|| done.get() == 1).await;
    });
}

#[test]
fn sh_12_a_shielded_gather_goes_on() {
    on_all(|| async {
        let done = Count::default();
        let gate = Arc::new(Event::new());
        let members = [0; 3].map(|_| {
            let (done, gate) = (done.clone(), gate.clone());
            async move {
                gate.wait().await;
                done.add();
            }
        });
        assert!(timeout(ms(1), shield(gather(members))).await.is_err());
        gate.set();
        until(|| done.get() == 3).await;
    });
}

#[test]
fn sh_14_shutdown_cancels_what_is_behind_a_shield() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let cleaned = Count::default();
    let theirs = cleaned.clone();
    runtime.block_on(async move {
        drop(shield(cleans_up_in(theirs)));
        settle().await;
    });
    drop(runtime);
    assert_eq!(cleaned.get(), 1);
}
