//! What the tests of sockets share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::future::Future;
use std::io;
use std::time::Duration;

use corio_net::{TcpListener, TcpStream};
use corio_runtime::runtime::Builder;

/// Far longer than anything here takes: a test that reaches it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs `test` on one thread, and on several.
#[track_caller]
pub(crate) fn on_both<F: Future<Output = io::Result<()>>>(test: impl Fn() -> F) {
    for builder in [Builder::new_current_thread(), Builder::new_multi_thread().worker_threads(2)] {
        let runtime = builder.build().unwrap();
        runtime
            .block_on(async { corio_runtime::time::timeout(LONG, test()).await.unwrap().unwrap() });
    }
}

/// Two ends of one TCP connection.
pub(crate) async fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (server, _) = listener.accept().await?;
    Ok((client, server))
}

/// Raises the limit of open descriptors as far as it goes and returns it.
pub(crate) fn raise_descriptor_limit() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live value of the type that the calls read and write.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

/// Lets this process have `count` descriptors.
pub(crate) fn limit_descriptors(count: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live value of the type that the calls read and write.
    let result = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = count;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit)
    };
    assert_eq!(result, 0);
}

/// How many sockets this process has open.
pub(crate) fn open_sockets() -> usize {
    let is = |entry: io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.ok()?.path()).ok()?;
        target.to_str()?.starts_with("socket:").then_some(())
    };
    std::fs::read_dir("/proc/self/fd").unwrap().filter_map(is).count()
}

/// The environment variable that tells a test that it is the child of itself.
const CHILD: &str = "CORIO_NET_TEST_CHILD";

/// Whether this process was started by [`child`].
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// This test program again, to run only the test `name`.
pub(crate) fn child(name: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    command
}
