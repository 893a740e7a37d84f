//! Each of many futures when it ends.

use std::sync::Arc;

use corio_runtime::structured::as_completed;
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::Event;
use futures_core::Stream;

use crate::kit::{Count, ms, on_all, until};

#[test]
fn ac_01_outputs_come_in_the_order_of_completion() {
    on_all(|| async {
        let mut beats = as_completed([60u64, 3, 30].map(|n| async move {
            sleep(ms(n)).await;
            n
        }));
        assert_eq!(beats.size_hint(), (3, Some(3)));
        let mut order = Vec::new();
        while let Some(n) = beats.next().await {
            order.push(n);
        }
        assert_eq!(order, [3, 30, 60]);
    });
}

#[test]
fn ac_07_nothing_ends_at_once() {
    on_all(|| async {
        assert!(as_completed(Vec::<std::future::Ready<()>>::new()).next().await.is_none());
    });
}

#[test]
fn ac_10_ac_13_tasks_outlive_the_stream() {
    on_all(|| async {
        let done = Count::default();
        let gate = Arc::new(Event::new());
        let tasks = [false, true, true].map(|waits| {
            let (done, gate) = (done.clone(), gate.clone());
            spawn(async move {
                if waits {
                    gate.wait().await;
                }
                done.add();
                waits
            })
        });
        let mut results = as_completed(tasks);
        assert!(!results.next().await.unwrap().unwrap());
        assert!(timeout(ms(1), results.next()).await.is_err());
        drop(results);
        gate.set();
        until(|| done.get() == 3).await;
    });
}

#[test]
fn ac_23_futures_woken_together_come_in_the_order_of_their_wakes() {
    on_all(|| async {
        let gates: Vec<_> = (0..4).map(|_| Arc::new(corio_sync::Event::new())).collect();
        let mut opened = as_completed(gates.iter().enumerate().map(|(i, gate)| async move {
            gate.wait().await;
            i
        }));
        assert!(timeout(ms(1), opened.next()).await.is_err());
        for i in [2, 0, 3, 1] {
            gates[i].set();
        }
        let mut order = Vec::new();
        while let Some(i) = opened.next().await {
            order.push(i);
        }
        assert_eq!(order, [2, 0, 3, 1]);
    });
}

#[test]
fn futures_may_be_added_to_a_stream_that_has_ended() {
    on_all(|| async {
        let mut outputs = as_completed([]);
        for round in 0..100u64 {
            assert!(outputs.next().await.is_none());
            for i in 0..round {
                outputs.push(async move {
                    yield_now().await;
                    i
                });
            }
            let mut sum = 0;
            while let Some(i) = outputs.next().await {
                sum += i;
            }
            assert_eq!(sum, round * round.saturating_sub(1) / 2);
        }
    });
}
