//! Children as they end: `next`, and their values as they come.

use std::sync::Arc;

use corio_runtime::structured::{ChildEnd, TaskGroup, as_completed};
use corio_runtime::time::sleep;
use corio_runtime::yield_now;
use corio_sync::Event;

use crate::kit::{ms, on_all, pending};

#[test]
fn curio_04_next_tells_of_each_child_once_in_order_and_then_ends() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let late = group.spawn(async move {
            theirs.wait().await;
            Ok(())
        });
        let early = group.builder().name("early").spawn(async { Ok(()) });
        let never = group.spawn(pending::<()>());
        let first = group.next().await.unwrap();
        assert_eq!(
            (first.id(), first.name(), first.end()),
            (early.id(), Some("early"), ChildEnd::Returned)
        );
        never.cancel();
        let second = group.next().await.unwrap();
        assert!(second.is_cancelled() && second.id() == never.id());
        gate.set();
        let third = group.next().await.unwrap();
        assert!(third.is_ok() && third.id() == late.id());
        assert!(group.next().await.is_none());
        drop(group.spawn(async {}));
        assert!(group.next().await.is_some());
        assert!(group.next().await.is_none());
        group.join().await.unwrap();
    });
}

#[test]
fn next_tells_of_children_that_were_done_before_it_was_asked() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        for _ in 0..500 {
            drop(group.spawn(async {}));
        }
        while !group.is_empty() {
            yield_now().await;
        }
        let mut count = 0;
        while group.next().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 500);
    });
}

#[test]
fn values_as_they_come() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        let mut values = as_completed([]);
        for i in 0..50u64 {
            values.push(group.spawn(async move {
                sleep(ms(i % 5)).await;
                Ok(i)
            }));
        }
        let mut sum = 0;
        while let Some(value) = values.next().await {
            sum += value.unwrap();
        }
        assert_eq!(sum, 49 * 50 / 2);
        group.join().await.unwrap();
    });
}
