//! Every interleaving of a handler and its thread with a listener that looks and waits.

use std::sync::Arc as StdArc;
use std::task::{Wake, Waker};

use corio_sync::prim::{Arc, AtomicUsize, Mutex, Ordering, thread};

use crate::signal::lines::{Lines, Watched};
use crate::signal::pending::Pending;

struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: StdArc<Self>) {
        // Ordering: Release, pairs with the Acquire in the model.
        self.0.fetch_add(1, Ordering::Release);
    }
}

fn look(hub: &Model, watched: &mut Watched) -> bool {
    let mut lines = hub.lines.lock();
    hub.count_marks(&mut lines);
    lines.see(watched)
}

/// A hub without sockets, in the hub's order of steps.
struct Model {
    pending: Pending,
    lines: Mutex<Lines>,
}

impl Model {
    fn count_marks(&self, lines: &mut Lines) {
        self.pending.take(|signal| assert!(lines.arrive(signal)));
    }

    /// The handler, the bell, and the thread.
    fn signal(&self) {
        self.pending.mark(10);
        let woken = {
            let mut lines = self.lines.lock();
            self.count_marks(&mut lines);
            lines.announce()
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(f);
}

#[test]
fn loom_g01_a_signal_between_look_and_wait_wakes() {
    model(|| {
        let hub = Arc::new(Model { pending: Pending::new(), lines: Mutex::new(Lines::default()) });
        let (id, mut watched) = {
            let mut lines = hub.lines.lock();
            (lines.new_id(), lines.add(10))
        };
        let other = hub.clone();
        let sender = thread::spawn(move || other.signal());
        let flag = StdArc::new(Flag(AtomicUsize::new(0)));
        let seen = {
            let mut lines = hub.lines.lock();
            hub.count_marks(&mut lines);
            let seen = lines.see(&mut watched);
            if !seen {
                assert!(lines.wait(id, 10, flag.clone().into()).is_none());
            }
            seen
        };
        sender.join().unwrap();
        // Ordering: Acquire, pairs with the Release in `wake`.
        let woken = flag.0.load(Ordering::Acquire) > 0;
        assert!(seen || woken, "the signal is lost");
        let mut lines = hub.lines.lock();
        assert_ne!(lines.see(&mut watched), seen, "seen twice or never");
    });
}

#[test]
fn loom_g01_two_listeners_both_see_a_signal() {
    model(|| {
        let hub = Arc::new(Model { pending: Pending::new(), lines: Mutex::new(Lines::default()) });
        let [mut here, mut there] = [(); 2].map(|()| hub.lines.lock().add(10));
        let other = hub.clone();
        let sender = thread::spawn(move || other.signal());
        let other = hub.clone();
        let looker = thread::spawn(move || (look(&other, &mut there), there));
        let seen_here = look(&hub, &mut here);
        let (seen_there, mut there) = looker.join().unwrap();
        sender.join().unwrap();
        assert_ne!(look(&hub, &mut here), seen_here, "seen twice or never");
        assert_ne!(look(&hub, &mut there), seen_there, "seen twice or never");
    });
}
