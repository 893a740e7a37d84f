//! FD: watching descriptors. asyncio's callbacks are tasks here, and its level-triggered watch is
//! `io::Poller`.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;

use corio::io::{AsyncFd, Direction, Interest, Poller};
use corio::{Runtime, runtime, spawn, spawn_local};

use crate::support::{LONG, settle};

fn pair() -> (AsyncFd<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (AsyncFd::new(ours), theirs)
}

/// What is sent in several rounds arrives completely and in order, read a little at a time.
#[corio::test]
async fn fd_01_data_comes_completely_and_in_order() {
    let (ours, mut theirs) = pair();
    let reader = spawn(async move {
        let mut all = Vec::new();
        loop {
            let mut two = [0; 2];
            match ours.async_io(Direction::Read, |mut r| r.read(&mut two)).await.unwrap() {
                0 => return all,
                n => all.extend_from_slice(&two[..n]),
            }
        }
    });
    for part in [b"abc".as_slice(), b"defgh", b"i"] {
        theirs.write_all(part).unwrap();
        settle().await;
    }
    drop(theirs);
    assert_eq!(reader.await.unwrap(), b"abcdefghi");
}

/// What is not consumed is reported again and again.
#[corio::test]
async fn fd_02_what_stays_ready_is_reported_again() {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let poller = Poller::new().unwrap();
    poller.register(&ours, 1, Interest::Read).unwrap();
    theirs.write_all(b"x").unwrap();
    for _ in 0..5 {
        assert_eq!(poller.wait(None).await.unwrap().len(), 1);
    }
    ours.read_exact(&mut [0]).unwrap();
    let nothing = poller.wait(Some(std::time::Duration::ZERO)).await.unwrap();
    assert_eq!(nothing, []);

    ours.set_nonblocking(true).unwrap();
    let ours = AsyncFd::new(ours);
    theirs.write_all(b"y").unwrap();
    for _ in 0..5 {
        assert!(ours.readable().await.unwrap().is_readable());
    }
}

/// Waiting to read and waiting to write are independent: giving up one leaves the other.
#[corio::test]
async fn fd_04_reading_and_writing_are_independent() {
    let (ours, mut theirs) = pair();
    let mut full = 0;
    while let Ok(n) = ours.try_io(Direction::Write, |mut w| w.write(&[0; 4096])) {
        full += n;
    }
    let ours = Arc::new(ours);
    let (r, w) = (ours.clone(), ours.clone());
    let reader = spawn(async move { r.readable().await.map(drop) });
    let writer = spawn(async move { w.writable().await.map(drop) });
    settle().await;
    reader.cancel();
    assert!(reader.await.unwrap_err().is_cancelled());
    assert!(!writer.is_finished());
    theirs.read_exact(&mut vec![0; full]).unwrap();
    writer.await.unwrap().unwrap();
}

/// Ending a watch tells whether there was one.
#[corio::test]
async fn fd_05_unregistering_tells_whether_it_was_watched() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let poller = Poller::new().unwrap();
    poller.register(&ours, 1, Interest::Both).unwrap();
    poller.unregister(&ours).unwrap();
    assert_eq!(poller.unregister(&ours).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(poller.unregister(&theirs).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(poller.forget(1 << 20).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Of two tasks that become ready at once, the first to run cancels the other, which then does not run.
#[corio::test]
async fn fd_06_a_task_cancelled_by_an_earlier_one_does_not_run() {
    let (a, mut to_a) = pair();
    let (b, mut to_b) = pair();
    let ran = Rc::new(RefCell::new(Vec::new()));
    let other = Rc::new(RefCell::new(Vec::new()));
    let mut tasks = Vec::new();
    for (name, fd) in [("a", a), ("b", b)] {
        let (ran, other) = (ran.clone(), other.clone());
        tasks.push(spawn_local(async move {
            fd.readable().await.unwrap();
            ran.borrow_mut().push(name);
            other.borrow().iter().for_each(|task: &corio::task::Canceller| {
                task.cancel();
            });
            corio::yield_now().await;
        }));
    }
    *other.borrow_mut() = tasks.iter().map(corio::Task::canceller).collect();
    settle().await;
    to_a.write_all(b"x").unwrap();
    to_b.write_all(b"x").unwrap();
    for task in tasks {
        let _ = task.await;
    }
    assert_eq!(ran.borrow().len(), 1, "{:?}", ran.borrow());
    other.borrow_mut().clear();
}

/// A descriptor that a socket of this runtime has is not watched a second time.
#[corio::test]
async fn fd_07_a_socket_s_descriptor_is_refused() {
    let (near, _far) = corio::net::UnixStream::pair().unwrap();
    // It is with the reactor once it has waited.
    let mut byte = [0];
    assert!(corio::timeout(LONG / 60_000, near.read(&mut byte)).await.is_err());
    let again = AsyncFd::new(near.as_fd());
    let error = again.readable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("registered already"), "{error}");
}

/// Whatever has a descriptor is taken: sockets, pipes, what is owned and what is borrowed.
#[corio::test]
async fn fd_09_anything_with_a_descriptor_is_taken() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(b"x").unwrap();
    AsyncFd::new(ours.as_fd()).readable().await.unwrap();
    AsyncFd::new(&ours).readable().await.unwrap();
    AsyncFd::new(OwnedFd::from(ours)).readable().await.unwrap();
    let (sender, _receiver) = corio::io::pipe().unwrap();
    AsyncFd::with_interest(sender, Interest::Write).writable().await.unwrap();
}

/// After the end of the runtime a wait is an error; giving the descriptor back is none.
#[test]
fn fd_10_after_the_end_of_the_runtime() {
    let (ours, _theirs) = pair();
    let first = Runtime::new().unwrap();
    let ours = first.block_on(async move {
        assert!(corio::timeout(LONG / 60_000, ours.readable()).await.is_err());
        ours
    });
    drop(first);
    let error = corio::run(async { ours.readable().await.unwrap_err() });
    assert!(error.to_string().contains("shut down"), "{error}");
    let back = ours.into_inner();
    assert!(back.peer_addr().is_ok());
    let (never, _theirs) = pair();
    let outside = runtime::Handle::try_current();
    assert!(outside.is_err());
    drop(never);
}

/// The end of the other side wakes who waits to read.
#[corio::test]
async fn fd_11_the_other_side_s_end_wakes_the_reader() {
    let (ours, theirs) = pair();
    let reader = spawn(async move {
        let ready = ours.readable().await.unwrap();
        (ready.is_read_closed(), ours.try_io(Direction::Read, |mut r| r.read(&mut [0])).unwrap())
    });
    settle().await;
    drop(theirs);
    assert_eq!(reader.await.unwrap(), (true, 0));
}

/// Readiness that comes to nothing, since somebody else was quicker, is waited out.
#[corio::test]
async fn fd_12_spurious_readiness_is_waited_out() {
    let (ours, mut theirs) = pair();
    let mut thief = ours.get_ref().try_clone().unwrap();
    theirs.write_all(b"1").unwrap();
    ours.readable().await.unwrap();
    thief.read_exact(&mut [0]).unwrap();
    let mut tries = 0;
    let mut byte = [0];
    let reader = async {
        ours.async_io(Direction::Read, |mut r| {
            tries += 1;
            r.read(&mut byte)
        })
        .await
    };
    let later = async {
        settle().await;
        theirs.write_all(b"2").unwrap();
    };
    let (read, ()) = corio::join!(reader, later);
    assert_eq!((read.unwrap(), byte), (1, *b"2"));
    assert!(tries >= 2, "it did not find the first one gone");
}

/// A hang-up wakes both sides.
#[corio::test]
async fn fd_13_a_hang_up_wakes_readers_and_writers() {
    let (ours, theirs) = pair();
    while ours.try_io(Direction::Write, |mut w| w.write(&[0; 4096])).is_ok() {}
    let ours = Arc::new(ours);
    let (r, w) = (ours.clone(), ours);
    let reader = spawn(async move { r.readable().await.unwrap().is_readable() });
    let writer = spawn(async move { w.writable().await.unwrap().is_writable() });
    settle().await;
    assert!(!reader.is_finished() && !writer.is_finished());
    drop(theirs);
    assert!(reader.await.unwrap() && writer.await.unwrap());
}

/// All that are ready are reported by one wait.
#[corio::test]
async fn fd_14_many_at_once_are_reported_together() {
    let poller = Poller::new().unwrap();
    let pairs: Vec<_> = (0..200).map(|_| UnixStream::pair().unwrap()).collect();
    for (key, (ours, _)) in pairs.iter().enumerate() {
        poller.register(ours, key, Interest::Read).unwrap();
    }
    for (_, theirs) in &pairs {
        (&mut &*theirs).write_all(b"x").unwrap();
    }
    let mut keys: Vec<_> = poller.wait(None).await.unwrap().iter().map(|e| e.key).collect();
    keys.sort();
    assert_eq!(keys, (0..200).collect::<Vec<_>>());
}
