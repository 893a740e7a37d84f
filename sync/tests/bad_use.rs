//! What is asked for and cannot be had: each a panic or an error that names the value and the way out.

mod kit;

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use corio_sync::queue::{Fifo, LifoQueue, PriorityQueue, Queue, QueueOf, Shutdown};
use corio_sync::*;
use kit::*;

/// The message with which `f` panics.
#[track_caller]
fn message<T>(f: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(f()))) else {
        panic!("it should panic")
    };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// Holds `text` against what it must say.
#[track_caller]
fn says(text: impl Into<String>, parts: &[&str]) {
    let text = text.into();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
}

#[test]
fn a_channel_without_room_is_refused() {
    let parts = ["capacity 0", "at least 1"];
    says(message(|| mpsc::channel::<u8>(0)), &parts);
    says(message(|| channel::bounded::<u8>(0)), &parts);
    says(message(|| broadcast::channel::<u8>(0)), &parts);
    says(message(|| Queue::<u8>::bounded(0)), &["capacity 0", "at least 1", "`unbounded`"]);
    says(message(|| LifoQueue::<u8>::bounded(0)), &parts);
    says(message(|| PriorityQueue::<u8>::bounded(0)), &parts);
    says(message(|| QueueOf::with_storage(Fifo::<u8>::new(), Some(0))), &parts);
}

/// An error of any kind goes on as one of input and output, with its message.
#[test]
fn errors_can_be_passed_on_as_those_of_io() {
    fn is<E: Into<io::Error> + ToString>(error: E, kind: io::ErrorKind) {
        let text = error.to_string();
        let error: io::Error = error.into();
        assert_eq!((error.kind(), error.to_string()), (kind, text));
    }
    fn left_by_its_sender<S, R>((sender, receiver): (S, R)) -> R {
        drop(sender);
        receiver
    }
    use io::ErrorKind::*;

    let (tx, mut rx) = mpsc::channel(1);
    is(rx.try_recv().unwrap_err(), WouldBlock);
    is(rx.blocking_recv_timeout(Duration::ZERO).unwrap_err(), TimedOut);
    tx.try_send(Cell::new(1)).unwrap();
    is(tx.try_send(Cell::new(2)).unwrap_err(), WouldBlock);
    is(tx.blocking_send_timeout(Cell::new(2), Duration::ZERO).unwrap_err(), TimedOut);
    drop(rx);
    is(now(tx.send(Cell::new(2))).unwrap_err(), BrokenPipe);
    is(tx.try_send(Cell::new(2)).unwrap_err(), BrokenPipe);
    is(now(tx.reserve()).unwrap_err(), BrokenPipe);
    is(tx.blocking_send_timeout(Cell::new(2), Duration::ZERO).unwrap_err(), BrokenPipe);
    is(left_by_its_sender(mpsc::channel::<u8>(1)).try_recv().unwrap_err(), UnexpectedEof);
    is(left_by_its_sender(channel::bounded::<u8>(1)).try_recv().unwrap_err(), UnexpectedEof);
    is(now(left_by_its_sender(channel::bounded::<u8>(1)).recv()).unwrap_err(), UnexpectedEof);
    is(left_by_its_sender(oneshot::channel::<u8>()).try_recv().unwrap_err(), UnexpectedEof);
    is(now(left_by_its_sender(oneshot::channel::<u8>())).unwrap_err(), UnexpectedEof);
    is(now(left_by_its_sender(watch::channel(1)).changed()).unwrap_err(), UnexpectedEof);
    is(now(left_by_its_sender(broadcast::channel::<u8>(1)).recv()).unwrap_err(), UnexpectedEof);
    is(broadcast::RecvError::Lagged(1), Other);
    is(broadcast::TryRecvError::Empty, WouldBlock);

    let queue = Queue::bounded(1);
    is(queue.try_get().unwrap_err(), WouldBlock);
    queue.try_put(Cell::new(1)).unwrap();
    is(queue.try_put(Cell::new(2)).unwrap_err(), WouldBlock);
    is(queue.put_timeout(Cell::new(2), Duration::ZERO).unwrap_err(), TimedOut);
    queue.shutdown(Shutdown::Immediate);
    is(now(queue.put(Cell::new(2))).unwrap_err(), BrokenPipe);
    is(queue.try_put(Cell::new(2)).unwrap_err(), BrokenPipe);
    is(now(queue.get()).unwrap_err(), UnexpectedEof);
    is(queue.try_get().unwrap_err(), UnexpectedEof);

    let semaphore = Semaphore::new(0);
    is(semaphore.try_acquire().unwrap_err(), WouldBlock);
    semaphore.close();
    is(now(semaphore.acquire()).unwrap_err(), BrokenPipe);
}

#[test]
fn a_barrier_for_nobody_is_refused() {
    says(message(|| Barrier::new(0)), &["0 parties", "at least 1"]);
}

#[test]
fn more_task_done_than_items_is_an_error() {
    let queue = Queue::unbounded();
    queue.try_put(1).unwrap();
    queue.try_get().unwrap();
    queue.task_done().unwrap();
    let error = queue.task_done().unwrap_err();
    says(error.to_string(), &["`task_done`", "0 items unfinished", "once for each"]);
    queue.try_put(2).unwrap();
    queue.shutdown(Shutdown::Immediate);
    assert!(queue.task_done().is_err(), "what was dropped counts as done");
}

#[test]
fn a_release_above_the_bound_is_an_error() {
    let semaphore = BoundedSemaphore::new(5);
    semaphore.try_acquire().unwrap().forget();
    says(semaphore.release(3).unwrap_err().to_string(), &["releasing 3", "5 permits", "once"]);
    assert_eq!(semaphore.available_permits(), 4, "nothing changed");
    says(
        semaphore.release(usize::MAX).unwrap_err().to_string(),
        &["releasing 18446744073709551615"],
    );
    semaphore.release(1).unwrap();
}

#[test]
fn permits_beyond_the_maximum_are_refused() {
    let (max, over) = (Semaphore::MAX_PERMITS, Semaphore::MAX_PERMITS + 1);
    let parts = [&*format!("{over} permits"), "MAX_PERMITS", &*max.to_string()];
    says(message(|| Semaphore::new(over)), &parts);
    says(message(|| BoundedSemaphore::new(over)), &parts);
    says(message(|| Semaphore::new(usize::MAX)), &["18446744073709551615 permits"]);
    let semaphore = Semaphore::new(max);
    says(
        message(|| semaphore.add_permits(7)),
        &["adding 7 permits", "MAX_PERMITS", &max.to_string(), "taken or"],
    );
    assert_eq!(semaphore.available_permits(), max);
}

/// More at once than there ever are would wait for ever: it is told at once instead.
#[test]
fn more_at_once_than_there_ever_are_is_refused() {
    let semaphore = BoundedSemaphore::new(2);
    says(message(|| semaphore.acquire_many(3)), &["acquiring 3", "more than 2", "for ever"]);
    drop(now(semaphore.acquire_many(2)).unwrap());
    let (tx, _rx) = mpsc::channel::<u8>(2);
    let parts = ["room for 3 values", "capacity 2", "at most 2 at a time"];
    says(message(|| tx.reserve_many(3)), &parts);
    assert!(matches!(tx.try_reserve_many(3), Err(mpsc::TrySendError::Full(()))));
    assert_eq!(now(tx.reserve_many(2)).unwrap().count(), 2);
}

#[test]
fn permits_of_two_semaphores_are_not_merged() {
    let (a, b) = (Semaphore::new(1), Semaphore::new(1));
    let mut permit = a.try_acquire().unwrap();
    let other = b.try_acquire().unwrap();
    says(message(|| permit.merge(other)), &["two semaphores", "keep them apart"]);
    drop(permit);
    assert_eq!((a.available_permits(), b.available_permits()), (1, 1));
}

#[cfg(target_pointer_width = "64")]
#[test]
fn more_permits_than_one_holds_are_not_merged() {
    let all = Semaphore::new(u32::MAX as usize + 1);
    let mut permit = all.try_acquire_many(u32::MAX).unwrap();
    let parts = ["merging 4294967295 and 1 permits", "keep them apart"];
    says(message(|| permit.merge(all.try_acquire().unwrap())), &parts);
    drop(permit);
    assert_eq!(all.available_permits(), u32::MAX as usize + 1);
}
