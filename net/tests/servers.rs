//! Servers: who waits for their end outside any task, and where introspection says they come from.

#![allow(clippy::async_yields_async, reason = "futures are taken out of the runtime on purpose")]

mod common;

use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use common::on_both;
use corio_net::{Server, StreamReader, StreamWriter, open_connection, start_server};
use corio_runtime::introspect::tasks;
use corio_runtime::runtime::Builder;
use corio_runtime::structured::finally;
use corio_runtime::time::sleep;
use corio_sync::prim::Mutex;

type Log = Arc<Mutex<Vec<&'static str>>>;

/// A server with a connection whose handler cleans up, and a cleanup around the whole.
fn around_a_server(log: &Log) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send>> {
    let (handlers, outer) = (log.clone(), log.clone());
    let handler = move |_: StreamReader, _: StreamWriter| {
        let (begun, ended) = (handlers.clone(), handlers.clone());
        let body = async move {
            begun.lock().push("begun");
            pending::<()>().await;
        };
        finally(body, move || async move {
            sleep(Duration::from_millis(50)).await;
            ended.lock().push("handler");
        })
    };
    let body = async move {
        let server = start_server("127.0.0.1:0", handler).await?;
        let client = open_connection(server.local_addrs()[0]).await?;
        pending::<()>().await;
        drop((client, server));
        Ok(())
    };
    Box::pin(finally(body, move || async move { outer.lock().push("outer") }))
}

/// What is around a server is cleaned up after its handlers, also where no runtime is entered.
#[test]
fn a_server_that_is_dropped_outside_any_task_is_waited_for() {
    for on_plain_thread in [false, true] {
        for builder in
            [Builder::new_current_thread(), Builder::new_multi_thread().worker_threads(2)]
        {
            let runtime = builder.build().unwrap();
            let log = Log::default();
            let work = runtime.block_on(async {
                let mut work = around_a_server(&log);
                while log.lock().is_empty() {
                    let polled = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
                    assert!(polled.is_pending());
                    sleep(Duration::from_millis(1)).await;
                }
                work
            });
            if on_plain_thread {
                std::thread::spawn(move || drop(work)).join().unwrap();
            } else {
                drop(work);
            }
            drop(runtime);
            assert_eq!(*log.lock(), ["begun", "handler", "outer"]);
        }
    }
}

/// The tasks of a server are shown as spawned where the user started it.
#[test]
fn the_tasks_of_a_server_show_where_it_was_started() {
    on_both(|| async {
        let handler = |_: StreamReader, _: StreamWriter| pending::<()>();
        let plain = start_server("127.0.0.1:0", handler).await?;
        let built = Server::builder().start("127.0.0.1:0", handler).await?;
        let line = line!() - 1;
        let clients =
            [open_connection(plain.local_addrs()[0]), open_connection(built.local_addrs()[0])];
        let [one, two] = clients;
        let clients = (one.await?, two.await?);
        while plain.clients() + built.clients() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
        // An acceptor and a handler of each.
        for line in [line - 1, line] {
            let at = tasks().into_iter().map(|task| task.spawned_at);
            let count = at.filter(|at| (at.file(), at.line()) == (file!(), line)).count();
            assert_eq!(count, 2);
        }
        drop(clients);
        Ok(())
    });
}
