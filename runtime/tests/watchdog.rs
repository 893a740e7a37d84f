//! Long polls and panics that nobody awaits are reported.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use corio_runtime::runtime::Builder;
use corio_runtime::{spawn, task, yield_now};

#[test]
fn a_long_poll_is_reported_once_with_its_task() {
    for builder in [Builder::new_current_thread(), Builder::new_multi_thread().worker_threads(2)] {
        let (reports, reported) = mpsc::channel();
        let runtime = builder
            .blocking_threshold(Duration::from_millis(5))
            .on_long_poll(move |poll| reports.send((poll.id, poll.spawned_at.line())).unwrap())
            .build()
            .unwrap();
        runtime.block_on(async {
            for _ in 0..100 {
                yield_now().await;
            }
            let task = spawn(async move {
                // Long until it is noticed.
                let id = task::current().id();
                let start = Instant::now();
                let mut hits = 0;
                while hits == 0 && start.elapsed() < Duration::from_secs(20) {
                    hits = reported.try_iter().filter(|(of, _)| *of == id).count();
                    std::thread::sleep(Duration::from_millis(1));
                }
                std::thread::sleep(Duration::from_millis(30));
                hits + reported.try_iter().filter(|(of, _)| *of == id).count()
            });
            assert_eq!(task.await.unwrap(), 1);
        });
    }
}

#[test]
fn a_panic_that_nobody_awaits_is_reported_with_name_and_place() {
    let (reports, reported) = mpsc::channel();
    let runtime = Builder::new_current_thread()
        .on_panic(move |panic| {
            reports.send((panic.name.map(str::to_owned), panic.spawned_at.file())).unwrap();
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        drop(task::Builder::new().name("lost").spawn(async { panic!("as planned") }));
        let awaited = spawn(async { panic!("as planned") });
        let error = awaited.await.map(|(): ()| ()).unwrap_err();
        assert!(error.is_panic());
    });
    drop(runtime);
    let all: Vec<_> = reported.iter().collect();
    assert_eq!(all, [(Some("lost".to_owned()), file!())]);
}
