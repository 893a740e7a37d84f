use super::*;
use crate::blocking::block_on;
use crate::prim::thread;

#[test]
fn loom_queue_join_meets_task_done() {
    crate::model(|| {
        let queue = Queue::unbounded();
        queue.try_put(1).unwrap();
        let other = queue.clone();
        let handle = thread::spawn(move || other.task_done().unwrap());
        block_on(queue.join());
        handle.join().unwrap();
        assert!(queue.task_done().is_err());
    });
}

/// everybody who waits at a shutdown ends.
#[test]
fn loom_queue_q_31_shutdown_meets_get() {
    crate::model(|| {
        let queue = Queue::<u32>::unbounded();
        let other = queue.clone();
        let handle = thread::spawn(move || other.shutdown(Shutdown::Graceful));
        assert!(block_on(queue.get()).is_err());
        handle.join().unwrap();
    });
}

/// QUE-08: an immediate shutdown, at any point of a get, counts each item once.
#[test]
fn loom_queue_que_08_immediate_shutdown_meets_get() {
    crate::model(|| {
        let queue = Queue::unbounded();
        let other = queue.clone();
        queue.try_put(1).unwrap();
        let handle = thread::spawn(move || other.shutdown(Shutdown::Immediate));
        if block_on(queue.get()).is_ok() {
            queue.task_done().unwrap();
        }
        handle.join().unwrap();
        block_on(queue.join());
        assert!(queue.task_done().is_err());
    });
}

/// a put whose slot was offered when the queue is shut down puts nothing in.
#[test]
fn loom_queue_q_40_shutdown_meets_put() {
    crate::model(|| {
        let queue = Queue::bounded(1);
        queue.try_put(1).unwrap();
        let other = queue.clone();
        let handle = thread::spawn(move || {
            other.try_get().unwrap();
            other.shutdown(Shutdown::Graceful);
        });
        let put = block_on(queue.put(2)).is_ok();
        handle.join().unwrap();
        assert_eq!(queue.try_get().is_ok(), put);
    });
}
