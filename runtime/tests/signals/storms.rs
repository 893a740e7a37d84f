//! Many signals, and what goes on beside them.

use std::io::Read;
use std::time::Duration;

use corio_runtime::signal::signal;
use corio_runtime::time::sleep;
use corio_runtime::{spawn, spawn_blocking, yield_now};
use corio_sync::prim::statics::{AtomicBool, AtomicU64};
use corio_sync::prim::{Ordering, thread};

use crate::kit::{multi, single};
use crate::support::{USR1, USR2, WINCH, look, my_turn, raise, within};

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
