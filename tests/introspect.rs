//! What is my program waiting for? Every task says so, with the place in the source.

mod common;

use std::sync::Arc;

use common::{LONG, on_all};
use corio::introspect::{self, TaskInfo, TaskState};
use corio::sync::Mutex;

/// Waits until the task `name` waits for a `kind`.
async fn waits_for(name: &str, kind: &str) -> TaskInfo {
    loop {
        let task = introspect::tasks().into_iter().find(|task| task.name.as_deref() == Some(name));
        if let Some(task) = task {
            if task.waiting_on.is_some_and(|wait| wait.kind == kind) {
                return task;
            }
        }
        corio::yield_now().await;
    }
}

fn named(name: &str, future: impl Future<Output = ()> + Send + 'static) -> corio::Task<()> {
    corio::task::Builder::new().name(name).spawn(future)
}

#[test]
fn a_waiting_task_says_for_what_and_where() {
    on_all(|| async {
        let sleeper = named("sleeper", async { corio::sleep(LONG * 60).await });
        let here = line!() - 1;
        let task = waits_for("sleeper", "sleep").await;
        let wait = task.waiting_on.unwrap();
        assert_eq!((wait.at.file(), wait.at.line()), (file!(), here));
        assert_eq!((task.spawned_at.file(), task.id), (file!(), sleeper.id()));
        assert_eq!(task.state, TaskState::Waiting);
        sleeper.cancel();
        assert!(sleeper.await.is_err());
        let left = introspect::tasks();
        assert!(left.iter().all(|task| task.name.as_deref() != Some("sleeper")), "{left:?}");
    });
}

#[test]
fn a_lock_names_its_holder_and_an_awaited_task_its_name() {
    on_all(|| async {
        let lock = Arc::new(Mutex::new(()));
        let theirs = lock.clone();
        let holder = named("holder", async move {
            let _held = theirs.lock().await;
            corio::sleep(LONG * 60).await;
        });
        waits_for("holder", "sleep").await;
        let waiter = named("waiter", async move { drop(lock.lock().await) });
        let task = waits_for("waiter", "mutex").await;
        assert_eq!(task.waiting_on.unwrap().who, Some(holder.id()));

        let tree = introspect::tree();
        for part in ["holder", "waiter", "mutex", "sleep", "tests/introspect.rs"] {
            assert!(tree.contains(part), "{part} is not in\n{tree}");
        }
        assert!(!introspect::dump().is_empty());
        holder.cancel();
        waiter.await.unwrap();
        assert!(holder.await.is_err());
    });
}

#[test]
fn a_task_that_cleans_up_is_closing() {
    on_all(|| async {
        let (go, wait_for_it) = corio::sync::oneshot::channel::<()>();
        let task = named(
            "closing",
            corio::finally(corio::sleep(LONG * 60), move || async move {
                let _ = wait_for_it.await;
            }),
        );
        waits_for("closing", "sleep").await;
        task.cancel();
        loop {
            let tasks = introspect::tasks();
            let found = tasks.iter().find(|task| task.name.as_deref() == Some("closing")).unwrap();
            if found.state == TaskState::Closing {
                break;
            }
            corio::yield_now().await;
        }
        go.send(()).unwrap();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
