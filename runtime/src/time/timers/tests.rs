//! Nodes in the wheel, from one thread here and from several below.

use std::sync::Arc;
use std::task::Wake;

use corio_sync::prim::AtomicUsize;

use super::*;

/// Counts its wakes.
struct Count(AtomicUsize);

impl Count {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0)))
    }

    fn get(&self) -> usize {
        // Ordering: Acquire pairs with the AcqRel in `wake`.
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        // Ordering: AcqRel, so that who reads the count sees what the waking thread did before.
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// A node whose owner is a test.
struct Owned(NonNull<Node>);

// SAFETY: a `Node` may be sent.
unsafe impl Send for Owned {}

impl Owned {
    fn new() -> Self {
        Self(NonNull::from(Box::leak(Box::new(Node::new()))))
    }

    fn state(&self) -> NodeState {
        // SAFETY: ours until `free`.
        unsafe { self.0.as_ref() }.state()
    }

    fn register(&self, timers: &Timers, deadline: u64, count: &Arc<Count>) -> Armed {
        // SAFETY: the tests cancel or fire a node before they free it, and keep the timers until then.
        unsafe { timers.register(self.0, deadline, count.clone().into()) }
    }

    fn cancel(&self, timers: &Timers) {
        // SAFETY: as in `register`.
        unsafe { timers.cancel(self.0) };
    }

    fn move_to(&self, timers: &Timers, deadline: u64) -> Armed {
        // SAFETY: as in `register`.
        unsafe { timers.move_to(self.0, deadline) }
    }

    fn set_waker(&self, timers: &Timers, count: &Arc<Count>) -> NodeState {
        // SAFETY: as in `register`.
        unsafe { timers.set_waker(self.0, &count.clone().into()) }
    }

    fn free(self) {
        assert_ne!(self.state(), NodeState::Queued);
        // SAFETY: from `Box::leak`, and not linked.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

#[cfg(not(corio_loom))]
mod sequential {
    use super::*;

    const TICK: u64 = 1 << COARSE;

    #[test]
    fn a_timer_fires_once_and_not_before_its_deadline() {
        let (timers, count, node) = (Timers::new(), Count::new(), Owned::new());
        assert_eq!(timers.next_deadline_ns(), None);
        assert_eq!(node.register(&timers, 5 * TICK + 1, &count), Armed::Earliest);
        assert_eq!(timers.next_deadline_ns(), Some(6 * TICK));
        assert_eq!(timers.fire(6 * TICK - 1, 9), Fired::default());
        assert_eq!((count.get(), node.state(), timers.len()), (0, NodeState::Queued, 1));
        assert_eq!(timers.fire(6 * TICK, 9), Fired { count: 1, more: false });
        assert_eq!((count.get(), node.state(), timers.len()), (1, NodeState::Fired, 0));
        assert_eq!(timers.fire(u64::MAX, 9), Fired::default());
        assert_eq!(timers.next_deadline_ns(), None);
        assert_eq!(node.move_to(&timers, 0), Armed::Not);
        assert_eq!(node.set_waker(&timers, &count), NodeState::Fired);
        node.cancel(&timers);
        assert_eq!(count.get(), 1);
        node.free();
    }

    #[test]
    fn cancelling_the_earliest_uncovers_the_next() {
        let (timers, count) = (Timers::new(), Count::new());
        let (a, b) = (Owned::new(), Owned::new());
        assert_eq!(a.register(&timers, 20 * TICK, &count), Armed::Earliest);
        assert_eq!(b.register(&timers, 10 * TICK, &count), Armed::Earliest);
        b.cancel(&timers);
        assert_eq!(timers.next_deadline_ns(), Some(20 * TICK));
        assert_eq!(a.move_to(&timers, 5 * TICK), Armed::Earliest);
        assert_eq!(timers.next_deadline_ns(), Some(5 * TICK));
        assert_eq!(a.move_to(&timers, NEVER), Armed::Later);
        a.cancel(&timers);
        assert_eq!(Arc::strong_count(&count), 1, "a cancelled timer keeps no waker");
        a.free();
        b.free();
    }

    #[test]
    fn m04_changing_the_waker_forgets_the_old_one() {
        let (timers, old, new) = (Timers::new(), Count::new(), Count::new());
        let node = Owned::new();
        node.register(&timers, TICK, &old);
        assert_eq!(node.set_waker(&timers, &old), NodeState::Queued);
        assert_eq!(Arc::strong_count(&old), 2);
        assert_eq!(node.set_waker(&timers, &new), NodeState::Queued);
        assert_eq!(Arc::strong_count(&old), 1);
        timers.fire(TICK, 1);
        assert_eq!((old.get(), new.get()), (0, 1));
        node.free();
    }

    #[test]
    fn m11_firing_stops_at_the_limit_and_says_that_there_is_more() {
        let (timers, count) = (Timers::new(), Count::new());
        let nodes: Vec<_> = (0..100_000).map(|_| Owned::new()).collect();
        for node in &nodes {
            node.register(&timers, 1_000 * TICK, &count);
        }
        assert_eq!(timers.fire(1_000 * TICK, 0), Fired { count: 0, more: true });
        let mut rounds = 0;
        loop {
            let fired = timers.fire(1_000 * TICK, 1_000);
            rounds += 1;
            assert_eq!(fired.count, 1_000);
            if !fired.more {
                break;
            }
        }
        assert_eq!((rounds, count.get(), timers.len()), (100, 100_000, 0));
        nodes.into_iter().for_each(Owned::free);
    }

    #[test]
    fn a_waker_that_panics_strands_nobody() {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("planted");
            }
        }
        let (timers, count) = (Timers::new(), Count::new());
        let nodes: Vec<_> = (0..100).map(|_| Owned::new()).collect();
        for (i, node) in nodes.iter().enumerate() {
            if i % 3 == 0 {
                // SAFETY: as in `Owned::register`.
                unsafe { timers.register(node.0, TICK, Arc::new(Panics).into()) };
            } else {
                node.register(&timers, TICK, &count);
            }
        }
        assert_eq!(timers.fire(TICK, usize::MAX), Fired { count: 100, more: false });
        assert_eq!(count.get(), 66);
        nodes.into_iter().for_each(Owned::free);
    }

    #[test]
    fn m15_shutdown_wakes_everybody_and_refuses_newcomers() {
        let (timers, count) = (Timers::new(), Count::new());
        let nodes: Vec<_> = (0..100).map(|_| Owned::new()).collect();
        for (i, node) in nodes.iter().enumerate() {
            node.register(&timers, if i == 50 { NEVER } else { i as u64 * TICK }, &count);
        }
        timers.shutdown();
        assert_eq!((count.get(), timers.len(), timers.next_deadline_ns()), (100, 0, None));
        assert!(nodes.iter().all(|n| n.state() == NodeState::Dead));
        let late = Owned::new();
        assert_eq!(late.register(&timers, 1, &count), Armed::Not);
        late.free();
        nodes.into_iter().for_each(Owned::free);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn exact_timers_fire_to_the_nanosecond() {
        let (timers, count) = (Timers::new(), Count::new());
        let (a, b) = (Owned::new(), Owned::new());
        a.register(&timers, 10_000_001, &count);
        timers.set_exact();
        b.register(&timers, 10_000_002, &count);
        assert_eq!(timers.fire(10_000_000, 9).count, 0);
        assert_eq!(timers.fire(10_000_001, 9).count, 1);
        assert_eq!(timers.next_deadline_ns(), Some(10_000_002));
        assert_eq!(timers.fire(10_000_002, 9).count, 1);
        a.free();
        b.free();
    }

    #[test]
    fn a_wakers_drop_may_use_the_timers() {
        struct Reenter(Arc<Timers>);
        impl Wake for Reenter {
            fn wake(self: Arc<Self>) {}
        }
        impl Drop for Reenter {
            fn drop(&mut self) {
                self.0.len();
            }
        }
        let timers = Arc::new(Timers::new());
        for fire in [true, false] {
            let node = Owned::new();
            // SAFETY: as in `Owned::register`.
            unsafe { timers.register(node.0, TICK, Arc::new(Reenter(timers.clone())).into()) };
            if fire {
                timers.fire(TICK, 1);
            } else {
                node.cancel(&timers);
            }
            node.free();
        }
    }
}

#[cfg(corio_loom)]
mod models {
    use super::*;
    use corio_sync::prim::{Arc as LoomArc, thread};

    #[test]
    fn loom_m04_cancel_races_with_firing() {
        loom::model(|| {
            let (timers, count) = (LoomArc::new(Timers::new()), Count::new());
            let node = Owned::new();
            node.register(&timers, 0, &count);
            let other = timers.clone();
            let firing = thread::spawn(move || other.fire(1 << COARSE, 9).count);
            node.cancel(&timers);
            let fired = node.state() == NodeState::Fired;
            // The owner may free it at once, whatever the other thread does.
            node.free();
            let count_fired = firing.join().unwrap();
            assert_eq!((count_fired, count.get()), (usize::from(fired), usize::from(fired)));
        });
    }

    #[test]
    fn loom_m04_a_fired_node_is_its_owners_without_the_lock() {
        loom::model(|| {
            let (timers, count) = (LoomArc::new(Timers::new()), Count::new());
            let node = Owned::new();
            node.register(&timers, 0, &count);
            let other = timers.clone();
            let firing = thread::spawn(move || other.fire(1 << COARSE, 9).count);
            while node.state() != NodeState::Fired {
                thread::yield_now();
            }
            // In other timers, so that no lock orders this after what the firing thread did.
            let elsewhere = Timers::new();
            // SAFETY: ours, and fired.
            unsafe { node.0.as_ref() }.rearm();
            node.register(&elsewhere, 0, &count);
            node.cancel(&elsewhere);
            node.free();
            assert_eq!(firing.join().unwrap(), 1);
        });
    }

    #[test]
    fn loom_m04_a_new_waker_races_with_firing() {
        loom::model(|| {
            let (timers, old, new) = (LoomArc::new(Timers::new()), Count::new(), Count::new());
            let node = Owned::new();
            node.register(&timers, 0, &old);
            let other = timers.clone();
            let firing = thread::spawn(move || other.fire(1 << COARSE, 9).count);
            let state = node.set_waker(&timers, &new);
            assert_eq!(firing.join().unwrap(), 1);
            // Whoever was told to wait for the new waker's wake gets it.
            let expected = if state == NodeState::Queued { (0, 1) } else { (1, 0) };
            assert_eq!((old.get(), new.get()), expected);
            node.free();
        });
    }

    #[test]
    fn loom_m04_putting_off_races_with_firing() {
        loom::model(|| {
            let (timers, count) = (LoomArc::new(Timers::new()), Count::new());
            let node = Owned::new();
            node.register(&timers, 0, &count);
            let other = timers.clone();
            let firing = thread::spawn(move || other.fire(1 << COARSE, 9).count);
            let moved = node.move_to(&timers, 1 << 40) != Armed::Not;
            assert_eq!(firing.join().unwrap(), usize::from(!moved));
            assert_eq!(timers.fire(1 << 41, 9).count, usize::from(moved));
            assert_eq!(count.get(), 1);
            node.free();
        });
    }

    #[test]
    fn loom_m15_shutdown_races_with_a_cancel_and_a_newcomer() {
        loom::model(|| {
            let (timers, count) = (LoomArc::new(Timers::new()), Count::new());
            let (node, late) = (Owned::new(), Owned::new());
            node.register(&timers, 0, &count);
            let other = timers.clone();
            let shutting = thread::spawn(move || other.shutdown());
            node.cancel(&timers);
            late.register(&timers, 0, &count);
            shutting.join().unwrap();
            assert_eq!(timers.len(), 0);
            node.free();
            late.free();
        });
    }

    /// M03: the word that says whether the core sleeps stands in for the core's own.
    #[test]
    fn loom_m03_an_earlier_timer_is_seen_by_a_core_that_goes_to_sleep() {
        use corio_sync::prim::AtomicU8;
        loom::model(|| {
            let (timers, count) = (LoomArc::new(Timers::new()), Count::new());
            let asleep = LoomArc::new(AtomicU8::new(0));
            let node = Owned::new();
            let core = thread::spawn({
                let (timers, asleep) = (timers.clone(), asleep.clone());
                move || {
                    // Ordering: AcqRel, pairs with the other swap.
                    asleep.swap(1, Ordering::AcqRel);
                    timers.next_deadline_ns()
                }
            });
            assert_eq!(node.register(&timers, 0, &count), Armed::Earliest);
            // Ordering: AcqRel, pairs with the swap above: one of the two comes second.
            let unparked = asleep.swap(2, Ordering::AcqRel) == 1;
            assert!(core.join().unwrap().is_some() || unparked);
            node.cancel(&timers);
            node.free();
        });
    }
}
