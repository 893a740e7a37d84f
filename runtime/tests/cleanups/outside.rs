//! What is dropped outside any task is cleaned up by its runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{CleanupStack, TaskGroup, TaskSet, finally, task_group, using};
use corio_runtime::time::sleep;
use corio_runtime::{spawn_blocking, yield_now};

use crate::kit::{Log, ms, multi, pending, settle};
use crate::support::{begin, in_child_process, runtimes, said_by};
use crate::variables::REQUEST;

/// A call's closure cannot wait: what it drops is cleaned up by the runtime.
#[test]
fn what_a_blocking_call_drops_is_cleaned_up_by_the_runtime() {
    for runtime in runtimes() {
        let log = Log::default();
        runtime.block_on(async {
            let mut guarded = Box::pin(log.guarded("late", ms(5)));
            begin(&mut guarded).await;
            spawn_blocking(move || drop(guarded)).await.unwrap();
        });
        drop(runtime);
        assert_eq!(log.get(), ["late"]);
    }
}

/// A stack that was filled in a runtime is closed there, wherever it is dropped.
#[test]
fn a_stack_that_is_dropped_outside_any_task_is_closed_in_its_runtime() {
    for how in ["stack", "popped", "closing"] {
        for runtime in runtimes() {
            let log = Log::default();
            let theirs = log.clone();
            let stack = runtime.block_on(async move {
                let stack = CleanupStack::new();
                REQUEST.set(5);
                for name in ["first", "second"] {
                    let log = theirs.clone();
                    stack.push(move || async move {
                        sleep(ms(2)).await;
                        log.add(format!("{name} {}", REQUEST.get()));
                    });
                }
                stack
            });
            match how {
                "stack" => drop(stack),
                "popped" => drop(stack.pop_all()),
                _ => drop(stack.close()),
            }
            drop(runtime);
            assert_eq!(log.get(), ["second 5", "first 5"], "{how}");
        }
    }
}

/// Something that ends when its children have, with a cleanup of its own around it.
fn around_children(what: &str, log: &Log) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let (child, outer) = (log.guarded("child", ms(20)), log.clone());
    let cleanup = move || async move { outer.add("outer") };
    match what {
        "task_group" => {
            let group = task_group(|group: TaskGroup| async move {
                group.spawn(child);
                pending::<Result<(), _>>().await
            });
            Box::pin(finally(async { drop(group.await) }, cleanup))
        }
        "owned group" => {
            let body = async {
                let group = TaskGroup::<()>::with_limit(1);
                group.spawn(child);
                pending::<()>().await;
                drop(group);
            };
            Box::pin(finally(body, cleanup))
        }
        "set" => {
            let body = async |_: &mut Log| {
                let mut set = TaskSet::new();
                set.spawn(child);
                pending::<()>().await;
            };
            Box::pin(using(log.clone(), body, |outer| async move { outer.add("outer") }))
        }
        _ => unreachable!("there is no {what}"),
    }
}

const WITH_CHILDREN: [&str; 3] = ["task_group", "owned group", "set"];

/// Children are waited for by what is around them also where no task drops it, and no runtime is entered.
#[test]
fn outside_any_task_children_are_cleaned_up_before_what_is_around_them() {
    for what in WITH_CHILDREN {
        for on_plain_thread in [false, true] {
            for runtime in runtimes() {
                let log = Log::default();
                let work = runtime.block_on(async {
                    let mut work = around_children(what, &log);
                    begin(&mut work).await;
                    settle().await;
                    work
                });
                if on_plain_thread {
                    std::thread::spawn(move || drop(work)).join().unwrap();
                } else {
                    drop(work);
                }
                drop(runtime);
                assert_eq!(log.get(), ["child", "outer"], "{what}");
            }
        }
    }
}

/// A line tells of cleanups that are lost, and of nothing else.
#[test]
fn only_of_cleanups_that_are_lost_it_is_said_so() {
    const NAME: &str = "outside::only_of_cleanups_that_are_lost_it_is_said_so";
    if !in_child_process() {
        let said = said_by(NAME);
        let lines: Vec<_> = said.lines().filter_map(|l| l.strip_prefix("corio: ")).collect();
        assert_eq!(lines.len(), 3, "{said}");
        for (line, count) in lines.iter().zip(["1", "2", "1"]) {
            let text = format!("{count} cleanup(s) were dropped without running: their runtime is");
            assert!(line.starts_with(&text), "{said}");
        }
        return;
    }
    // Nothing is lost while there is a runtime.
    for what in WITH_CHILDREN {
        for runtime in runtimes() {
            let mut work = around_children(what, &Log::default());
            runtime.block_on(async {
                begin(&mut work).await;
                settle().await;
            });
            drop(work);
        }
    }
    // Without one a cleanup is lost; the end of children, which have ended with the runtime, is not.
    let [runtime, _] = runtimes();
    let log = Log::default();
    let mut guarded = Box::pin(log.guarded("late", ms(1)));
    let mut around = around_children("task_group", &log);
    let (group, stack) = runtime.block_on(async {
        begin(&mut guarded).await;
        begin(&mut around).await;
        let group = TaskGroup::<()>::new();
        group.spawn(log.guarded("child", ms(1)));
        let stack = CleanupStack::new();
        stack.push(|| async {});
        stack.push(|| async {});
        settle().await;
        (group, stack)
    });
    drop(runtime);
    drop(group);
    drop(guarded);
    drop(stack);
    drop(around);
}

#[test]
fn a_cleanup_dropped_outside_any_task_goes_to_the_runtime() {
    let log = Log::default();
    let runtime = multi(2);
    let mut work = Box::pin(finally(pending::<()>(), log.cleanup("clean")));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(work.as_mut().poll(&mut cx).is_pending());
    let guard = runtime.enter();
    drop(work);
    drop(guard);
    drop(runtime);
    assert_eq!(log.get(), ["clean"]);
}

/// Outside any task a cleanup goes to the runtime on which its body ran, at the latest before that ends.
#[test]
fn a_body_that_is_dropped_on_a_thread_without_a_runtime_is_cleaned_up_by_its_own() {
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ] {
        let (cleaned, is_cleaned) = std::sync::mpsc::channel();
        let mut work = Box::pin(finally(std::future::pending::<()>(), move || async move {
            yield_now().await;
            cleaned.send(()).unwrap();
        }));
        runtime.block_on(std::future::poll_fn(|cx| {
            assert!(work.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        }));
        std::thread::spawn(move || drop(work)).join().unwrap();
        drop(runtime);
        assert!(is_cleaned.try_recv().is_ok(), "it ran before the runtime had ended");
    }
}

/// A runtime that has been shut down runs nothing, also where a handle keeps it.
#[test]
fn a_cleanup_that_comes_after_the_shutdown_is_told_and_dropped() {
    const NAME: &str = "outside::a_cleanup_that_comes_after_the_shutdown_is_told_and_dropped";
    if !in_child_process() {
        let said = said_by(NAME);
        let lines: Vec<_> = said.lines().filter_map(|l| l.strip_prefix("corio: ")).collect();
        assert_eq!(lines.len(), 6, "{said}");
        for line in lines {
            let text =
                "1 cleanup(s) were dropped without running: their runtime has ended; drop what";
            assert!(line.starts_with(text), "{said}");
        }
        return;
    }
    for how in ["drop", "timeout", "background"] {
        for runtime in runtimes() {
            let handle = runtime.handle().clone();
            let log = Log::default();
            let alive = Arc::new(());
            let held = alive.clone();
            let cleanup = move || async move { drop(held) };
            let mut guarded = Box::pin(finally(pending::<()>(), cleanup));
            runtime.block_on(begin(&mut guarded));
            match how {
                "drop" => drop(runtime),
                "timeout" => runtime.shutdown_timeout(ms(60_000)),
                _ => runtime.shutdown_background(),
            }
            drop(guarded);
            assert_eq!(Arc::strong_count(&alive), 1, "{how}: it is dropped at once");
            assert_eq!(handle.metrics().tasks, 0);
            drop(handle);
            assert!(log.get().is_empty());
        }
    }
}

/// While the runtime shuts down it still takes what a thread leaves to it.
#[test]
fn a_cleanup_that_comes_while_a_blocking_call_is_waited_for_runs() {
    for runtime in runtimes() {
        let log = Log::default();
        let mut guarded = Box::pin(log.guarded("late", ms(1)));
        runtime.block_on(begin(&mut guarded));
        let (begun, begins) = std::sync::mpsc::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let call = runtime.spawn_blocking(move || {
            begun.send(()).unwrap();
            ends.recv().unwrap();
        });
        begins.recv().unwrap();
        let handle = runtime.handle().clone();
        let other = std::thread::spawn(move || {
            // Until the shutdown has begun: then tasks are cancelled at birth.
            while handle.block_on(handle.spawn(async {})).is_ok() {
                std::thread::yield_now();
            }
            drop(guarded);
            end.send(()).unwrap();
        });
        drop(runtime);
        other.join().unwrap();
        drop(call);
        assert_eq!(log.get(), ["late"]);
    }
}
