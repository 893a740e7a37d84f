use std::sync::mpsc;
use std::time::Duration;

use super::*;

// What nobody has seen is sent again when its listener goes: these do nothing by default.
const A: c_int = libc::SIGURG;
const B: c_int = libc::SIGWINCH;
const C: c_int = libc::SIGCHLD;

/// A hub without a handler: the test rings its bell.
fn hub() -> &'static Hub {
    Box::leak(Box::new(Hub::new(None).unwrap()))
}

fn listen(hub: &'static Hub, signals: &[c_int]) -> Listener {
    let mut state = hub.state.lock();
    let id = state.lines.new_id();
    let watched = signals.iter().map(|signal| state.lines.add(*signal)).collect();
    Listener { hub, id, watched, first: 0 }
}

struct Tell(mpsc::Sender<()>);

impl std::task::Wake for Tell {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.send(()).unwrap();
    }
}

fn told() -> (Waker, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    (std::sync::Arc::new(Tell(sender)).into(), receiver)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn g04_a_signal_that_finds_the_bell_full_is_delivered() {
    let hub = hub();
    let mut listener = listen(hub, &[A]);
    let (waker, woken) = told();
    assert!(listener.poll(&waker).is_pending());
    hub.fill_bell();
    hub.on_signal(A);
    thread::spawn(move || hub.serve());
    woken.recv_timeout(LONG).unwrap();
    assert!(listener.poll(&waker).is_ready());
}

#[test]
fn a_look_sees_a_signal_before_the_thread_does() {
    let mut listener = listen(hub(), &[A]);
    listener.hub.on_signal(A);
    assert_eq!(listener.poll(Waker::noop()), Poll::Ready(SignalKind::from_raw(A)));
    assert!(listener.poll(Waker::noop()).is_pending());
}

#[test]
fn g05_signals_of_a_set_take_turns() {
    let mut listener = listen(hub(), &[A, B, C]);
    let mut seen = [0; 3];
    for _ in 0..300 {
        for signal in [A, B, C] {
            listener.hub.on_signal(signal);
        }
        let Poll::Ready(kind) = listener.poll(Waker::noop()) else { panic!("nothing was seen") };
        let index = [A, B, C].iter().position(|signal| *signal == kind.as_raw()).unwrap();
        seen[index] += 1;
    }
    assert_eq!(seen, [100, 100, 100]);
}

#[test]
fn the_same_waker_is_kept_and_another_one_replaces_it() {
    let mut listener = listen(hub(), &[A, B]);
    let (first, first_woken) = told();
    let (second, second_woken) = told();
    for waker in [&first, &first, &second] {
        assert!(listener.poll(waker).is_pending());
    }
    listener.hub.on_signal(A);
    listener.hub.announce();
    assert!(second_woken.try_recv().is_ok() && first_woken.try_recv().is_err());
}

#[test]
fn a_waker_that_panics_does_not_stop_the_others() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("the waker's own panic");
        }
    }
    let hub = hub();
    let mut bad = listen(hub, &[A]);
    let mut good = listen(hub, &[A]);
    assert!(bad.poll(&std::sync::Arc::new(Panics).into()).is_pending());
    let (waker, woken) = told();
    assert!(good.poll(&waker).is_pending());
    hub.on_signal(A);
    hub.announce();
    woken.recv_timeout(LONG).unwrap();
}

#[test]
fn g08_a_mark_that_nobody_listens_for_is_sent_again() {
    // SIGURG does nothing by default: it is enough that it is found.
    let hub = hub();
    hub.on_signal(libc::SIGURG);
    let strays = hub.count_marks(&mut hub.state.lock());
    assert_eq!(strays, [libc::SIGURG]);
}

#[test]
fn g07_a_listener_of_another_process_does_nothing() {
    let hub: &'static Hub =
        Box::leak(Box::new(Hub { pid: process::id() + 1, ..Hub::new(None).unwrap() }));
    let mut listener = listen(hub, &[A]);
    hub.on_signal(A);
    let held = hub.state.lock();
    assert!(listener.poll(Waker::noop()).is_pending());
    drop(listener);
    drop(held);
    assert!(hub.state.lock().lines.has(A));
}
