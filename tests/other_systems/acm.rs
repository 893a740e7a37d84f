//! asynchronous context managers.

use std::future::pending;
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};
use corio::time::{Instant, sleep};
use corio::{CancelScope, CleanupStack, Handle, finally, spawn, task_group, timeout};

use crate::common::{LONG, Log, secs};

/// Opens, uses and closes something, each with a wait.
async fn opened<F: Future>(log: Log, body: F) -> F::Output {
    log.clone().slowly("open").await;
    finally(body, move || log.slowly("close")).await
}

/// What was opened is closed, however its use ends: with a value, an error, a panic, a request, a timeout,
/// or a lost race.
#[corio::test(start_paused = true)]
async fn acm_01_what_was_opened_is_closed_however_it_ends() {
    let log = Log::default();
    let used = |text: &'static str| {
        let log = log.clone();
        async move { log.add(text) }
    };
    opened(log.clone(), used("returned")).await;
    let error = opened(log.clone(), async { Err::<(), _>("failed") }).await;
    assert_eq!(error, Err("failed"));
    let panic = spawn(opened(log.clone(), async { panic!("as planned") }));
    assert!(panic.await.map(|(): ()| ()).unwrap_err().is_panic());
    let cancelled = spawn(opened(log.clone(), pending::<()>()));
    sleep(secs(1)).await;
    cancelled.cancel();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    assert!(timeout(secs(1), opened(log.clone(), pending::<()>())).await.is_err());
    corio::select! {
        () = opened(log.clone(), pending::<()>()) => unreachable!("it is endless"),
        () = sleep(secs(1)) => {}
    }
    let expected = [&["open", "returned", "close"][..], &["open", "close"].repeat(5)].concat();
    assert_eq!(log.get(), expected);
}

/// A resource that its use changes is closed as its use has left it, however that ends.
#[corio::test(start_paused = true)]
async fn acm_01_what_the_body_borrows_is_closed_however_it_ends() {
    struct Session(Vec<&'static str>, Log);
    impl Session {
        async fn say(&mut self, what: &'static str) -> usize {
            sleep(secs(1)).await;
            self.0.push(what);
            self.0.len()
        }
        async fn close(self) {
            self.1.clone().slowly(self.0.join(" ")).await;
        }
    }
    async fn talk(log: Log, how: &str) -> Result<usize, String> {
        let talk = async |session: &mut Session| {
            session.say("hello").await;
            match how {
                "fails" => return Err(how.to_owned()),
                "panics" => panic!("as planned"),
                "waits" => pending().await,
                _ => {}
            }
            Ok(session.say("goodbye").await)
        };
        corio::using(Session(Vec::new(), log), talk, Session::close).await
    }
    let log = Log::default();
    assert_eq!(talk(log.clone(), "returns").await, Ok(2));
    assert_eq!(talk(log.clone(), "fails").await, Err("fails".to_owned()));
    assert!(spawn(talk(log.clone(), "panics")).await.unwrap_err().is_panic());
    let cancelled = spawn(talk(log.clone(), "waits"));
    sleep(secs(2)).await;
    cancelled.cancel();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    assert!(timeout(secs(2), talk(log.clone(), "waits")).await.is_err());
    corio::select! {
        _ = talk(log.clone(), "waits") => unreachable!("it is endless"),
        () = sleep(secs(2)) => {}
    }
    // Cut off in the middle of a call that has the resource, and never begun.
    assert!(timeout(secs(0), talk(log.clone(), "waits")).await.is_err());
    drop(talk(log.clone(), "returns"));
    let expected = ["hello goodbye", "hello", "hello", "hello", "hello", "hello", ""];
    assert_eq!(log.get(), expected);
}

/// If it cannot be opened, neither is it used nor closed; what fails at the end comes out, and what failed
/// before is not lost behind it.
#[corio::test(start_paused = true)]
async fn acm_02_failures_to_open_and_to_close_are_told() {
    async fn opens(log: Log, works: bool) -> Result<&'static str, &'static str> {
        if !works {
            return Err("cannot open");
        }
        let closed = log.clone();
        finally(async { Ok("used") }, move || async move { closed.add("closed") }).await
    }
    let log = Log::default();
    assert_eq!(opens(log.clone(), false).await, Err("cannot open"));
    assert!(log.get().is_empty());
    assert_eq!(opens(log.clone(), true).await, Ok("used"));
    assert_eq!(log.get(), ["closed"]);
    async fn cannot_close() {
        corio::yield_now().await;
        panic!("cannot close");
    }
    let error = spawn(finally(async { 7 }, cannot_close)).await.unwrap_err();
    assert!(error.to_string().contains("cannot close"), "{error}");
    let both = spawn(finally(async { panic!("cannot be used") }, cannot_close)).await;
    let error = both.map(|(): ()| ()).unwrap_err();
    assert!(error.to_string().contains("cannot be used"), "{error}");
}

/// A stack runs the last cleanup first, and each whatever became of the others.
#[corio::test(start_paused = true)]
async fn acm_03_a_stack_runs_the_last_first_and_all() {
    let log = Log::default();
    let stack = CleanupStack::new();
    for name in ["1", "2", "3", "4"] {
        let log = log.clone();
        stack.push(move || async move {
            log.slowly(name).await;
            assert!(name != "3", "the third fails");
        });
    }
    let closed = spawn(async move { stack.close().await });
    let error = closed.await.unwrap_err();
    assert!(error.to_string().contains("the third fails"), "{error}");
    assert_eq!(log.get(), ["4", "3", "2", "1"]);
}

/// If the third of four cannot be opened, the two before it are closed, and nothing else is.
#[corio::test(start_paused = true)]
async fn acm_04_what_was_opened_before_a_failure_is_closed() {
    let log = Log::default();
    let ours = log.clone();
    let result = CleanupStack::with(|stack| async move {
        for name in ["1", "2", "3", "4"] {
            sleep(secs(1)).await;
            if name == "3" {
                return Err(stack.len());
            }
            let log = ours.clone();
            stack.push(move || log.slowly(name));
        }
        Ok(())
    });
    assert_eq!(result.await, Err(2));
    assert_eq!(log.get(), ["2", "1"]);
}

/// What is moved to another stack is closed there, and not here.
#[corio::test(start_paused = true)]
async fn acm_05_cleanups_may_be_moved_to_another_stack() {
    let log = Log::default();
    let ours = log.clone();
    let kept = CleanupStack::with(|stack| async move {
        for name in ["1", "2"] {
            let log = ours.clone();
            stack.push(move || log.slowly(name));
        }
        stack.pop_all()
    });
    let kept = kept.await;
    assert_eq!((log.get().len(), kept.len()), (0, 2));
    kept.close().await;
    assert_eq!((log.get(), kept.is_empty()), (vec!["2".to_owned(), "1".to_owned()], true));
}

/// A cleanup under way is left alone by a second request; a limit of its own ends it.
#[corio::test(start_paused = true)]
async fn acm_06_a_stack_is_closed_to_its_end() {
    let log = Log::default();
    let ours = log.clone();
    let user = spawn(CleanupStack::with(|stack| async move {
        for name in ["1", "2"] {
            let log = ours.clone();
            stack.push(move || async move {
                sleep(secs(5)).await;
                log.add(name);
            });
        }
        // Tasks that belong to the body end before anything is closed.
        let log = ours.clone();
        let _: Result<(), _> = task_group(|group: corio::TaskGroup| async move {
            drop(group.spawn(log.endless("a child")));
            pending().await
        })
        .await;
    }));
    log.entered(1).await;
    user.cancel();
    sleep(secs(1)).await;
    user.cancel();
    user.canceller().cancel();
    assert!(user.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["a child", "2", "1"]);

    let (log, start) = (Log::default(), Instant::now());
    let scope = CancelScope::new().deadline(start + secs(1)).cleanup_limit(secs(7));
    let stack = CleanupStack::new();
    for name in ["1", "2"] {
        let log = log.clone();
        stack.push(move || async move {
            sleep(secs(5)).await;
            log.add(name);
        });
    }
    let body = async move {
        let _stack = stack;
        pending::<()>().await;
    };
    assert_eq!(scope.run(body).await, None);
    assert_eq!((log.get(), start.elapsed()), (vec!["2".to_owned()], secs(8)));
}

/// What may be there or not is closed if it is there: a stack with nothing in it has nothing to do.
#[corio::test(start_paused = true)]
async fn acm_07_what_is_not_there_is_not_closed() {
    for resource in [None, Some("the resource")] {
        let log = Log::default();
        let ours = log.clone();
        CleanupStack::with(|stack| async move {
            if let Some(name) = resource {
                stack.push(move || ours.slowly(name));
            }
        })
        .await;
        assert_eq!(log.get().len(), usize::from(resource.is_some()));
    }
}

/// A connection is closed whether the time runs out while it is opened or while it is used.
#[corio::test]
async fn acm_08_a_connection_is_closed_when_the_time_is_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Serves one after the other, until one says something; the rest are to be closed.
    let server = spawn(async move {
        let mut closed = 0;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            match stream.read(&mut [0; 1]).await {
                Ok(1..) => return closed,
                // The end of the stream, or a reset.
                Ok(0) | Err(_) => closed += 1,
            }
        }
    });
    for round in 0..1000 {
        let used = async {
            let stream = TcpStream::connect(address).await.unwrap();
            // Nobody answers.
            let _ = stream.read(&mut [0; 1]).await;
        };
        // Without any time it is up while the connection is opened.
        let limit = Duration::from_micros(200 * (round % 2));
        assert!(timeout(limit, used).await.is_err());
    }
    let last = TcpStream::connect(address).await.unwrap();
    last.write_all(b"x").await.unwrap();
    let closed = timeout(LONG, server).await.unwrap().unwrap();
    assert!((1..=1000).contains(&closed), "{closed}");
    drop(last);
    assert_eq!(Handle::current().metrics().registrations, 0);
}
