use std::sync::Arc;
use std::task::Wake;

use super::*;

struct Nothing;

impl Wake for Nothing {
    fn wake(self: Arc<Self>) {}
}

fn waker() -> Waker {
    Arc::new(Nothing).into()
}

#[test]
fn a_listener_sees_what_comes_after_it() {
    let mut lines = Lines::default();
    let mut early = lines.add(10);
    assert!(lines.arrive(10));
    let mut late = lines.add(10);
    assert!(!lines.arrive(11), "nobody listens for 11");
    assert!(lines.see(&mut early) && !lines.see(&mut early));
    assert!(!lines.see(&mut late));
    lines.arrive(10);
    lines.arrive(10);
    assert!(lines.see(&mut early) && !lines.see(&mut early), "two that come together are one");
    assert!(lines.see(&mut late));
}

#[test]
fn an_arrival_is_announced_once_to_those_that_wait() {
    let mut lines = Lines::default();
    let ids = [lines.new_id(), lines.new_id()];
    for id in ids {
        lines.add(10);
        assert!(lines.wait(id, 10, waker()).is_none());
    }
    assert!(lines.announce().is_empty());
    lines.arrive(10);
    assert_eq!(lines.announce().len(), 2);
    assert!(lines.wait(ids[0], 10, waker()).is_none());
    assert!(lines.announce().is_empty());
    assert!(lines.wait(ids[0], 10, waker()).is_some(), "the waker that is replaced comes back");
    assert!(lines.wait(ids[0], 11, waker()).is_some(), "nobody would wake it");
}

#[test]
fn the_last_to_go_knows_whether_somebody_has_seen_the_signal() {
    let mut lines = Lines::default();
    let (a, b) = (lines.new_id(), lines.new_id());
    let mut watched = lines.add(10);
    lines.add(10);
    lines.arrive(10);
    assert!(lines.see(&mut watched));
    assert!(!lines.remove(a, 10).was_last);
    let last = lines.remove(b, 10);
    assert!(last.was_last && !last.unseen);

    lines.add(10);
    lines.wait(b, 10, waker());
    lines.arrive(10);
    let last = lines.remove(b, 10);
    assert!(last.was_last && last.unseen && last.waker.is_some());
    assert!(!lines.has(10));
    assert!(!lines.remove(b, 10).was_last);
}
