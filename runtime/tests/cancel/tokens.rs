//! Tokens, which ask and do not cut.

use corio_runtime::spawn;
use corio_runtime::structured::{CancelScope, CancelToken};

use crate::kit::{Count, cleans_up_in, on_all, settle};

#[test]
fn a_token_wakes_everybody_below_it_and_nobody_above() {
    on_all(|| async {
        let token = CancelToken::new();
        let child = token.child_token();
        let tasks: Vec<_> = (0..10)
            .map(|i| {
                let token = if i % 2 == 0 { child.clone() } else { child.child_token() };
                spawn(async move { token.cancelled().await })
            })
            .collect();
        settle().await;
        child.cancel();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(child.is_cancelled() && !token.is_cancelled());
        token.cancel();
        token.cancel();
        assert!(token.child_token().is_cancelled());
    });
}

#[test]
fn run_until_cancelled_waits_for_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let token = CancelToken::new();
        let guard = token.clone().drop_guard();
        assert_eq!(token.run_until_cancelled(async { 7 }).await, Some(7));
        drop(spawn(async move {
            settle().await;
            drop(guard);
        }));
        assert!(token.run_until_cancelled(cleans_up_in(cleaned.clone())).await.is_none());
        assert_eq!(cleaned.get(), 1);
        assert!(token.clone().drop_guard().disarm().is_cancelled());
    });
}

#[test]
fn tokens_come_and_go() {
    on_all(|| async {
        let token = CancelToken::new();
        for _ in 0..1000 {
            let children: Vec<_> = (0..10).map(|_| token.child_token()).collect();
            drop(children);
        }
        let orphan = CancelToken::new().child_token();
        assert!(!orphan.is_cancelled());
        orphan.cancel();
        orphan.cancelled().await;
    });
}

/// A token hears of everything above it, also of what nobody has a handle to any more.
#[test]
fn a_token_keeps_those_above_it() {
    let root = CancelToken::new();
    let below = {
        let between = root.child_token();
        between.child_token().child_token()
    };
    root.cancel();
    assert!(below.is_cancelled());

    let scope = CancelScope::new();
    let below = {
        let between = scope.child();
        between.child()
    };
    scope.handle().cancel();
    assert!(below.is_cancelled());
}

/// A long line of tokens, of which only the last is kept, goes without recursion.
#[test]
fn a_long_line_of_tokens_is_dropped_without_recursion() {
    let root = CancelToken::new();
    let mut last = root.child_token();
    for _ in 0..200_000 {
        last = last.child_token();
    }
    let other = last.clone();
    root.cancel();
    assert!(other.is_cancelled());
    drop(last);
    drop(other);
    drop(root);
}

/// A loop whose every step is ready at once ends with the token all the same.
#[test]
fn a_token_that_is_cancelled_runs_nothing_more() {
    on_all(|| async {
        let token = CancelToken::new();
        let mut steps = 0;
        while let Some(()) = token.run_until_cancelled(std::future::ready(())).await {
            steps += 1;
            if steps == 3 {
                token.cancel();
            }
        }
        assert_eq!(steps, 3);
    });
}
