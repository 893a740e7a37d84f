//! Virtual time that stands still because there is always something to run.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use corio_runtime::reactor::{Direction, Registered};
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::{spawn, spawn_blocking, yield_now};

/// Far more turns than it takes.
const TURNS: usize = 1_000_000;

fn paused() -> Runtime {
    Builder::new_current_thread().start_paused(true).build().unwrap()
}

/// A main future that only gives way does not keep the other tasks from their sockets.
#[test]
fn a_loop_of_yields_keeps_nobody_from_io() {
    paused().block_on(async {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let io = Registered::new(ours);
        let reading = spawn(async move {
            let mut byte = [0];
            loop {
                io.readable().await.unwrap();
                match io.try_io(Direction::Read, |mut socket| socket.read(&mut byte)) {
                    Ok(count) => return count,
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
                }
            }
        });
        yield_now().await;
        theirs.write_all(b"x").unwrap();
        for _ in 0..TURNS {
            if reading.is_finished() {
                break;
            }
            yield_now().await;
        }
        assert!(reading.is_finished(), "nobody has looked at the socket");
        assert_eq!(reading.await.unwrap(), 1);
    });
}

/// Nor from what other threads send.
#[test]
fn a_loop_of_yields_keeps_nobody_from_a_blocking_call() {
    paused().block_on(async {
        let calling = spawn(async { spawn_blocking(|| 7).await.unwrap() });
        let mut turns = 0;
        while !calling.is_finished() && turns < 10 * TURNS {
            turns += 1;
            yield_now().await;
        }
        assert!(calling.is_finished(), "nobody has looked into the mailbox");
        assert_eq!(calling.await.unwrap(), 7);
    });
}
