//! Tasks as text.

use std::future::pending;

use corio::introspect::{self, TaskInfo, TaskState};
use corio::{Promise, TaskError, finally, task};

use crate::common::LONG;

fn info(id: task::TaskId) -> TaskInfo {
    introspect::tasks().into_iter().find(|t| t.id == id).expect("the task is there")
}

/// The line of a task in the tree.
fn line(id: task::TaskId) -> String {
    let tree = introspect::tree();
    let of_task = format!("task {id} ");
    let line = tree.lines().find(|line| line.trim_start().starts_with(&of_task));
    line.unwrap_or_else(|| panic!("no task {id} in:\n{tree}")).trim().to_owned()
}

/// A task shows its name, its place in the source, what it is doing, and what it waits for.
#[corio::test]
async fn tsk_15_a_task_as_text() {
    let at = line!() + 1;
    let sleeper = task::Builder::new().name("sleeper").spawn(corio::sleep(LONG));
    let id = sleeper.id();
    let spawned = format!("spawned at {}:{at}:", file!());
    assert!(line(id).starts_with(&format!("task {id} \"sleeper\" {spawned}")), "{}", line(id));
    assert!(line(id).ends_with(", ready"), "{}", line(id));
    corio::yield_now().await;
    assert_eq!(info(id).state, TaskState::Waiting);
    assert!(line(id).contains(", waiting on sleep at "), "{}", line(id));
    sleeper.cancel();
    assert!(line(id).ends_with(", ready, cancelled"), "{}", line(id));

    let text = format!("{sleeper:?}");
    assert!(text.starts_with(&format!("Task {{ id: {id}, name: Some(\"sleeper\")")), "{text}");
    assert!(text.contains(&format!("{}:{at}:", file!())), "{text}");
    assert!(text.ends_with("finished: false }"), "{text}");
    corio::yield_now().await;
    assert!(format!("{sleeper:?}").ends_with("finished: true }"));
    let error: TaskError = sleeper.await.unwrap_err();
    assert_eq!(error.to_string(), format!("task {id} was cancelled"));
    assert!(introspect::tasks().iter().all(|t| t.id != id), "it is not listed any more");
}

/// A task that has been cancelled and cleans up is shown as that, and a failed one by its panic.
#[corio::test]
async fn tsk_15_a_task_that_ends_as_text() {
    let (cleaned, wait) = corio::sync::oneshot::channel::<()>();
    let task = corio::spawn(finally(pending::<()>(), || async { wait.await.unwrap() }));
    let id = task.id();
    corio::yield_now().await;
    task.cancel();
    corio::yield_now().await;
    assert!(line(id).contains(", closing, cancelled, waiting on "), "{}", line(id));
    cleaned.send(()).unwrap();
    assert!(task.await.unwrap_err().is_cancelled());

    let task = corio::spawn(async { panic!("number {}", 7) });
    let id = task.id();
    let error = task.await.map(|(): ()| ()).unwrap_err();
    assert_eq!(error.to_string(), format!("task {id} panicked: number 7"));
}

/// A ring of references is no trouble for what prints it: a task waits for a promise, and a callback
/// of the promise has the promise, and a way to cancel the task.
#[corio::test]
async fn tsk_16_a_ring_of_references_is_printed() {
    let promise = Promise::<()>::new();
    let task = corio::spawn(promise.wait());
    let (canceller, own) = (task.canceller(), promise.clone());
    let callback = promise.on_done(move |_| {
        canceller.cancel();
        drop(own);
    });
    corio::yield_now().await;
    let texts = format!("{task:?} {promise:?} {callback:?} {}", introspect::dump());
    assert!(texts.len() < 2000, "{texts}");
    assert!(texts.contains("waiting on promise"), "{texts}");
    // The callback has the promise that has the callback.
    assert!(callback.remove());
    task.cancel();
}
