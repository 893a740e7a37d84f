//! Signals, sent by the process to itself.
//!
//! A signal is the whole process's, so the tests take turns.

mod roles;

use std::future::{Future, poll_fn};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::signal::{self, Signal, SignalKind, ctrl_c, signal};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, spawn_blocking, yield_now};
use corio_sync::prim::statics::{AtomicBool, AtomicU64};
use corio_sync::prim::{Mutex, MutexGuard, Ordering, thread};
use futures_core::Stream;

use roles::{Role, say};

const USR1: SignalKind = SignalKind::user_defined1();
const USR2: SignalKind = SignalKind::user_defined2();
const HUP: SignalKind = SignalKind::hangup();
const WINCH: SignalKind = SignalKind::window_change();
/// Longer than any test takes, on any machine.
const LONG: Duration = Duration::from_secs(120);

fn my_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock()
}

fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

/// Sends a signal to this process, on this thread: when it returns, the handler has run.
fn raise(kind: SignalKind) {
    // SAFETY: the call takes a number.
    assert_eq!(unsafe { libc::raise(kind.as_raw()) }, 0);
}

/// What a signal did before anybody listened: it counts.
static BASE: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: libc::c_int) {
    // Ordering: AcqRel, a test that sees the count sees what came before it.
    BASE.fetch_add(1, Ordering::AcqRel);
}

fn base() -> u64 {
    // Ordering: Acquire, see `count`.
    BASE.load(Ordering::Acquire)
}

/// Has a handler of the test's own count the signal while nobody listens.
struct Counted {
    kind: SignalKind,
    before: libc::sighandler_t,
}

impl Counted {
    fn new(kind: SignalKind) -> Self {
        let handler = count as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: the handler adds to a number, which it may do anywhere.
        let before = unsafe { libc::signal(kind.as_raw(), handler) };
        Self { kind, before }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // SAFETY: the system gave it.
        unsafe { libc::signal(self.kind.as_raw(), self.before) };
    }
}

/// The address of what the system would call for `kind`.
fn handler_of(kind: SignalKind) -> libc::sighandler_t {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: there is room for the answer, and it is filled in when the call succeeds.
    unsafe {
        assert_eq!(libc::sigaction(kind.as_raw(), std::ptr::null(), action.as_mut_ptr()), 0);
        action.assume_init().sa_sigaction
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("the signal has not come")
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

fn look(signal: &mut Signal) -> bool {
    signal.poll_recv(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_signal_wakes_the_task_that_waits_for_it() {
    let _turn = my_turn();
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async {
            let mut signal = signal(USR1).unwrap();
            for round in 0..50 {
                let waiting = spawn(async move {
                    within(signal.recv()).await;
                    signal
                });
                if round % 2 == 0 {
                    yield_now().await;
                }
                spawn_blocking(|| raise(USR1)).await.unwrap();
                signal = waiting.await.unwrap();
            }
        });
    }
}

#[test]
fn all_listeners_see_a_signal_and_streams_do_too() {
    let _turn = my_turn();
    single().block_on(async {
        let mut first = signal(USR1).unwrap();
        let mut second = signal(USR1).unwrap();
        let mut both = signal::set([USR1, USR2, USR1]).unwrap();
        assert_eq!(both.kinds().collect::<Vec<_>>(), [USR1, USR2]);
        raise(USR1);
        raise(USR2);
        within(first.recv()).await;
        assert_eq!(within(next(&mut second)).await, Some(()));
        assert_eq!(within(both.recv()).await, USR1);
        assert_eq!(within(next(&mut both)).await, Some(USR2));
        assert!(!look(&mut first) && !look(&mut second));
    });
}

#[test]
fn a_signal_that_is_there_is_seen_by_the_first_poll() {
    let _turn = my_turn();
    let mut signal = signal(USR1).unwrap();
    raise(USR1);
    raise(USR1);
    assert!(look(&mut signal) && !look(&mut signal));
    single().block_on(async {
        raise(USR1);
        timeout(Duration::ZERO, signal.recv()).await.expect("it has come");
    });
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    let _turn = my_turn();
    single().block_on(async {
        let mut signal = signal(USR1).unwrap();
        assert!(timeout(Duration::from_millis(1), signal.recv()).await.is_err());
        raise(USR1);
        within(signal.recv()).await;
    });
}

#[test]
fn a_signal_wakes_code_without_a_runtime() {
    let _turn = my_turn();
    struct Unpark(corio_sync::prim::Parker);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut signal = signal(HUP).unwrap();
    let unpark = Arc::new(Unpark(corio_sync::prim::Parker::new()));
    let waker = Waker::from(unpark.clone());
    let raiser = thread::spawn(|| raise(HUP));
    let mut recv = pin!(signal.recv());
    while recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        assert!(unpark.0.park_timeout(LONG), "the signal has not come");
    }
    raiser.join().unwrap();
}

#[test]
fn g01_after_the_last_of_a_burst_there_is_a_notification() {
    let _turn = my_turn();
    static SENT: AtomicU64 = AtomicU64::new(0);
    const BURST: u64 = 100_000;
    for runtime in [single(), multi(2)] {
        // Ordering: Release and Acquire, the handler's own marks order nothing for the test.
        SENT.store(0, Ordering::Release);
        let mut signal = signal(USR1).unwrap();
        let sender = thread::spawn(|| {
            for n in 1..=BURST {
                SENT.store(n, Ordering::Release);
                raise(USR1);
            }
        });
        let notifications = runtime.block_on(async {
            spawn(async move {
                let mut notifications = 0;
                // A notification after the last signal sees that it was sent.
                loop {
                    within(signal.recv()).await;
                    notifications += 1_u64;
                    if SENT.load(Ordering::Acquire) == BURST {
                        break;
                    }
                }
                // What came between the store and the end of the burst; nobody else is to have it.
                spawn_blocking(move || sender.join().unwrap()).await.unwrap();
                look(&mut signal);
                notifications
            })
            .await
            .unwrap()
        });
        assert!((1..=BURST).contains(&notifications));
    }
}

#[test]
fn g02_runtimes_come_and_go_and_each_is_served() {
    let _turn = my_turn();
    let _counted = Counted::new(USR2);
    let start = base();
    let mut stays = signal(USR2).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            thread::spawn(move || {
                for _ in 0..20 {
                    let runtime = if n % 2 == 0 { single() } else { multi(1) };
                    runtime.block_on(async {
                        let mut mine = signal(USR2).unwrap();
                        let left_behind = signal(USR2).unwrap();
                        let _never_done = spawn(async move {
                            let mut left_behind = left_behind;
                            loop {
                                left_behind.recv().await;
                            }
                        });
                        let waiting = spawn(async move { within(mine.recv()).await });
                        yield_now().await;
                        raise(USR2);
                        waiting.await.unwrap();
                    });
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(base(), start, "nobody was left without a listener");
    single().block_on(within(stays.recv()));
    raise(USR2);
    single().block_on(within(stays.recv()));
}

#[test]
fn g03_the_previous_handler_is_back_when_the_last_listener_goes() {
    let _turn = my_turn();
    let counted = Counted::new(USR1);
    let before = handler_of(USR1);
    let first = signal(USR1).unwrap();
    let second = signal::set([USR1, USR2]).unwrap();
    assert_ne!(handler_of(USR1), before);
    drop(first);
    assert_ne!(handler_of(USR1), before, "somebody listens");
    drop(second);
    assert_eq!(handler_of(USR1), before);
    assert_eq!(handler_of(USR2), libc::SIG_DFL);
    let start = base();
    raise(USR1);
    assert_eq!(base(), start + 1);
    drop(counted);
    // And again: listening is not for once only.
    let mut again = signal(USR1).unwrap();
    raise(USR1);
    assert!(look(&mut again));
}

/// G04 too: the handler is put in with SA_RESTART.
#[test]
fn syssig_08_blocking_calls_go_on_after_a_signal() {
    let _turn = my_turn();
    let mut signal = signal(WINCH).unwrap();
    let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    let (tell, id) = std::sync::mpsc::channel();
    let blocked = thread::spawn(move || {
        // SAFETY: the call takes nothing.
        tell.send(unsafe { libc::pthread_self() }).unwrap();
        let mut byte = [0];
        // Not `read_exact`, which would try again after EINTR.
        reader.read(&mut byte).map(|n| (n, byte[0]))
    });
    let id = id.recv().unwrap();
    for _ in 0..100 {
        // SAFETY: the thread is in its read, or on its way there: it ends only after the write below.
        assert_eq!(unsafe { libc::pthread_kill(id, libc::SIGWINCH) }, 0);
        thread::yield_now();
    }
    std::io::Write::write_all(&mut &writer, b"x").unwrap();
    assert_eq!(blocked.join().unwrap().unwrap(), (1, b'x'));
    assert!(look(&mut signal));
}

#[test]
fn g05_a_storm_leaves_time_for_others() {
    let _turn = my_turn();
    static STORM: AtomicBool = AtomicBool::new(true);
    for runtime in [single(), multi(2)] {
        let mut stormy = signal(USR1).unwrap();
        // Ordering: Relaxed, a flag and nothing else.
        STORM.store(true, Ordering::Relaxed);
        let storm = thread::spawn(|| {
            while STORM.load(Ordering::Relaxed) {
                raise(USR1);
            }
        });
        let mut stormy = runtime.block_on(async {
            let mut others = signal(USR2).unwrap();
            let listening = spawn(async move {
                let mut heard = 0;
                // Ordering: Relaxed, as above.
                while STORM.load(Ordering::Relaxed) {
                    within(stormy.recv()).await;
                    heard += 1;
                }
                (stormy, heard)
            });
            let ticks = spawn(async {
                for _ in 0..20 {
                    sleep(Duration::from_millis(1)).await;
                }
            });
            for _ in 0..100 {
                yield_now().await;
            }
            within(ticks).await.unwrap();
            raise(USR2);
            within(others.recv()).await;
            STORM.store(false, Ordering::Relaxed);
            spawn_blocking(|| raise(USR1)).await.unwrap();
            let (stormy, heard) = listening.await.unwrap();
            assert!(heard > 0);
            stormy
        });
        storm.join().unwrap();
        look(&mut stormy);
    }
}

#[test]
fn g06_signals_that_nobody_can_listen_for_are_refused_by_name() {
    let _turn = my_turn();
    let refused = [
        (libc::SIGKILL, "cannot listen for SIGKILL: "),
        (libc::SIGSTOP, "cannot listen for SIGSTOP: "),
        (libc::SIGSEGV, "cannot listen for SIGSEGV: "),
        (libc::SIGILL, "cannot listen for SIGILL: "),
        (libc::SIGFPE, "cannot listen for SIGFPE: "),
        (libc::SIGBUS, "cannot listen for SIGBUS: "),
        (0, "cannot listen for signal 0: "),
        (-1, "cannot listen for signal -1: "),
        (i32::MIN, "cannot listen for signal -2147483648: "),
        (i32::MAX, "cannot listen for signal 2147483647: "),
        (159, "cannot listen for signal 159: "),
    ];
    for (number, message) in refused {
        let kind = SignalKind::from_raw(number);
        let error = signal(kind).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{kind}");
        assert!(error.to_string().starts_with(message), "{error}");
        // The others of a set are given back.
        let error = signal::set([USR1, kind]).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert_eq!(handler_of(USR1), libc::SIG_DFL);
    }
    assert!(signal::set([]).is_err());
    #[cfg(target_os = "linux")]
    for number in libc::SIGRTMIN()..=libc::SIGRTMAX() {
        let mut realtime = signal(SignalKind::from_raw(number)).unwrap();
        raise(SignalKind::from_raw(number));
        assert!(look(&mut realtime));
    }
}

#[test]
fn g08_a_signal_while_listeners_come_and_go_is_seen_or_takes_its_effect() {
    let _turn = my_turn();
    let _counted = Counted::new(USR1);
    static SEEN: AtomicU64 = AtomicU64::new(0);
    static DONE: AtomicBool = AtomicBool::new(false);
    let listeners: Vec<_> = (0..2)
        .map(|n| {
            thread::spawn(move || {
                // Ordering: Relaxed for the flag; Release and Acquire for the count, as for `BASE`.
                while !DONE.load(Ordering::Relaxed) {
                    let mut signal = signal(USR1).unwrap();
                    if n == 0 && look(&mut signal) {
                        SEEN.fetch_add(1, Ordering::Release);
                    }
                }
            })
        })
        .collect();
    for round in 0..10_000 {
        let before = base() + SEEN.load(Ordering::Acquire);
        raise(USR1);
        let start = std::time::Instant::now();
        while base() + SEEN.load(Ordering::Acquire) == before {
            assert!(start.elapsed() < LONG, "signal {round} is lost");
            thread::yield_now();
        }
    }
    DONE.store(true, Ordering::Relaxed);
    for listener in listeners {
        listener.join().unwrap();
    }
}

/// The last listener's end brings the previous handler back, which gets what nobody has heard.
#[test]
fn syssig_03_the_previous_handler_is_back_and_gets_what_was_not_heard() {
    let _turn = my_turn();
    let _counted = Counted::new(USR2);
    let (before, start) = (handler_of(USR2), base());
    for heard in [true, false] {
        let mut signal = signal(USR2).unwrap();
        assert_ne!(handler_of(USR2), before);
        signal::raise(USR2).unwrap();
        assert_eq!(base(), start, "the previous handler is not called meanwhile");
        if heard {
            assert!(look(&mut signal));
        }
        drop(signal);
        assert_eq!(handler_of(USR2), before);
        assert_eq!(base(), start + u64::from(!heard));
    }
}

#[test]
fn g08_what_nobody_has_seen_goes_to_the_previous_handler() {
    let _turn = my_turn();
    let _counted = Counted::new(HUP);
    let start = base();
    let unread = signal(HUP).unwrap();
    raise(HUP);
    raise(HUP);
    assert_eq!(base(), start);
    drop(unread);
    assert_eq!(base(), start + 1, "those that came together are one");

    let mut read = signal(HUP).unwrap();
    let unread = signal(HUP).unwrap();
    raise(HUP);
    assert!(look(&mut read));
    drop((read, unread));
    assert_eq!(base(), start + 1, "one of them has seen it");
}

/// G07 too.
// ThreadSanitizer allows no new threads in a forked child.
#[cfg(not(corio_tsan))]
#[test]
fn sig_13_a_forked_child_neither_hears_the_parents_signals_nor_disturbs_it() {
    let _turn = my_turn();
    let mut parents = signal(WINCH).unwrap();
    // SAFETY: the child calls only what needs no other thread, and ends with `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // The lock of the test is held by this very thread, which is the child's only one.
        raise(WINCH);
        let heard = look(&mut parents);
        drop(parents);
        // A listener of its own works, on a thread of its own.
        let mut own = signal(WINCH);
        raise(WINCH);
        let hears = own.as_mut().is_ok_and(look);
        // SAFETY: the call may be made anywhere.
        unsafe {
            libc::_exit(if heard {
                1
            } else if hears {
                0
            } else {
                2
            })
        };
    }
    let mut status = 0;
    // SAFETY: there is room for the status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(std::process::ExitStatus::from_raw(status).code(), Some(0));
    assert!(!look(&mut parents), "the child's signal came to the parent");
    raise(WINCH);
    single().block_on(within(parents.recv()));
}

#[test]
fn a_wait_for_a_signal_is_send_and_prints() {
    fn check<T: Send + Sync + Unpin + std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }
    let _turn = my_turn();
    let mut one = signal(USR1).unwrap();
    assert!(check(&one).starts_with("Signal { kind: SignalKind(SIGUSR1), at: "));
    assert_eq!(one.kind(), USR1);
    check(&one.recv());
    let mut set = signal::set([USR1, USR2]).unwrap();
    assert_eq!(check(&set), "SignalSet[SignalKind(SIGUSR1), SignalKind(SIGUSR2)]");
    check(&set.recv());
    check(&ctrl_c());
}

// Ctrl-C, in a process of its own: this program again, in one of these roles.

const ROLES: &[Role] = &[
    ("ctrl_c_once", || {
        single().block_on(async {
            let pressed = ctrl_c();
            say("ready");
            pressed.await.unwrap();
            say("pressed");
            sleep(LONG).await;
        });
    }),
    ("dropped", || {
        drop(ctrl_c());
        say("ready");
        thread::sleep(LONG);
    }),
    ("unseen", || {
        let pressed = ctrl_c();
        raise(SignalKind::interrupt());
        say("ready");
        drop(pressed);
        say("alive");
    }),
];

/// Does nothing, except in a process that `roles::start` has started.
#[test]
fn role() {
    roles::play(ROLES);
}

// ThreadSanitizer holds a signal back while the thread that gets it sleeps in a futex.
#[cfg(not(corio_tsan))]
#[test]
fn g03_the_second_ctrl_c_ends_a_program_that_has_heard_the_first() {
    let mut child = roles::start("ctrl_c_once");
    child.press_ctrl_c();
    assert!(child.says("pressed"));
    child.press_ctrl_c();
    assert_eq!(child.end().signal(), Some(libc::SIGINT));
}

// ThreadSanitizer holds a signal back while the thread that gets it sleeps in a futex.
#[cfg(not(corio_tsan))]
#[test]
fn g03_ctrl_c_ends_a_program_that_has_stopped_to_listen() {
    let child = roles::start("dropped");
    child.press_ctrl_c();
    assert_eq!(child.end().signal(), Some(libc::SIGINT));
}

#[test]
fn g08_a_ctrl_c_that_nobody_has_seen_ends_the_program() {
    let mut child = roles::start("unseen");
    assert!(!child.says("alive"));
    assert_eq!(child.end().signal(), Some(libc::SIGINT));
}
