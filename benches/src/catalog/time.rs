//! Time limits, and how late timers are.

use super::{Beside, Kind, Workload};
use crate::work_body::Place;

pub(super) fn list(list: &mut Vec<Workload>) {
    let mut add = |floor, name, about, kind| {
        list.push(Workload { floor, ..Workload::new("time", name, about, kind) });
    };
    let one = |body| Kind::Loop { body, place: Place::Worker, batch: 1, counts: 1 };
    let about = "a timeout over a future that is ready";
    add(1.0, "timeout_ready", about, one("timeout_ready"));
    let about = "a timeout over a future that is pending once";
    add(1.5, "timeout_pending", about, one("timeout_pending"));
    add(1.0, "sleep_drop", "make a sleep, poll it and drop it", one("sleep_drop"));
    let about = "one task sleeps for 1 ms, again and again; lateness";
    add(1.0, "sleep_1ms", about, Kind::Naps);
    let about = "100,000 tasks sleep until deadlines spread over half a second; lateness";
    add(1.0, "sleeps_100k", about, Kind::Sleeps { tasks: 100_000 });
    let about = "a ticker of 1 kHz beside a task that computes 10 ms at a time; lateness";
    add(1.0, "hog_ticker", about, Kind::Ticker { beside: Beside::Hog });
    let about = "a ticker of 1 kHz among 1,000 tasks that compute 5 us at a time; lateness";
    add(1.0, "busy_ticker", about, Kind::Ticker { beside: Beside::Busy { tasks: 1_000 } });
}
