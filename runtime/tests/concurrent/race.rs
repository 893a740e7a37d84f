//! The first of many futures.

use corio_runtime::structured::race;
use corio_runtime::time::sleep;

use crate::gather::Work;
use crate::kit::{Count, cleans_up_as, ms, on_all};

#[test]
fn a_race_drops_the_losers_and_waits_for_their_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let mut futures: Vec<Work> = Vec::new();
        for _ in 0..3 {
            futures.push(Box::pin(cleans_up_as(cleaned.clone())));
        }
        futures.push(Box::pin(async {
            sleep(ms(2)).await;
            Ok(7)
        }));
        assert_eq!(race(futures).await, Ok(7));
        assert_eq!(cleaned.get(), 3);
    });
}

#[test]
#[should_panic(expected = "no winner")]
fn a_race_of_nobody_panics_where_it_is_made() {
    drop(race(Vec::<std::future::Ready<()>>::new()));
}
