//! Every primitive under load from tasks and threads, with waits dropped at random: everybody ends, and
//! nothing is lost or doubled.
//!
//! It lasts some seconds. `CORIO_SOAK_SECONDS=600 cargo test --release -p corio-sync --test soak -- --nocapture`
//! lasts ten minutes and tells what was done; `CORIO_SOAK_SEED` begins with another round.

mod channels;
mod crew;
mod locks;
mod queues;
mod signals;

use std::time::{Duration, Instant};

use crew::Watchdog;

/// A round: it gets a seed, and gives the number of operations that it did.
type Round = fn(u64) -> usize;

const ROUNDS: &[(&str, Round)] = &[
    ("Mutex", locks::mutex),
    ("RwLock", locks::rwlock),
    ("Condvar", locks::condvar),
    ("Semaphore", locks::semaphore),
    ("Event", signals::event),
    ("Notify", signals::notify),
    ("Barrier", signals::barrier),
    ("OnceCell", signals::once_cell),
    ("Promise", signals::promise),
    ("oneshot", channels::oneshot),
    ("mpsc", channels::mpsc),
    ("channel", channels::shared),
    ("broadcast", channels::broadcast),
    ("watch", channels::watch),
    ("Queue", queues::fifo),
    ("LifoQueue", queues::lifo),
    ("PriorityQueue", queues::priority),
    ("Queue, shut down", queues::shut_down),
];

fn from_environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name}={value:?} is no number")),
        Err(_) => default,
    }
}

#[test]
fn s01_s13_no_wake_up_is_lost_when_waits_are_dropped_at_random() {
    let duration = Duration::from_secs(from_environment("CORIO_SOAK_SECONDS", 3));
    let mut seed = from_environment("CORIO_SOAK_SEED", 1);
    let (watchdog, start) = (Watchdog::start(), Instant::now());
    let mut done = vec![(0, 0); ROUNDS.len()];
    // Each has at least one round.
    while seed == 1 || start.elapsed() < duration {
        for ((name, round), (rounds, operations)) in ROUNDS.iter().zip(&mut done) {
            watchdog.begin(name, seed);
            *operations += round(seed);
            *rounds += 1;
        }
        seed += 1;
    }
    for ((name, _), (rounds, operations)) in ROUNDS.iter().zip(done) {
        println!("{name:<18} {rounds:>8} rounds {operations:>12} operations");
    }
}
