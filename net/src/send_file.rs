//! Sending a file over a connection, without its bytes passing through the program where the system can.

use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use corio_runtime::reactor::Wait;

use crate::rt;
use crate::stream_core::HasCore;

/// How much is sent before other tasks have a turn.
const PART: u64 = 256 * 1024;

/// Sends `count` bytes of `file`, from `offset`, and tells how many: fewer if the file is shorter.
pub(crate) async fn send<S: HasCore + Sync>(
    stream: &S,
    file: &File,
    offset: u64,
    count: u64,
    wait: Wait,
) -> io::Result<u64> {
    let mut sent = 0;
    #[cfg(target_os = "linux")]
    while sent < count {
        match moved(stream, file, offset + sent, count - sent, wait).await {
            Ok(0) => return Ok(sent),
            Ok(moved) => sent += moved,
            // A file that the system cannot move from: it is copied.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    while sent < count {
        let part = read_part(file, offset + sent, count - sent).await?;
        if part.is_empty() {
            break;
        }
        stream.core().write_all(wait, &part).await?;
        sent += part.len() as u64;
    }
    Ok(sent)
}

/// Lets the system move some bytes.
#[cfg(target_os = "linux")]
async fn moved<S: HasCore + Sync>(
    stream: &S,
    file: &File,
    offset: u64,
    count: u64,
    wait: Wait,
) -> io::Result<u64> {
    use corio_runtime::reactor::Direction;
    use corio_runtime::sys::send_file;

    let part = count.min(PART) as usize;
    let moved = stream
        .core()
        .io()
        .io(Direction::Write, wait, |socket| send_file(socket.as_fd(), file.as_fd(), offset, part));
    Ok(moved.await? as u64)
}

/// Reads some bytes, at most `count`, on a thread for blocking calls. Empty at the end of the file.
pub(crate) async fn read_part(file: &File, offset: u64, count: u64) -> io::Result<Vec<u8>> {
    let file = file.try_clone()?;
    rt::blocking(move || {
        let mut part = vec![0; count.min(PART) as usize];
        let read = file.read_at(&mut part, offset)?;
        part.truncate(read);
        Ok(part)
    })
    .await
}
