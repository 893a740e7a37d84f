//! Somebody stops asking, or the stream has ended.

use std::pin::pin;

use corio_runtime::spawn;
use corio_runtime::stream::{StreamExt, generate, iter};
use corio_runtime::time::timeout;

use crate::kit::ms;
use crate::support::{after, run};

#[test]
fn a_next_that_is_dropped_loses_nothing() {
    run(async {
        let mut then = pin!(iter([30, 20, 10]).then(after));
        let mut ordered = pin!(iter([30, 20, 10]).map(after).buffered(2));
        let mut unordered = pin!(iter([30, 20, 10]).map(after).buffer_unordered(2));
        let mut chunks = pin!(iter([30, 20, 10]).then(after).chunks(2));
        let mut seen = (vec![], vec![], vec![], vec![]);
        // Each wait is given up again and again.
        while seen.0.len() < 3 || seen.1.len() < 3 || seen.2.len() < 3 || seen.3.len() < 2 {
            seen.0.extend(timeout(ms(1), then.next()).await.ok().flatten());
            seen.1.extend(timeout(ms(1), ordered.next()).await.ok().flatten());
            seen.2.extend(timeout(ms(1), unordered.next()).await.ok().flatten());
            seen.3.extend(timeout(ms(1), chunks.next()).await.ok().flatten());
        }
        assert_eq!((seen.0, seen.1), (vec![30, 20, 10], vec![30, 20, 10]));
        assert_eq!((seen.2, seen.3), (vec![20, 30, 10], vec![vec![30, 20], vec![10]]));
        assert_eq!(then.next().await, None);
        assert_eq!(ordered.next().await, None);
        assert_eq!(unordered.next().await, None);
        assert_eq!(chunks.next().await, None);
    });
}

#[test]
fn a_stream_that_has_ended_stays_so() {
    run(async {
        let mut merged = iter([1]).merge(iter([2]));
        let mut taken = iter(1..).take(1);
        let mut whiles = iter(1..).take_while(|n| *n < 2);
        let mut zipped = iter(1..).zip(iter([1]));
        assert!(merged.next().await.is_some() && merged.next().await.is_some());
        assert!(taken.next().await.is_some() && whiles.next().await.is_some());
        assert!(zipped.next().await.is_some());
        for _ in 0..3 {
            assert!(merged.next().await.is_none() && taken.next().await.is_none());
            assert!(whiles.next().await.is_none() && zipped.next().await.is_none());
        }
    });
}

#[test]
fn what_would_never_come_is_refused() {
    let message = |f: fn()| {
        let payload = std::panic::catch_unwind(f).unwrap_err();
        payload.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned())
    };
    assert!(message(|| drop(iter([1]).chunks(0))).contains("ask for at least 1"));
    assert!(message(|| drop(iter([after(1)]).buffered(0))).contains("allow at least 1"));
    assert!(message(|| drop(iter([after(1)]).buffer_unordered(0))).contains("allow at least 1"));
}

#[test]
fn streams_of_what_may_be_sent_may_be_sent() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    run(async {
        let stream = send(generate(|y| async move { y.emit(after(1).await).await }));
        let stream = send(send(stream.map(after).buffered(2)).timeout(ms(100)).chunks(1));
        assert_eq!(spawn(stream.collect::<Vec<_>>()).await.unwrap(), [[Ok(1)]]);
    });
}
