//! Awaiting tasks.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use corio::sync::{PromiseError, oneshot};
use corio::{Handle, Promise, Task, task};

use crate::common::{LONG, Log, multi, poll_once, single};

/// A result is given once, to the one who has the handle; asking again is a clear panic. For many
/// there is a promise: all get the result, and get it again.
#[corio::test]
async fn tsk_06_one_result_for_one_and_a_promise_for_many() {
    let mut task = corio::spawn(async { 7 });
    assert_eq!((&mut task).await.unwrap(), 7);
    let mut again = Box::pin(task);
    let polled = std::future::poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| again.as_mut().poll(cx)));
        std::task::Poll::Ready(polled.map(drop).unwrap_err())
    });
    let panic = polled.await;
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("was awaited again after it had given its result"), "{text}");

    let promise = Promise::new();
    let waiters: Vec<_> = (0..5).map(|_| corio::spawn(promise.wait())).collect();
    let theirs = promise.clone();
    corio::spawn(async move { theirs.set(7) }).await.unwrap().unwrap();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 7);
    }
    assert_eq!((&promise).await.unwrap() + promise.await.unwrap(), 14);
}

/// All who wait for a promise get the same error, not copies of it.
#[corio::test]
async fn tsk_07_all_get_the_same_error() {
    let promise = Promise::<u32>::new();
    let waiters = [corio::spawn(promise.wait()), corio::spawn(promise.wait())];
    let theirs = promise.clone();
    drop(corio::spawn(async move { theirs.set_error("it broke") }));
    let [first, second] = waiters.map(|waiter| async move {
        match waiter.await.unwrap().unwrap_err() {
            PromiseError::Failed(error) => error,
            other => panic!("{other}"),
        }
    });
    let (first, second) = (first.await, second.await);
    assert_eq!(first.to_string(), "it broke");
    assert!(Arc::ptr_eq(&first, &second));
}

/// Awaiting a task that is done does not let others run first.
#[corio::test]
async fn tsk_08_awaiting_a_finished_task_does_not_yield() {
    let task = corio::spawn(async { 7 });
    corio::yield_now().await;
    assert!(task.is_finished());
    let call = Handle::current().call_soon(|| ());
    assert_eq!(task.await.unwrap(), 7);
    assert!(!call.is_finished(), "something else ran meanwhile");
}

/// A task that awaits itself is told so, in whatever way it does it, and can go on.
#[corio::test]
async fn tsk_09_a_task_that_awaits_itself_gets_an_error() {
    let (give, take) = oneshot::channel::<Task<&str>>();
    let task = corio::spawn(async move {
        let mut myself = take.await.unwrap();
        let id = myself.id();
        let error = (&mut myself).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("task {id} awaits itself")), "{error}");
        assert!(error.id() == id && !error.is_cancelled() && !error.is_panic());
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::Deadlock);
        assert!(corio::gather([&mut myself]).await[0].is_err());
        corio::select! {
            result = &mut myself => assert!(result.is_err()),
        }
        // Somebody else may await it.
        drop(corio::spawn(async move { assert_eq!(myself.await.unwrap(), "went on") }));
        "went on"
    });
    let canceller = task.canceller();
    give.send(task).unwrap();
    while !canceller.is_finished() {
        corio::yield_now().await;
    }
    corio::yield_now().await;
}

/// So does a cleanup that awaits its own task, which would not be done before.
#[corio::test]
async fn tsk_09_a_cleanup_that_awaits_its_own_task_gets_an_error() {
    let (give, take) = oneshot::channel::<Task<()>>();
    let log = Log::default();
    let theirs = log.clone();
    let task = corio::spawn(corio::finally(std::future::pending(), move || async move {
        let myself = take.await.unwrap();
        theirs.add(if myself.await.is_err() { "told" } else { "done" });
    }));
    let canceller = task.canceller();
    give.send(task).unwrap();
    corio::yield_now().await;
    canceller.cancel();
    while !canceller.is_finished() {
        corio::yield_now().await;
    }
    assert_eq!(log.get(), ["told"]);
}

/// Waiting like a thread where that would stop the tasks is a clear panic, also in a callback; what is there
/// already can be had.
#[corio::test]
async fn tsk_09_a_callback_does_not_wait_for_tasks_like_a_thread() {
    let log = Log::default();
    let (give, take) = mpsc::channel::<Task<i32>>();
    let done = corio::spawn(async { 7 });
    let endless = corio::spawn(std::future::pending::<()>());
    let theirs = log.clone();
    done.on_done(move || {
        let done = take.recv().unwrap();
        theirs.add(done.result_blocking(Duration::ZERO).unwrap().unwrap().to_string());
        let wait = AssertUnwindSafe(|| drop(endless.result_blocking(LONG)));
        let panic = catch_unwind(wait).unwrap_err();
        theirs.add(*panic.downcast::<&str>().unwrap());
    });
    let canceller = done.canceller();
    give.send(done).unwrap();
    while !canceller.is_finished() {
        corio::yield_now().await;
    }
    let log = log.get();
    assert_eq!(log[0], "7");
    assert!(log[1].contains("in a callback on a thread that runs tasks"), "{log:?}");
}

/// Tasks of one runtime may await tasks and promises of another.
#[test]
fn tsk_10_what_belongs_to_another_runtime_can_be_awaited() {
    let (first, second) = (single(), multi(1));
    let promise = Promise::new();
    let wait = promise.wait();
    let theirs = second.spawn(async move {
        corio::sleep(Duration::from_millis(1)).await;
        promise.set(2).unwrap();
        1
    });
    let ours = first.spawn(async move { theirs.await.unwrap() + wait.await.unwrap() });
    assert_eq!(first.block_on(ours).unwrap(), 3);
}

/// Callbacks of a task are called in the order in which they came, outside any task, before who awaits
/// it goes on.
#[corio::test]
async fn tsk_34_callbacks_are_called_before_the_waiter_goes_on() {
    let log = Log::default();
    let (go, wait) = oneshot::channel::<()>();
    let task = corio::spawn(wait);
    for name in ["first", "second"] {
        let log = log.clone();
        task.on_done(move || {
            log.add(format!("{name}, in a task: {}", task::try_current().is_some()));
        });
    }
    let mut task = Box::pin(task);
    poll_once(task.as_mut()).await;
    let theirs = log.clone();
    task.on_done(move || theirs.add("third"));
    go.send(()).unwrap();
    task.await.unwrap().unwrap();
    log.add("the waiter");
    let expected = ["first, in a task: false", "second, in a task: false", "third", "the waiter"];
    assert_eq!(log.get(), expected);
}

/// On several threads, too, whoever has waited finds what the callbacks have done.
#[test]
fn tsk_34_callbacks_are_called_before_a_waiter_on_another_thread_goes_on() {
    multi(2).block_on(async {
        for _ in 0..500 {
            let called = Arc::new(AtomicBool::new(false));
            let theirs = called.clone();
            let (go, wait) = oneshot::channel::<()>();
            let mut task = Box::pin(corio::spawn(wait));
            task.on_done(move || theirs.store(true, SeqCst));
            poll_once(task.as_mut()).await;
            corio::spawn(async move { go.send(()).unwrap() });
            task.await.unwrap().unwrap();
            assert!(called.load(SeqCst));
        }
    });
}

type Failing = Pin<Box<dyn Future<Output = Result<(), Arc<std::io::Error>>> + Send>>;

/// A hundred tasks, each of which awaits the next: what the innermost fails with comes out of the
/// outermost, as it was.
#[corio::test]
async fn tsk_35_an_error_comes_through_a_chain_of_tasks() {
    fn chain(depth: u32, error: Arc<std::io::Error>) -> Failing {
        Box::pin(async move {
            match depth {
                0 => Err(error),
                _ => corio::spawn(chain(depth - 1, error)).await.unwrap(),
            }
        })
    }
    let error = Arc::new(std::io::Error::other("innermost"));
    let outermost = corio::spawn(chain(100, error.clone())).await.unwrap().unwrap_err();
    assert!(Arc::ptr_eq(&outermost, &error));

    fn panicking(depth: u32) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            match depth {
                0 => std::panic::panic_any(Arc::new(7)),
                _ => match corio::spawn(panicking(depth - 1)).await {
                    Ok(()) => unreachable!("the innermost panics"),
                    Err(error) => resume_unwind(error.into_panic()),
                },
            }
        })
    }
    let error = corio::spawn(panicking(100)).await.unwrap_err();
    assert_eq!(**error.into_panic().downcast_ref::<Arc<i32>>().unwrap(), 7);
}
