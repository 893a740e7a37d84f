//! Barrier.

use std::sync::Arc;

use crate::kit::sync::*;
use crate::kit::*;

async fn party(barrier: &Arc<Barrier>) -> Running<Result<usize, BrokenBarrier>> {
    let barrier = barrier.clone();
    blocked(async move { barrier.wait().await }).await
}

/// A barrier of one never waits; its place is 0, and nobody waits afterwards.
#[test]
fn bar_02_one_party_never_waits() {
    on_all(|| async {
        let barrier = Barrier::new(1);
        for _ in 0..3 {
            assert_eq!(now(barrier.wait()).await, Ok(0));
            assert_eq!(barrier.waiting(), 0);
        }
    });
}

/// `waiting` counts the blocked parties, and is 0 after the release.
#[test]
fn bar_04_waiting_counts_those_who_are_blocked() {
    on_all(|| async {
        let barrier = Arc::new(Barrier::new(3));
        let mut parties = Vec::new();
        for count in 1..3 {
            parties.push(party(&barrier).await);
            assert_eq!(barrier.waiting(), count);
        }
        assert_eq!(now(barrier.wait()).await, Ok(2));
        assert_eq!(barrier.waiting(), 0);
        for (place, party) in parties.into_iter().enumerate() {
            assert_eq!(party.output().await, Ok(place));
        }
        barrier.abort();
        assert_eq!(barrier.waiting(), 0);
    });
}

/// A barrier serves round after round, so many parties at a time.
#[test]
fn bar_06_rounds_follow_one_another() {
    on_all(|| async {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        let other = spawn(async move {
            let mut places = Vec::new();
            for _ in 0..50 {
                places.push(theirs.wait().await.unwrap());
            }
            places
        });
        let mut ours = Vec::new();
        for _ in 0..50 {
            ours.push(barrier.wait().await.unwrap());
        }
        let theirs = other.output().await;
        assert!(ours.iter().zip(&theirs).all(|(a, b)| a + b == 1), "0 and 1 in each round");
    });
}

/// Who comes when a round is complete, and not all of it have gone on, counts for the next round.
#[test]
fn bar_08_who_comes_late_counts_for_the_next_round() {
    on_all(|| async {
        let barrier = Barrier::new(2);
        let mut first = waiting(barrier.wait()).await;
        assert_eq!(now(barrier.wait()).await, Ok(1));
        let mut late = waiting(barrier.wait()).await;
        assert_eq!(barrier.waiting(), 1);
        assert_eq!(now(first.as_mut()).await, Ok(0));
        assert!(poll_once(late.as_mut()).await.is_pending());
        assert_eq!(now(barrier.wait()).await, Ok(1));
        assert_eq!(now(late.as_mut()).await, Ok(0));
    });
}

/// A reset with nobody waiting changes nothing.
#[test]
fn bar_10_a_reset_of_an_empty_barrier_changes_nothing() {
    on_all(|| async {
        let barrier = Barrier::new(2);
        barrier.reset();
        assert!(!barrier.is_broken());
        let mut first = waiting(barrier.wait()).await;
        assert_eq!(now(barrier.wait()).await, Ok(1));
        assert_eq!(now(first.as_mut()).await, Ok(0));
    });
}

/// Parties that a reset has sent off may come again at once, and make a round with newcomers.
#[test]
fn bar_14_parties_may_come_again_after_a_reset() {
    on_all(|| async {
        let barrier = Arc::new(Barrier::new(3));
        let mut again = Vec::new();
        for _ in 0..2 {
            let barrier = barrier.clone();
            let comes_again = async move {
                assert!(barrier.wait().await.is_err());
                barrier.wait().await
            };
            again.push(blocked(comes_again).await);
        }
        barrier.reset();
        until(|| barrier.waiting() == 2).await;
        let mut places = vec![barrier.wait().await.unwrap()];
        for party in again {
            places.push(party.output().await.unwrap());
        }
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2]);
    });
}

/// After an abort everybody gets the error until a reset; then a whole round succeeds.
#[test]
fn bar_18_a_reset_mends_an_aborted_barrier() {
    on_all(|| async {
        let barrier = Arc::new(Barrier::new(2));
        let waiter = party(&barrier).await;
        barrier.abort();
        assert!(waiter.output().await.is_err() && now(barrier.wait()).await.is_err());
        barrier.reset();
        assert!(!barrier.is_broken());
        let waiter = party(&barrier).await;
        assert_eq!(barrier.wait().await, Ok(1));
        assert_eq!(waiter.output().await, Ok(0));
    });
}

/// A party that fails does not break the barrier by that: who waits for the next round goes on waiting,
/// until somebody aborts.
#[test]
fn bar_19_a_party_that_fails_must_abort() {
    on_all(|| async {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        let fails = spawn(async move {
            theirs.wait().await.unwrap();
            Err::<(), _>("an error of its own")
        });
        barrier.wait().await.unwrap();
        fails.output().await.unwrap_err();
        let partner = party(&barrier).await;
        settle().await;
        assert!(!barrier.is_broken() && !partner.is_finished());
        barrier.abort();
        assert!(partner.output().await.is_err());
    });
}

/// The number of parties is what it was made with.
#[test]
fn bar_20_the_number_of_parties_stays() {
    on_all(|| async {
        let barrier = Barrier::new(4);
        let _waiter = waiting(barrier.wait()).await;
        barrier.abort();
        barrier.reset();
        assert_eq!(barrier.parties(), 4);
    });
}

/// The text form tells the state and how many of the parties wait.
#[test]
fn bar_21_the_text_form_tells_the_state() {
    on_all(|| async {
        let barrier = Barrier::new(2);
        let _waiter = waiting(barrier.wait()).await;
        assert_eq!(format!("{barrier:?}"), "Barrier { parties: 2, waiting: 1, broken: false }");
        barrier.abort();
        assert_eq!(format!("{barrier:?}"), "Barrier { parties: 2, waiting: 0, broken: true }");
    });
}

/// Who comes while a round that is complete is still leaving, and is cancelled, disturbs nobody.
#[test]
fn bar_22_who_comes_late_and_leaves_disturbs_nobody() {
    on_all(|| async {
        let barrier = Barrier::new(2);
        let mut first = waiting(barrier.wait()).await;
        assert_eq!(now(barrier.wait()).await, Ok(1));
        let late = waiting(barrier.wait()).await;
        drop(late);
        assert_eq!(now(first.as_mut()).await, Ok(0));
        assert!(!barrier.is_broken() && barrier.waiting() == 0);
    });
}

/// A round that is complete stays complete: an abort or a reset before its parties have run does not reach
/// them, but whoever waits for the next round.
#[test]
fn a_complete_round_is_out_of_reach() {
    on_all(|| async {
        for abort in [true, false] {
            let barrier = Barrier::new(2);
            let mut first = waiting(barrier.wait()).await;
            assert_eq!(now(barrier.wait()).await, Ok(1));
            let mut next = waiting(barrier.wait()).await;
            if abort {
                barrier.abort()
            } else {
                barrier.reset()
            }
            assert_eq!(now(first.as_mut()).await, Ok(0));
            assert!(now(next.as_mut()).await.is_err());
            assert_eq!(barrier.is_broken(), abort);
        }
    });
}
