//! context variables in tasks.

use std::sync::mpsc;

use corio::task::ContextVars;
use corio::{Handle, Promise, context_var, spawn, spawn_blocking, yield_now};

use crate::common::{LONG, single};

context_var! {
    static WHO: &'static str = "nobody";
    static PRECISION: usize = 6;
}

/// A task has a copy of the context as it was when it was spawned: nobody sees what others set later.
#[corio::test]
async fn ctx_01_a_task_has_a_copy_of_the_context() {
    WHO.set("parent");
    let [a, b] = ["a", "b"].map(|name| {
        spawn(async move {
            let seen = WHO.get();
            WHO.set(name);
            yield_now().await;
            (seen, WHO.get())
        })
    });
    WHO.set("parent, later");
    assert_eq!((a.await.unwrap(), b.await.unwrap()), (("parent", "a"), ("parent", "b")));
    assert_eq!(WHO.get(), "parent, later");
}

/// What a task sets stays across its waits, whatever runs in between.
#[corio::test]
async fn ctx_02_what_is_set_stays_across_waits() {
    let tasks = ["a", "b", "c"].map(|name| {
        spawn(async move {
            WHO.set(name);
            for _ in 0..10 {
                yield_now().await;
                assert_eq!(WHO.get(), name);
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(WHO.get(), "nobody");
}

/// A future that is awaited without a task of its own shares the context of who awaits it.
#[corio::test]
async fn ctx_03_an_awaited_future_shares_the_context() {
    async {
        yield_now().await;
        WHO.set("inside");
    }
    .await;
    assert_eq!(WHO.get(), "inside");
}

/// A task, a call, a callback and a whole runtime may be given a context.
#[corio::test]
async fn ctx_04_a_context_may_be_given() {
    WHO.set("given");
    let given = ContextVars::capture();
    WHO.set("here");
    let task = given.run(|| spawn(async { WHO.get() }));
    assert_eq!(task.await.unwrap(), "given");
    assert_eq!(spawn(given.wrap(async { WHO.get() })).await.unwrap(), "given");
    assert_eq!(given.run(|| spawn_blocking(|| WHO.get())).await.unwrap(), "given");
    let (send, called) = mpsc::channel();
    let done = send.clone();
    given.run(|| Handle::current().call_soon(move || send.send(WHO.get()).unwrap()));
    let task = spawn(async { WHO.set("the task's") });
    given.run(|| task.on_done(move || done.send(WHO.get()).unwrap()));
    task.await.map(drop).unwrap();
    yield_now().await;
    assert_eq!(called.iter().collect::<Vec<_>>(), ["given", "given"]);
    let main = std::thread::spawn(move || given.run(|| single().block_on(async { WHO.get() })));
    assert_eq!((main.join().unwrap(), WHO.get()), ("given", "here"));
}

/// Two tasks with the same context: each has a copy. What they are to share is a value with a lock.
#[corio::test]
async fn ctx_05_tasks_with_the_same_context_have_copies_of_it() {
    let given = ContextVars::capture();
    let first = spawn(given.wrap(async { WHO.set("first") }));
    first.await.map(drop).unwrap();
    let second = spawn(given.wrap(async { WHO.get() }));
    assert_eq!((second.await.unwrap(), given.is_empty()), ("nobody", true));
}

/// What serves a connection has the context in which the server was started.
#[corio::test]
async fn ctx_06_a_server_serves_in_the_context_of_its_start() {
    use corio::net::{TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    WHO.set("starter");
    let server = spawn(async move {
        let (_stream, _) = listener.accept().await.unwrap();
        spawn(async { WHO.get() }).await.unwrap()
    });
    WHO.set("client");
    let _client = TcpStream::connect(address).await.unwrap();
    assert_eq!(corio::timeout(LONG, server).await.unwrap().unwrap(), "starter");
}

/// A blocking call has a copy of the context.
#[corio::test]
async fn ctx_07_a_blocking_call_has_a_copy_of_the_context() {
    WHO.set("caller");
    let call = spawn_blocking(|| {
        // What a call spawns inherits from the call.
        let seen = WHO.get();
        WHO.set("call");
        (seen, Handle::current().spawn(async { WHO.get() }))
    });
    let (seen, task) = call.await.unwrap();
    assert_eq!((seen, task.await.unwrap(), WHO.get()), ("caller", "call", "caller"));
}

/// A task that is polled within its spawn has a copy of the context, too.
#[corio::test]
async fn ctx_09_a_task_that_starts_at_once_has_a_copy_too() {
    WHO.set("parent");
    let child = corio::task::Builder::new().eager(true).spawn(async {
        let seen = WHO.get();
        WHO.set("child");
        seen
    });
    assert_eq!((WHO.get(), child.await.unwrap()), ("parent", "parent"));
}

/// Many waits for callbacks that set variables leave the task's own alone.
#[corio::test]
async fn ctx_10_callbacks_do_not_disturb_the_context() {
    WHO.set("ours");
    for _ in 0..100 {
        let promise = Promise::new();
        let theirs = promise.clone();
        Handle::current().call_soon(move || {
            WHO.set("the callback's");
            theirs.set(()).unwrap();
        });
        promise.wait().await.unwrap();
        assert_eq!(WHO.get(), "ours");
    }
}

/// A hundred tasks compute with a precision of their own each.
#[corio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctx_11_a_hundred_tasks_have_a_hundred_precisions() {
    async fn third() -> String {
        yield_now().await;
        format!("{:.*}", PRECISION.get(), 1.0 / 3.0)
    }
    let tasks: Vec<_> = (0..100)
        .map(|digits| {
            spawn(async move {
                PRECISION.set(digits);
                third().await
            })
        })
        .collect();
    for (digits, task) in tasks.into_iter().enumerate() {
        let text = task.await.unwrap();
        assert_eq!(text.split('.').nth(1).map_or(0, str::len), digits, "{text}");
    }
}
