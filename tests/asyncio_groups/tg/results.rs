//! Results and plain errors.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use corio::structured::FailureKind;
use corio::sync::Event;
use corio::time::Instant;
use corio::{GroupError, TaskGroup, catch_cancel, sleep, spawn, task_group, yield_now};

use crate::common::Log;
use crate::kit::{
    Group, Oops, PanicsOnDrop, cleans_up_for, errors, fails_after, fails_at, forever, goes_on_for,
    is_left_alone, ms, poll_now,
};

/// The values of children are there when their group has ended.
#[corio::test(start_paused = true)]
async fn tg_01_the_values_of_children_outlast_their_group() {
    let (one, two) = task_group(|group: Group| async move {
        let one = group.spawn(async {
            sleep(ms(1)).await;
            Ok(42)
        });
        let two = group.spawn(async {
            sleep(ms(2)).await;
            Ok(11)
        });
        sleep(ms(3)).await;
        Ok((one, two))
    })
    .await
    .unwrap();
    assert!(one.is_finished() && two.is_finished());
    assert_eq!((one.await.unwrap(), two.await.unwrap()), (42, 11));
}

/// Children that take longer than the body are waited for.
#[corio::test(start_paused = true)]
async fn tg_02_children_that_outlast_the_body_are_waited_for() {
    let log = Log::default();
    let theirs = log.clone();
    let start = Instant::now();
    task_group(|group: Group| async move {
        drop(group.spawn(async move {
            sleep(ms(10)).await;
            theirs.add("child");
        }));
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(log.get(), ["child"]);
    assert!(start.elapsed() >= ms(10));
}

/// The body may use what its children give.
#[corio::test]
async fn tg_03_the_body_awaits_its_children() {
    let sum = task_group(|group: Group| async move {
        let children = [1, 2, 3].map(|i| {
            group.spawn(async move {
                yield_now().await;
                Ok(i)
            })
        });
        let mut sum = 0;
        for child in children {
            sum += child.await.unwrap();
        }
        assert!(group.is_empty());
        Ok(sum)
    })
    .await;
    assert_eq!(sum.unwrap(), 6);
}

/// A child's failure cancels its siblings, whose cleanups run, and nobody else.
#[corio::test(start_paused = true)]
async fn tg_04_a_failure_cancels_the_siblings_and_not_the_parent() {
    let log = Log::default();
    let theirs = log.clone();
    let error = task_group(|group: Group| async move {
        drop(group.spawn(fails_after(1, "a")));
        drop(group.spawn(cleans_up_for::<()>(5, theirs, "b")));
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(errors(&error), ["a"]);
    assert_eq!(error.failures().len(), 1);
    assert_eq!(log.get(), ["b"]);
    assert!(is_left_alone().await);
}

/// A failure ends a body that waits for something else, at once.
#[corio::test(start_paused = true)]
async fn tg_05_a_failure_ends_a_body_that_waits_for_something_else() {
    let start = Instant::now();
    let error = task_group(|group: Group| async move {
        drop(group.spawn(fails_after(1, "child")));
        sleep(ms(10_000)).await;
        Ok(())
    })
    .await
    .unwrap_err();
    assert!(start.elapsed() < ms(10_000));
    assert_eq!(errors(&error), ["child"]);
    assert!(is_left_alone().await);
}

/// A body that panics while it is dropped for a child's failure: the panic leaves alone, after all.
#[corio::test(start_paused = true)]
async fn tg_10_18_a_panic_of_the_body_leaves_alone_when_all_children_are_done() {
    let log = Log::default();
    let theirs = log.clone();
    let parent = spawn(task_group(|group: Group| async move {
        drop(group.spawn(fails_after(1, "child")));
        drop(group.spawn(cleans_up_for::<()>(5, theirs, "sibling")));
        let _guard = PanicsOnDrop("body");
        forever::<Result<(), _>>().await
    }));
    let payload = parent.await.map(drop).unwrap_err().into_panic();
    assert_eq!(payload.downcast_ref(), Some(&"body"));
    assert_eq!(log.get(), ["sibling"]);
}

/// Nothing in the body can hold its end up when a child has failed.
#[corio::test(start_paused = true)]
async fn tg_11_a_body_does_not_carry_on_after_a_failure() {
    let log = Log::default();
    let theirs = log.clone();
    let error = task_group(|group: Group| async move {
        drop(group.spawn(fails_after(1, "child")));
        let _ = catch_cancel(sleep(ms(100))).await;
        theirs.add("carried on");
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(errors(&error), ["child"]);
    assert_eq!(log.get(), Vec::<String>::new());
    assert!(is_left_alone().await);
}

/// The text of the error has a heading, and a line for each failure; its source is the first.
#[corio::test(start_paused = true)]
async fn tg_12_the_error_of_a_group_as_text() {
    let group = TaskGroup::<Oops>::new();
    drop(group.spawn(async {
        goes_on_for(1).await;
        Err::<(), _>(Oops("b"))
    }));
    drop(group.builder().name("first").spawn(async { Err::<(), _>(Oops("a")) }));
    let error = group.join().await.unwrap_err();
    let text = error.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[0], "2 failures in a task group:");
    assert!(lines[1].ends_with("\"first\": a") && lines[2].ends_with(": b"), "{text}");
    // Errors of this type are known to the group's users only.
    assert_eq!(error.failures()[0].error(), Some(&Oops("a")));
    assert!(error.source().is_none());
}

type AnyError = Box<dyn Error + Send + Sync>;

/// Three ways to fail with `?`: into a box, whatever the errors of the group are.
async fn fails_with<E>(error: E) -> Result<(), Box<dyn Error>>
where
    E: fmt::Debug + fmt::Display + Send + 'static,
{
    task_group(|group: TaskGroup<E>| async move {
        drop(group.spawn(async { Err::<(), _>(error) }));
        Ok(())
    })
    .await?;
    unreachable!("a child has failed")
}

/// The error of a group is one also where the errors in it are boxes, texts, or of the user's making.
#[corio::test]
async fn tg_12_the_error_of_a_group_goes_into_a_box() {
    let io = io::Error::other("disk full");
    let texts = [
        fails_with(io).await,
        fails_with::<AnyError>("disk full".into()).await,
        fails_with("disk full".to_owned()).await,
        fails_with(Oops("disk full")).await,
    ];
    for (i, text) in texts.into_iter().enumerate() {
        let error = text.unwrap_err();
        assert!(error.to_string().ends_with(": disk full"), "{error}");
        // What is known to be an error is the source.
        assert_eq!(
            error.source().map(ToString::to_string),
            (i < 2).then(|| "disk full".to_owned())
        );
    }
    let error = fails_with::<AnyError>(io::Error::from(io::ErrorKind::NotFound).into()).await;
    let error = error.unwrap_err().downcast::<GroupError<AnyError>>().unwrap();
    assert_eq!(io::Error::from(*error).kind(), io::ErrorKind::NotFound);
}

/// One error of the caller's own type: the first, if there is one, else the panic goes on, as that of a call
/// would.
#[corio::test]
async fn tg_16_one_error_of_many() {
    async fn failing(panics: bool, errs: bool) -> Result<(), &'static str> {
        task_group(|group: Group| async move {
            let builder = || group.builder().eager(true);
            if panics {
                builder().spawn(async { std::panic::panic_any("panicked") });
            }
            if errs {
                builder().spawn(async { Err::<(), _>("failed") });
            }
            Ok(())
        })
        .await
        .map_err(GroupError::into_error)
    }
    assert_eq!(failing(false, false).await, Ok(()));
    assert_eq!(failing(false, true).await, Err("failed"));
    let panic = spawn(failing(true, false)).await.unwrap_err();
    assert_eq!(panic.into_panic().downcast_ref::<&str>(), Some(&"panicked"));
    let cancelled = task_group(|group: Group| async move {
        let child = group.spawn(forever::<()>());
        group.cancel();
        child.await.map_err(|_| "never told")
    });
    let error = cancelled.await.unwrap_err();
    assert!(error.is_cancelled());
    let panic = std::panic::catch_unwind(|| error.into_error()).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("it was cancelled"));
}

/// Its alternate form shows the errors in theirs.
#[corio::test]
async fn tg_12_the_alternate_form_is_passed_on() {
    struct Caused;
    impl fmt::Display for Caused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(if f.alternate() { "no answer: cable cut" } else { "no answer" })
        }
    }
    for count in [1, 2] {
        let group = TaskGroup::<Caused>::new();
        for _ in 0..count {
            drop(group.builder().eager(true).spawn(async { Err::<(), _>(Caused) }));
        }
        let error = group.join().await.unwrap_err();
        assert!(error.to_string().ends_with(": no answer"), "{error}");
        assert_eq!(
            format!("{error:#}").matches(": no answer: cable cut").count(),
            error.failures().len()
        );
    }
}

/// Of a group that fails inside the body of another that fails in the same moment, only the outer tells.
#[corio::test(start_paused = true)]
async fn tg_14_an_inner_and_an_outer_child_fail_at_once() {
    for outer_first in [false, true] {
        let log = Log::default();
        let (theirs, gate) = (log.clone(), Arc::new(Event::new()));
        let error = task_group(|outer: Group| async move {
            let spawn_outer = || drop(outer.spawn(fails_at(gate.clone(), "outer")));
            let (gate, spawn_outer) = (&gate, &spawn_outer);
            if outer_first {
                spawn_outer();
                yield_now().await;
            }
            let inner = task_group(|inner: Group| async move {
                drop(inner.spawn(fails_at(gate.clone(), "inner")));
                yield_now().await;
                if !outer_first {
                    spawn_outer();
                    yield_now().await;
                }
                sleep(ms(1)).await;
                gate.set();
                forever::<Result<(), _>>().await
            })
            .await;
            theirs.add(format!("{inner:?}"));
            forever::<Result<(), _>>().await
        })
        .await
        .unwrap_err();
        assert_eq!(errors(&error), ["outer"]);
        assert_eq!(log.get(), Vec::<String>::new(), "the body does not go on between the two");
        assert!(is_left_alone().await);
    }
}

/// A group's error that is a child's error stays whole, and its lines are further in.
#[corio::test(start_paused = true)]
async fn tg_15_a_group_error_within_a_group_error_is_not_flattened() {
    type Any = Box<dyn Error + Send + Sync>;
    let error = task_group(|outer: TaskGroup<Any>| async move {
        let inner = task_group(|inner: TaskGroup<Oops>| async move {
            drop(inner.spawn(async {
                goes_on_for(1).await;
                Err::<(), _>(Oops("b"))
            }));
            drop(inner.spawn(async { Err::<(), _>(Oops("a")) }));
            Ok(())
        });
        drop(outer.spawn(async {
            goes_on_for(1).await;
            Err::<(), Any>(Oops("c").into())
        }));
        drop(outer.spawn(async { inner.await.map_err(Any::from) }));
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(error.failures().len(), 2);
    let inner = error.failures()[0].error().unwrap().downcast_ref::<GroupError<Oops>>().unwrap();
    assert_eq!(errors(inner), [Oops("a"), Oops("b")]);
    let text = error.to_string();
    let depth = |line: &str| line.len() - line.trim_start().len();
    assert_eq!(text.lines().map(depth).collect::<Vec<_>>(), [0, 2, 6, 6, 2], "{text}");
}

/// Errors and panics are told apart, and a panic is a failure like any other.
#[corio::test(start_paused = true)]
async fn tg_16_17_a_panic_is_one_of_the_failures() {
    let log = Log::default();
    let group = Group::new();
    drop(group.spawn(fails_after(1, "a")));
    drop(group.spawn(cleans_up_for::<()>(5, log.clone(), "sibling")));
    drop(group.spawn(async {
        goes_on_for(1).await;
        drop(PanicsOnDrop("b"));
    }));
    let failures = group.join().await.unwrap_err().into_failures();
    assert_eq!(log.get(), ["sibling"]);
    assert_eq!(failures.len(), 2);
    let mut kinds = failures.into_iter().map(|failure| failure.into_kind());
    assert!(matches!(kinds.next(), Some(FailureKind::Error("a"))));
    match kinds.next() {
        Some(FailureKind::Panic(payload)) => {
            assert_eq!(payload.into_inner().downcast_ref(), Some(&"b"));
        }
        other => panic!("{other:?}"),
    }
}

/// A group without children ends in its first poll, and needs no runtime for that.
#[test]
fn tg_19_an_empty_group_ends_at_once() {
    let group = pin!(task_group(|_: Group| async { Ok(7) }));
    assert!(matches!(poll_now(group), Poll::Ready(Ok(7))));
    assert!(matches!(poll_now(pin!(Group::new().join())), Poll::Ready(Ok(()))));
}

/// A group whose children are all done does not wait.
#[corio::test]
async fn tg_20_children_that_are_done_are_not_waited_for() {
    let group = Group::new();
    let child = group.spawn(async { Ok(1) });
    drop(group.spawn(async {}));
    assert_eq!(child.await.unwrap(), 1);
    yield_now().await;
    assert!(group.is_empty());
    assert!(matches!(poll_now(pin!(group.join())), Poll::Ready(Ok(()))));
}
