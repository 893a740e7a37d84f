//! How many items a stream says are to come.

use std::pin::pin;

use corio_runtime::stream::{Stream, StreamExt, Yielder, generate, iter, try_generate};
use corio_runtime::yield_now;

use crate::kit::ms;
use crate::support::{after, run};

/// Goes through `stream` and counts what is left at each step: a hint is never wrong.
async fn check_hint<S: Stream>(what: &str, exact: bool, stream: S) {
    let mut stream = pin!(stream);
    let mut hints = vec![stream.size_hint()];
    while stream.next().await.is_some() {
        hints.push(stream.size_hint());
    }
    let count = hints.len() - 1;
    hints.push(stream.size_hint());
    for (taken, (low, high)) in hints.into_iter().enumerate() {
        let left = count.saturating_sub(taken);
        assert!(low <= left, "{what}: {left} left, and at least {low} said");
        assert!(high.is_none_or(|high| left <= high), "{what}: {left} left, {high:?} said");
        assert!(!exact || (low, high) == (left, Some(left)), "{what}: {left}, {low} to {high:?}");
    }
}

/// A stream that gives way before each item, so that others are asked in between.
fn slow(n: usize) -> impl Stream<Item = usize> {
    iter(0..n).then(|i| async move {
        for _ in 0..i % 3 {
            yield_now().await;
        }
        i
    })
}

#[test]
fn a_hint_holds_at_every_item() {
    run(async {
        for n in [0, 1, 2, 3, 7, 10] {
            check_hint("iter", true, iter(0..n)).await;
            check_hint("map", true, slow(n).map(|i| i + 1)).await;
            check_hint("then", true, slow(n)).await;
            check_hint("enumerate", true, slow(n).enumerate()).await;
            check_hint("filter", false, slow(n).filter(|i| i % 2 == 0)).await;
            check_hint("filter_map", false, slow(n).filter_map(|i| (i > 2).then_some(i))).await;
            check_hint("take_while", false, slow(n).take_while(|i| *i < 4)).await;
            check_hint("throttle", true, slow(n).throttle(ms(1))).await;
            let late = iter(0..n).then(|i| async move { after(i as u64 * 5).await });
            check_hint("timeout", false, late.timeout(ms(7))).await;
            check_hint("filtered", false, slow(n).filter(|i| i % 3 > 0).chunks(2)).await;
            let emitted = move |y: Yielder<usize>| async move {
                for i in 0..n {
                    y.emit(i).await;
                }
            };
            check_hint("generate", false, generate(emitted)).await;
            let failing = move |y: Yielder<usize>| async move {
                y.emit(n).await;
                Err(n)
            };
            check_hint("try_generate", false, try_generate(failing)).await;
            for m in [0, 1, 2, 3, 5, 20] {
                check_hint("take", true, slow(n).take(m)).await;
                check_hint("skip", true, slow(n).skip(m)).await;
                check_hint("chain", true, slow(n).chain(slow(m))).await;
                check_hint("merge", true, slow(n).merge(slow(m))).await;
                check_hint("zip", true, slow(n).zip(slow(m))).await;
                let chosen = slow(m).filter(|i| i % 2 == 0);
                check_hint("zip of some", false, slow(n).zip(chosen)).await;
                let chosen = slow(m).filter(|i| i % 2 == 0);
                check_hint("merge of some", false, slow(n).merge(chosen)).await;
                if m > 0 {
                    check_hint("chunks", true, slow(n).chunks(m)).await;
                    let futures = || iter(0..n as u64).map(|i| after(10 - i % 7));
                    check_hint("buffered", true, futures().buffered(m)).await;
                    check_hint("buffer_unordered", true, futures().buffer_unordered(m)).await;
                }
            }
        }
    });
}

#[test]
fn a_hint_does_not_overflow() {
    run(async {
        let endless = || iter(std::iter::repeat(1));
        assert_eq!(endless().size_hint(), (usize::MAX, None));
        assert_eq!(endless().chain(endless()).size_hint(), (usize::MAX, None));
        assert_eq!(endless().merge(iter([1])).size_hint(), (usize::MAX, None));
        assert_eq!(endless().zip(iter([1, 2])).size_hint(), (2, Some(2)));
        let most = usize::MAX;
        assert_eq!(iter(0..most).chain(iter([1])).size_hint(), (most, None));
        assert_eq!(iter(0..most).chunks(most).size_hint(), (1, Some(1)));
        assert_eq!(endless().chunks(2).size_hint(), (most.div_ceil(2), None));
    });
}
