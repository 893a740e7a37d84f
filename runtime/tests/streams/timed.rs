//! Streams that know the time.

use std::pin::pin;

use corio_runtime::stream::{StreamExt, iter};
use corio_runtime::time::Instant;

use crate::kit::ms;
use crate::support::{after, run};

#[test]
fn a_late_item_is_told_each_time_and_comes_all_the_same() {
    run(async {
        let mut stream = pin!(iter([5, 25, 5]).then(after).timeout(ms(10)));
        let mut seen = Vec::new();
        while let Some(item) = stream.next().await {
            seen.push(item.map_err(|elapsed| elapsed.limit()));
        }
        let late = Err(Some(ms(10)));
        assert_eq!(seen, [Ok(5), late, late, Ok(25), Ok(5)]);
    });
}

#[test]
fn a_throttled_stream_keeps_its_distance() {
    run(async {
        let start = Instant::now();
        let mut stream = pin!(iter(0..3).throttle(ms(100)));
        for expected in [0, 100, 200] {
            assert!(stream.next().await.is_some());
            assert_eq!(start.elapsed(), ms(expected));
        }
        assert_eq!(stream.next().await, None);
    });
}
