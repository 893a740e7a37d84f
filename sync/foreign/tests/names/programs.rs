use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::sync::mpsc::error::{SendError, TryRecvError, TrySendError};
use super::sync::mpsc::{self, UnboundedReceiver, UnboundedSender, unbounded_channel};
use super::sync::{
    AcquireError, Mutex, MutexGuard, Notify, OnceCell, OwnedMutexGuard, OwnedRwLockReadGuard,
    OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock, RwLockMappedWriteGuard, RwLockReadGuard,
    RwLockWriteGuard, Semaphore, SemaphorePermit, SetOnce, TryAcquireError, TryLockError,
    broadcast, oneshot, watch,
};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Runs a program on tokio's executor, for a minute at most.
fn run(program: impl Future<Output = Outcome>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().build().unwrap();
    let limit = std::time::Duration::from_secs(60);
    runtime.block_on(async { tokio::time::timeout(limit, program).await.unwrap() }).unwrap();
}

fn waits<F: Future>(future: F) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[test]
fn bounded_channels() {
    run(async {
        let (tx, mut rx) = mpsc::channel::<i32>(2);
        assert_eq!((tx.capacity(), tx.max_capacity(), rx.max_capacity()), (2, 2, 2));
        tx.send(1).await?;
        tx.try_send(2)?;
        assert!(matches!(tx.try_send(3), Err(TrySendError::Full(3))));
        assert!(waits(tx.send(3)));
        assert_eq!((rx.len(), rx.is_empty(), rx.is_closed()), (2, false, false));
        assert_eq!(rx.recv().await, Some(1));
        assert_eq!(poll_fn(|cx| rx.poll_recv(cx)).await, Some(2));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        tx.reserve().await?.send(4);
        let tx = tx.reserve_owned().await?.send(5);
        let mut all = Vec::new();
        assert_eq!(rx.recv_many(&mut all, 10).await, 2);
        for (i, permit) in (6..).zip(tx.reserve_many(2).await?) {
            permit.send(i);
        }
        assert_eq!(poll_fn(|cx| rx.poll_recv_many(cx, &mut all, 10)).await, 2);
        assert_eq!(all, [4, 5, 6, 7]);
        let permit = tx.clone().try_reserve_owned()?;
        assert!(permit.same_channel_as_sender(&tx) && tx.same_channel(&permit.release()));
        let weak = tx.downgrade();
        assert_eq!((tx.strong_count(), weak.strong_count(), rx.sender_strong_count()), (1, 1, 1));
        assert!(weak.upgrade().is_some());
        rx.close();
        tx.closed().await;
        let SendError(value) = tx.send(8).await.unwrap_err();
        assert_eq!((value, tx.is_closed()), (8, true));
        assert_eq!(tx.try_send(9).unwrap_err().into_inner(), 9);
        drop(tx);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        assert!(weak.upgrade().is_none() && rx.recv().await.is_none());
        Ok(())
    });
}

#[test]
fn unbounded_channels() {
    run(async {
        let (tx, mut rx): (UnboundedSender<i32>, UnboundedReceiver<i32>) = unbounded_channel();
        tx.send(1)?;
        tx.clone().send(2)?;
        assert_eq!((rx.len(), rx.sender_strong_count()), (2, 1));
        assert_eq!((rx.recv().await, rx.try_recv()), (Some(1), Ok(2)));
        let weak = tx.downgrade();
        drop(tx);
        assert!(weak.upgrade().is_none() && rx.recv().await.is_none());
        Ok(())
    });
    let (tx, mut rx) = unbounded_channel();
    let thread = std::thread::spawn(move || (0..3).try_for_each(|i| tx.send(i)));
    let mut all = Vec::new();
    while rx.blocking_recv_many(&mut all, 2) > 0 {}
    assert_eq!(all, [0, 1, 2]);
    assert!(thread.join().unwrap().is_ok() && rx.blocking_recv().is_none());
}

#[test]
fn oneshots() {
    run(async {
        let (mut tx, mut rx) = oneshot::channel::<i32>();
        assert_eq!(rx.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        assert!(
            waits(tx.closed()) && poll_fn(|cx| Poll::Ready(tx.poll_closed(cx).is_pending())).await
        );
        tx.send(1).unwrap();
        assert_eq!((&mut rx).await?, 1);
        assert!(rx.is_terminated() && rx.is_empty());
        let (mut tx, mut rx) = oneshot::channel::<i32>();
        rx.close();
        tx.closed().await;
        assert_eq!((tx.is_closed(), tx.send(2)), (true, Err(2)));
        let (tx, rx) = oneshot::channel::<i32>();
        drop(tx);
        let error: oneshot::error::RecvError = rx.await.unwrap_err();
        assert!(!error.to_string().is_empty());
        Ok(())
    });
}

#[test]
fn broadcasts() {
    use broadcast::error::{RecvError, TryRecvError};
    run(async {
        let tx: broadcast::Sender<i32> = broadcast::Sender::new(2);
        assert_eq!(tx.send(0).unwrap_err().0, 0);
        let (mut a, mut b) = (tx.subscribe(), tx.subscribe());
        for i in 1..=3 {
            assert_eq!(tx.send(i)?, 2);
        }
        let mut seen = Vec::new();
        loop {
            match a.try_recv() {
                Ok(value) => seen.push(value),
                Err(TryRecvError::Lagged(missed)) => assert_eq!(missed, 1),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Closed) => unreachable!("there is a sender"),
            }
        }
        assert_eq!((seen, a.len(), b.len()), (vec![2, 3], 0, 3));
        assert!(matches!(b.recv().await, Err(RecvError::Lagged(1))));
        let c = a.resubscribe();
        assert!(a.same_channel(&c) && c.is_empty());
        assert_eq!((tx.receiver_count(), c.sender_strong_count(), tx.strong_count()), (3, 1, 1));
        let weak = tx.downgrade();
        assert_eq!(weak.strong_count(), 1);
        assert!(tx.same_channel(&weak.upgrade().unwrap()));
        drop(tx);
        assert!(c.is_closed());
        assert!(matches!(a.recv().await, Err(RecvError::Closed)));
        Ok(())
    });
}

#[test]
fn watches() {
    run(async {
        let tx: watch::Sender<i32> = watch::Sender::new(1);
        assert!(tx.is_closed() && tx.send(2).is_err());
        assert_eq!(tx.send_replace(3), 1);
        let mut rx = tx.subscribe();
        assert!(!rx.has_changed()? && !rx.borrow().has_changed());
        tx.send_modify(|value| *value += 1);
        assert!(!tx.send_if_modified(|_| false));
        rx.changed().await?;
        assert_eq!((*rx.borrow_and_update(), *tx.borrow()), (4, 4));
        rx.mark_changed();
        assert!(rx.has_changed()?);
        rx.mark_unchanged();
        assert!(!rx.has_changed()?);
        tx.send(5)?;
        assert_eq!(*rx.wait_for(|value| *value == 5).await?, 5);
        assert!(rx.clone().same_channel(&rx) && tx.clone().same_channel(&tx));
        assert_eq!((tx.receiver_count(), tx.sender_count()), (1, 1));
        assert!(!rx.is_closed());
        drop(tx);
        assert!(rx.is_closed());
        let error: watch::error::RecvError = rx.changed().await.unwrap_err();
        assert!(!error.to_string().is_empty());
        let (tx, rx) = watch::channel(0);
        drop(rx);
        tx.closed().await;
        let error: watch::error::SendError<i32> = tx.send(1).unwrap_err();
        assert_eq!(error.0, 1);
        Ok(())
    });
}

#[test]
fn mutexes() {
    run(async {
        let mutex = Arc::new(Mutex::new((1, 2)));
        let guard: OwnedMutexGuard<(i32, i32)> = mutex.clone().lock_owned().await;
        assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
        let error: TryLockError = mutex.try_lock().err().unwrap();
        assert!(!error.to_string().is_empty() && mutex.clone().try_lock_owned().is_err());
        drop(guard);
        *MutexGuard::map(mutex.lock().await, |pair| &mut pair.0) += 10;
        assert!(MutexGuard::try_map(mutex.lock().await, |_| None::<&mut i32>).is_err());
        let mut mutex = Arc::try_unwrap(mutex).unwrap();
        mutex.get_mut().1 += 10;
        assert_eq!(mutex.into_inner(), (11, 12));
        assert_eq!(*Mutex::from(5).lock().await + *Mutex::<i32>::default().lock().await, 5);
        Ok(())
    });
    assert_eq!(*Mutex::new(1).blocking_lock(), 1);
    assert_eq!(*Arc::new(Mutex::new(1)).blocking_lock_owned(), 1);
}

#[test]
fn reader_writer_locks() {
    run(async {
        let lock = Arc::new(RwLock::new((1, 2)));
        let reader: OwnedRwLockReadGuard<(i32, i32)> = lock.clone().read_owned().await;
        let part = RwLockReadGuard::map(lock.read().await, |pair| &pair.1);
        assert_eq!((reader.0, *part), (1, 2));
        assert!(lock.try_write().is_err() && waits(lock.write()));
        drop((reader, part));
        let mut part: RwLockMappedWriteGuard<'_, i32> =
            RwLockWriteGuard::map(lock.write().await, |pair| &mut pair.0);
        *part += 1;
        assert!(lock.try_read().is_err() && lock.clone().try_read_owned().is_err());
        drop(part);
        let writer: OwnedRwLockWriteGuard<(i32, i32)> = lock.clone().write_owned().await;
        assert_eq!(writer.0, 2);
        drop(writer);
        let none = RwLockReadGuard::try_map(lock.read().await, |_| None::<&i32>);
        assert!(none.is_err());
        drop(none);
        assert_eq!(Arc::try_unwrap(lock).unwrap().into_inner(), (2, 2));
        Ok(())
    });
    let lock = RwLock::new(1);
    *lock.blocking_write() += 1;
    assert_eq!(*lock.blocking_read(), 2);
}

#[test]
fn semaphores() {
    run(async {
        let semaphore = Arc::new(Semaphore::new(5));
        let mut some: SemaphorePermit<'_> = semaphore.acquire_many(3).await?;
        let one = some.split(1).unwrap();
        some.merge(one);
        assert_eq!((some.num_permits(), semaphore.available_permits()), (3, 2));
        assert!(matches!(semaphore.try_acquire_many(3), Err(TryAcquireError::NoPermits)));
        some.forget();
        semaphore.add_permits(1);
        assert_eq!(semaphore.forget_permits(1), 1);
        let own: OwnedSemaphorePermit = semaphore.clone().acquire_many_owned(1).await?;
        assert!(Arc::ptr_eq(own.semaphore(), &semaphore));
        drop((semaphore.clone().try_acquire_owned()?, own));
        drop(semaphore.clone().acquire_owned().await?);
        drop(semaphore.clone().try_acquire_many_owned(2)?);
        semaphore.close();
        let error: AcquireError = semaphore.acquire().await.unwrap_err();
        assert!(semaphore.is_closed() && !error.to_string().is_empty());
        assert!(matches!(semaphore.try_acquire(), Err(TryAcquireError::Closed)));
        assert_eq!(Semaphore::MAX_PERMITS, usize::MAX >> 3);
        Ok(())
    });
}

#[test]
fn notifications() {
    run(async {
        let notify = Arc::new(Notify::new());
        notify.notify_one();
        notify.notified().await;
        let mut waits = pin!(notify.notified());
        let mut comes_last = pin!(notify.clone().notified_owned());
        assert!(!waits.as_mut().enable() && !comes_last.as_mut().enable());
        notify.notify_last();
        comes_last.await;
        notify.notify_waiters();
        waits.await;
        Ok(())
    });
}

#[test]
fn cells() {
    run(async {
        let cell = OnceCell::new();
        assert!(cell.get_or_try_init(|| async { Err::<i32, ()>(()) }).await.is_err());
        assert_eq!(*cell.get_or_init(|| async { 1 }).await, 1);
        assert!(cell.set(2).is_err() && cell.initialized() && cell == OnceCell::from(1));
        assert_eq!((cell.get(), cell.clone().take()), (Some(&1), Some(1)));
        assert_eq!(cell.into_inner(), Some(1));
        let once = SetOnce::new();
        assert!(self::waits(once.wait()) && once.get().is_none());
        once.set(1)?;
        assert!(once.set(2).is_err() && once.initialized());
        assert_eq!((*once.wait().await, once.into_inner()), (1, Some(1)));
        Ok(())
    });
}

/// Types that hold handles derive what they would.
#[derive(Clone, Debug)]
struct Handles {
    notify: Arc<Notify>,
    jobs: mpsc::Sender<i32>,
    news: broadcast::Sender<i32>,
    state: watch::Receiver<i32>,
}

#[test]
fn handles_in_a_struct() {
    let handles = Handles {
        notify: Arc::new(Notify::new()),
        jobs: mpsc::channel(1).0,
        news: broadcast::Sender::new(1),
        state: watch::channel(1).1,
    };
    let other = handles.clone();
    assert!(Arc::ptr_eq(&other.notify, &handles.notify) && other.jobs.same_channel(&handles.jobs));
    assert!(other.news.same_channel(&handles.news) && other.state.same_channel(&handles.state));
    assert!(format!("{other:?}").contains("Handles"));
}
