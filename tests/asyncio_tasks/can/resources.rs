//! Cancelling a task that waits in one of corio's waits: it ends, and takes nothing with it.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use corio::sync::{Event, Mutex, Semaphore, mpsc, oneshot};
use corio::{Queue, TaskGroup, WaitFor};

use crate::common::{LONG, Log};

/// Cancels a task that runs `future` when it waits, and sees it end.
async fn ends<F>(what: &str, future: F)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let task = corio::spawn(future);
    corio::yield_now().await;
    corio::yield_now().await;
    assert!(task.cancel(), "{what} had ended before");
    let ended = task.await.map(|_| ()).unwrap_err();
    assert!(ended.is_cancelled(), "{what}: {ended}");
}

/// A task ends in whatever it waits.
#[corio::test]
async fn can_35_a_task_ends_in_every_kind_of_wait() {
    let log = Log::default();
    ends("gather", corio::gather([log.endless("one"), log.endless("two")])).await;
    assert_eq!(log.get().len(), 2, "what was gathered has cleaned up");
    ends("timeout", corio::timeout(LONG, log.endless("in time"))).await;
    assert_eq!(log.get().len(), 3);
    let child = log.endless("a child");
    let group = corio::task_group(|group: TaskGroup<()>| async move {
        drop(group.spawn(child));
        Ok(())
    });
    ends("task_group", group).await;
    assert_eq!(log.get().len(), 4, "the child has cleaned up");

    let waited_for = corio::spawn(pending::<()>());
    let canceller = waited_for.canceller();
    ends("wait", corio::wait([waited_for], WaitFor::All)).await;
    assert!(!canceller.is_finished(), "what is waited for runs on");
    let shielded = log.endless("shielded");
    ends("shield", corio::shield(shielded)).await;
    assert_eq!(log.get().len(), 4, "what is shielded runs on");
    ends("race", corio::race([pending::<()>(), pending()])).await;
    ends("sleep", corio::sleep(LONG)).await;
}

/// A wait of any kind.
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Something is given to a task that waits, which is cancelled before its turn; the next one gets it.
async fn goes_on<T: Send + 'static>(
    what: &str,
    wait: impl Fn() -> Boxed<T>,
    give: impl FnOnce(),
) -> T {
    let (first, second) = (corio::spawn(wait()), corio::spawn(wait()));
    corio::yield_now().await;
    give();
    assert!(first.cancel(), "{what}");
    assert!(first.await.map(|_| ()).unwrap_err().is_cancelled(), "{what}");
    let second = corio::timeout(LONG, second).await;
    second.unwrap_or_else(|_| panic!("{what}: it is lost with the first waiter")).unwrap()
}

/// What was given to a task that is cancelled before it could take it is not lost.
#[corio::test(start_paused = true)]
async fn can_36_what_was_given_to_a_cancelled_waiter_goes_on() {
    static SEMAPHORE: Semaphore = Semaphore::new(0);
    goes_on(
        "a permit",
        || Box::pin(async { SEMAPHORE.acquire().await.unwrap().forget() }),
        || SEMAPHORE.add_permits(1),
    )
    .await;

    let mutex = std::sync::Arc::new(Mutex::new(7_u32));
    let held = mutex.clone().lock_owned().await;
    let wait = || {
        let mutex = mutex.clone();
        Box::pin(async move { *mutex.lock().await }) as Boxed<u32>
    };
    assert_eq!(goes_on("a lock", wait, || drop(held)).await, 7);

    let queue = Queue::<u32>::unbounded();
    let wait = || {
        let queue = queue.clone();
        Box::pin(async move { queue.get().await.unwrap() }) as Boxed<u32>
    };
    assert_eq!(goes_on("an item", wait, || queue.try_put(8).unwrap()).await, 8);

    let (send, receive) = corio::channel::unbounded::<u32>();
    let wait = || {
        let receive = receive.clone();
        Box::pin(async move { receive.recv().await.unwrap() }) as Boxed<u32>
    };
    assert_eq!(goes_on("a message", wait, || send.try_send(9).unwrap()).await, 9);
}

/// An event that was set, or a value that came, is still there when its waiter was cancelled.
#[corio::test]
async fn can_36_what_has_happened_has_happened() {
    let event = std::sync::Arc::new(Event::new());
    let theirs = event.clone();
    let waiter = corio::spawn(async move { theirs.wait().await });
    corio::yield_now().await;
    event.set();
    waiter.cancel();
    assert!(waiter.await.unwrap_err().is_cancelled());
    event.wait().await;

    let (send, mut receive) = mpsc::unbounded();
    assert!(corio::timeout(Duration::ZERO, receive.recv()).await.is_err());
    send.send(7).unwrap();
    assert_eq!(receive.recv().await, Some(7));

    let (send, receive) = oneshot::channel::<u32>();
    let waiter = corio::spawn(receive);
    corio::yield_now().await;
    waiter.cancel();
    assert!(waiter.await.unwrap_err().is_cancelled());
    assert_eq!(send.send(7), Err(7), "the sender has its value back");
}
