//! Several threads in one runtime.

use std::sync::Arc;
use std::time::Duration;

use corio_runtime::time::sleep;
use corio_runtime::{spawn, spawn_blocking, yield_now};

use crate::kit::{multi, single};

#[test]
fn foreign_threads_spawn() {
    for runtime in [single(), multi(1), multi(2)] {
        let handle = runtime.handle().clone();
        let threads: Vec<_> = (0..4)
            .map(|t| {
                let handle = handle.clone();
                std::thread::spawn(move || {
                    (0..500).map(|i| handle.spawn(async move { t * 1000 + i })).collect::<Vec<_>>()
                })
            })
            .collect();
        runtime.block_on(async {
            for (t, thread) in threads.into_iter().enumerate() {
                let tasks = spawn_blocking(move || thread.join().unwrap()).await.unwrap();
                for (i, task) in tasks.into_iter().enumerate() {
                    assert_eq!(task.await.unwrap(), t * 1000 + i);
                }
            }
        });
    }
}

#[test]
fn block_on_from_several_threads() {
    for runtime in [single(), multi(2)] {
        let runtime = Arc::new(runtime);
        let threads: Vec<_> = (0..6)
            .map(|i| {
                let runtime = runtime.clone();
                std::thread::spawn(move || {
                    for _ in 0..50 {
                        let got = runtime.block_on(async move {
                            sleep(Duration::from_micros(50)).await;
                            spawn(async move { i }).await.unwrap()
                        });
                        assert_eq!(got, i);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn tasks_go_on_after_block_on_where_there_are_workers() {
    let runtime = multi(2);
    let task = runtime.block_on(async {
        spawn(async {
            sleep(Duration::from_millis(5)).await;
            9
        })
    });
    assert_eq!(task.result_blocking(Duration::from_secs(20)).unwrap().unwrap(), 9);
}

#[test]
fn l11_a_runtime_ended_while_another_thread_is_in_block_on() {
    for runtime in [single(), multi(2)] {
        let handle = runtime.handle().clone();
        let (started, has_started) = std::sync::mpsc::channel();
        let (end, to_end) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            handle.block_on(async move {
                drop(spawn(std::future::pending::<()>()));
                yield_now().await;
                started.send(()).unwrap();
                // Blocks its thread: the drop below finds no core, and waits until this one ends.
                let _ = to_end.recv_timeout(Duration::from_secs(20));
            });
        });
        has_started.recv().unwrap();
        let ender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            end.send(()).unwrap();
        });
        drop(runtime);
        thread.join().unwrap();
        ender.join().unwrap();
    }
}
