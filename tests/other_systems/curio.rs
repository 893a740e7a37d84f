//! curio.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use corio::introspect::TaskState;
use corio::runtime::Builder;
use corio::sync::{Event, Mutex};
use corio::task::{ContextVars, TaskInfo};
use corio::time::{Elapsed, Instant, sleep};
use corio::{
    CancelScope, Handle, Promise, Queue, TaskGroup, WaitFor, as_completed, context_var, finally,
    spawn, spawn_blocking, task, task_group, timeout, yield_now,
};

use crate::common::{LONG, Log, OnDrop, multi, secs, single};

context_var! {
    static WHO: &'static str = "nobody";
}

/// An executor that is not corio's: the thread parks.
fn drive<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = Box::pin(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// A child's failure is told with its name; waiting for a task does not take its result.
#[corio::test(start_paused = true)]
async fn curio_01_failures_have_names_and_waiting_takes_nothing() {
    let error = task_group(|group: TaskGroup<&str>| async move {
        drop(group.builder().name("fetch").spawn(async { Err::<(), _>("the cause") }));
        pending::<Result<(), &str>>().await
    })
    .await
    .unwrap_err();
    assert_eq!(error.failures()[0].name(), Some("fetch"));
    assert!(error.to_string().contains("\"fetch\": the cause"), "{error}");
    let failing = spawn(async { Err::<(), _>("the cause") });
    let (mut done, pending) = corio::wait([failing], WaitFor::All).await;
    assert!(pending.is_empty());
    assert_eq!(done.remove(0).await.unwrap(), Err("the cause"));
}

/// Cancelling and awaiting waits until the task is really over; again is harmless, and so is too late.
#[corio::test(start_paused = true)]
async fn curio_02_who_cancels_and_awaits_waits_for_the_end() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let cleanup = move || async move {
        sleep(secs(5)).await;
        ours.add("over");
    };
    let mut task = spawn(finally(pending::<()>(), cleanup));
    yield_now().await;
    assert!(task.cancel());
    sleep(secs(1)).await;
    assert!(!task.cancel());
    assert!((&mut task).await.unwrap_err().is_cancelled());
    assert_eq!((log.get(), start.elapsed()), (vec!["over".to_owned()], secs(5)));
    assert!(!task.cancel());
}

/// A group may wait for all, for the first, for the first success, or for none of its children.
#[corio::test(start_paused = true)]
async fn curio_03_a_group_waits_for_whom_one_likes() {
    async fn ends(after: u64) -> Result<u64, u64> {
        sleep(secs(after)).await;
        if after % 2 == 0 { Ok(after) } else { Err(after) }
    }
    let start = Instant::now();
    // All.
    let all = task_group(|group: TaskGroup<u64>| async move {
        let (two, four) = (group.spawn(ends(2)), group.spawn(ends(4)));
        Ok(two.await.unwrap() + four.await.unwrap())
    });
    assert_eq!((all.await.unwrap(), start.elapsed()), (6, secs(4)));
    // Any: the first that ends ends the others.
    let any = task_group(|group: TaskGroup| async move {
        for after in [5, 1, 3] {
            drop(group.spawn(async move {
                let _ = ends(after).await;
            }));
        }
        let first = group.next().await.unwrap();
        group.cancel();
        Ok(first.is_ok())
    });
    assert_eq!((any.await.unwrap(), start.elapsed()), (true, secs(5)));
    // The first success; failures count only if there is nothing else.
    async fn first_success(after: &[u64]) -> Result<u64, Vec<u64>> {
        let (mut results, mut errors) = (as_completed(after.iter().map(|a| ends(*a))), Vec::new());
        while let Some(result) = results.next().await {
            match result {
                Ok(value) => return Ok(value),
                Err(error) => errors.push(error),
            }
        }
        Err(errors)
    }
    assert_eq!(first_success(&[1, 4, 3, 6]).await, Ok(4));
    assert_eq!(first_success(&[3, 1]).await, Err(vec![1, 3]));
    // None.
    let before = Instant::now();
    let none = task_group(|group: TaskGroup| async move {
        drop(group.spawn(pending::<()>()));
        group.cancel();
        Ok(())
    });
    assert_eq!((none.await.is_ok(), before.elapsed()), (true, Duration::ZERO));
}

/// A helper of a group that is tied to its body is not waited for, and ends with it.
#[corio::test(start_paused = true)]
async fn curio_05_a_helper_ends_with_the_body() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    task_group(|group: TaskGroup| async move {
        let guard = OnDrop(ours, "the helper is gone");
        let _helper = spawn(async move {
            let _guard = guard;
            sleep(secs(100)).await;
        })
        .cancel_on_drop();
        group.spawn(sleep(secs(1))).await.unwrap();
        Ok(())
    })
    .await
    .unwrap();
    yield_now().await;
    assert_eq!((log.get(), start.elapsed()), (vec!["the helper is gone".to_owned()], secs(1)));
}

/// Nested limits: the one that is up is told, and its error is known from another's.
#[corio::test(start_paused = true)]
async fn curio_06_nested_limits_are_told_apart() {
    let outer = timeout(secs(5), async {
        let inner = timeout(secs(1), sleep(secs(3))).await;
        sleep(secs(1)).await;
        inner
    });
    assert_eq!(outer.await.unwrap().unwrap_err().limit(), Some(secs(1)));
    let log = Log::default();
    let ours = log.clone();
    let outer = timeout(secs(1), async move {
        let inner = CancelScope::new().deadline(Instant::now() + secs(5));
        let handle = inner.handle();
        let cleanup = move || async move { ours.add(format!("{}", handle.is_cancelled())) };
        inner.run(finally(pending::<()>(), cleanup)).await
    });
    assert_eq!(outer.await.unwrap_err().limit(), Some(secs(1)));
    assert_eq!(log.get(), ["false"]);
    // The inner error, passed on through the outer limit.
    let passed: Result<Result<(), Elapsed>, Elapsed> =
        timeout(secs(5), async { timeout(secs(1), pending::<()>()).await }).await;
    assert_eq!(passed.unwrap().unwrap_err().limit(), Some(secs(1)));
}

/// A scope without a limit does not protect what is in it from the one around it.
#[corio::test(start_paused = true)]
async fn curio_07_no_limit_inside_is_no_protection() {
    let start = Instant::now();
    let unlimited = CancelScope::new();
    assert!(timeout(secs(1), unlimited.run(pending::<()>())).await.is_err());
    assert!(timeout(secs(1), timeout(Duration::MAX, pending::<()>())).await.is_err());
    assert_eq!(start.elapsed(), secs(2));
}

/// A body that computes past its limit gives its value, and leaves nothing for later waits.
#[corio::test]
async fn curio_08_a_body_that_computes_too_long_leaves_nothing_behind() {
    let value = timeout(Duration::from_millis(1), async {
        thread::sleep(Duration::from_millis(5));
        7
    });
    assert_eq!(value.await, Ok(7));
    for _ in 0..3 {
        sleep(Duration::from_millis(1)).await;
        yield_now().await;
    }
}

/// One queue for tasks, threads, two runtimes and other executors; the order is kept.
#[test]
fn curio_09_a_queue_works_between_all_of_them() {
    const COUNT: u32 = 10_000;
    let (there, back) = (Queue::bounded(16), Queue::bounded(16));
    let (inbox, outbox) = (there.clone(), back.clone());
    let other = thread::spawn(move || {
        for _ in 0..COUNT {
            outbox.put_blocking(inbox.get_blocking().unwrap()).unwrap();
        }
    });
    let (sender, receiver) = (there.clone(), back.clone());
    let (first, second) = (multi(1), single());
    let sends = first.spawn(async move {
        for i in 0..COUNT {
            sender.put(i).await.unwrap();
        }
    });
    second.block_on(async {
        for i in 0..COUNT {
            assert_eq!(receiver.get().await, Ok(i));
        }
    });
    sends.result_blocking(LONG).unwrap().unwrap();
    other.join().unwrap();
    let putter = there.clone();
    let elsewhere = thread::spawn(move || drive(async { putter.put(7).await.unwrap() }));
    assert_eq!(drive(there.get()), Ok(7));
    elsewhere.join().unwrap();
}

/// An event and a result likewise.
#[test]
fn curio_10_an_event_and_a_promise_work_between_all_of_them() {
    let (event, promise) = (Arc::new(Event::new()), Promise::new());
    let (ours, theirs) = (event.clone(), promise.clone());
    let runtime = multi(1);
    let in_a_task = runtime.spawn(async move {
        ours.wait().await;
        theirs.set(7).unwrap();
    });
    let (ours, theirs) = (event.clone(), promise.clone());
    let in_a_thread = thread::spawn(move || {
        ours.blocking_wait();
        theirs.blocking_wait().unwrap()
    });
    let (ours, theirs) = (event.clone(), promise.clone());
    let elsewhere = thread::spawn(move || {
        drive(async {
            ours.wait().await;
            theirs.wait().await.unwrap()
        })
    });
    event.set();
    assert_eq!(single().block_on(promise.wait()).unwrap(), 7);
    assert_eq!((in_a_thread.join().unwrap(), elsewhere.join().unwrap()), (7, 7));
    in_a_task.result_blocking(LONG).unwrap().unwrap();
}

/// A call on a thread may await, is joined like a task, and has its caller's variables.
#[corio::test]
async fn curio_13_a_thread_may_await_by_blocking() {
    WHO.set("the caller");
    let (send, receive) = corio::sync::oneshot::channel();
    let call = spawn_blocking(move || {
        let seen = Handle::current().block_on(async {
            yield_now().await;
            (receive.await.unwrap(), WHO.get())
        });
        (seen, ContextVars::capture().is_empty())
    });
    yield_now().await;
    send.send(7).unwrap();
    assert_eq!(call.await.unwrap(), ((7, "the caller"), false));
}

/// Two tasks that wait for each other's lock are told as a cycle, with the places in the source.
#[corio::test]
async fn curio_15_a_deadlock_is_told_as_a_cycle() {
    let locks = [Arc::new(Mutex::new(())), Arc::new(Mutex::new(()))];
    let tasks = [(0, 1), (1, 0)].map(|(first, second)| {
        let (first, second) = (locks[first].clone(), locks[second].clone());
        spawn(async move {
            let _first = first.lock().await;
            yield_now().await;
            let _second = second.lock().await;
        })
    });
    for _ in 0..5 {
        yield_now().await;
    }
    let dump = corio::introspect::dump();
    let cycle = dump.lines().find(|line| line.starts_with("deadlock:")).expect(&dump);
    for task in &tasks {
        assert!(cycle.contains(&format!("task {}", task.id())), "{cycle}");
        task.cancel();
    }
    assert!(dump.contains("curio.rs") && dump.contains("mutex"), "{dump}");
}

/// A poll that takes too long is reported, with its task and the time.
#[test]
fn curio_16_a_long_poll_is_reported() {
    let (report, reported) = mpsc::channel();
    let runtime = Builder::new_current_thread()
        .blocking_threshold(Duration::from_millis(10))
        .on_long_poll(move |poll| drop(report.send(poll.to_string())))
        .build()
        .unwrap();
    runtime.block_on(async {
        let blocks = task::Builder::new().name("blocks");
        // It goes on until somebody has seen it.
        let blocks = blocks.spawn(async move { reported.recv_timeout(LONG).unwrap() });
        let text = blocks.await.unwrap();
        assert!(text.contains("curio.rs") && text.contains("ms"), "{text}");
    });
}

/// A task that is always ready holds up neither timers nor I/O nor others; two that wake each other neither.
#[corio::test]
async fn curio_17_busy_tasks_hold_up_nobody() {
    let stop = Arc::new(AtomicBool::new(false));
    let stops = || {
        let stop = stop.clone();
        move || stop.load(SeqCst)
    };
    let stopped = stops();
    let busy = spawn(async move {
        while !stopped() {
            yield_now().await;
        }
    });
    let (ping, pong) = (Queue::bounded(1), Queue::bounded(1));
    let players = [(ping.clone(), pong.clone()), (pong.clone(), ping.clone())].map(|(from, to)| {
        let stopped = stops();
        spawn(async move {
            while !stopped() {
                if from.get().await.is_err() || to.put(()).await.is_err() {
                    return;
                }
            }
        })
    });
    ping.put(()).await.unwrap();
    let listener = corio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let third = spawn(async move {
        for _ in 0..20 {
            sleep(Duration::from_millis(1)).await;
            let (client, server) =
                corio::join!(corio::net::TcpStream::connect(address), listener.accept());
            drop((client.unwrap(), server.unwrap()));
        }
    });
    timeout(LONG, third).await.unwrap().unwrap();
    stop.store(true, SeqCst);
    busy.await.unwrap();
    ping.shutdown(corio::queue::Shutdown::Immediate);
    pong.shutdown(corio::queue::Shutdown::Immediate);
    for player in players {
        player.await.unwrap();
    }
}

/// At shutdown each task that is left is cleaned up, also after one whose cleanup has failed.
#[test]
fn curio_18_at_shutdown_every_cleanup_is_awaited() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let entered = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            for i in 0..10 {
                let (log, entered) = (log.clone(), entered.clone());
                let cleanup = move || async move {
                    sleep(Duration::from_millis(1)).await;
                    log.add("cleaned up");
                    assert!(i != 5, "one of them fails");
                };
                let body = async move {
                    entered.fetch_add(1, SeqCst);
                    pending::<()>().await;
                };
                drop(spawn(finally(body, cleanup)));
            }
            while entered.load(SeqCst) < 10 {
                yield_now().await;
            }
        });
        drop(runtime);
        assert_eq!(log.get(), ["cleaned up"; 10]);
    }
}

/// A task tells its state, and where it waits and for what.
#[corio::test(start_paused = true)]
async fn curio_20_a_task_tells_where_it_is() {
    fn info() -> TaskInfo {
        let mut all = task::all().into_iter();
        all.find(|t| t.name.as_deref() == Some("watched")).expect("it is not done")
    }
    let watched = task::Builder::new().name("watched").spawn(async {
        sleep(secs(5)).await;
        yield_now().await;
    });
    assert_eq!(info().state, TaskState::Ready);
    yield_now().await;
    let waiting = info();
    let wait = waiting.waiting_on.unwrap();
    assert_eq!((waiting.state, wait.kind), (TaskState::Waiting, "sleep"));
    assert!(wait.at.file().ends_with("curio.rs") && wait.at.line() > waiting.spawned_at.line());
    watched.await.unwrap();
    assert!(task::all().iter().all(|t| t.name.is_none()));
}
