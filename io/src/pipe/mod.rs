//! Pipes of the operating system: between tasks, to child processes, and whatever else can be waited for.
//!
//! *Which end do I hold?* Who reads holds a [`Receiver`], who writes a [`Sender`]. [`pipe()`] makes both;
//! [`Receiver::open`] and [`Sender::open`] open named pipes; and what std hands out (a child's standard
//! streams, a descriptor) is converted with `try_from`:
//!
//! ```
//! use std::process::{Command, Stdio};
//!
//! use corio_io::pipe::Receiver;
//!
//! # corio_runtime::run(async {
//! let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
//! let mut stdout = Receiver::try_from(child.stdout.take().unwrap())?;
//! let mut text = String::new();
//! stdout.read_to_string(&mut text).await?;
//! assert_eq!(text, "hello\n");
//! child.wait()?;
//! # Ok::<(), std::io::Error>(()) }).unwrap();
//! ```
//!
//! Within one program a [`duplex`](crate::duplex()) needs no descriptors.

mod end;
mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::Sender;

use std::io::Result;

/// Makes a pipe: what is written to the sender comes out of the receiver.
///
/// Neither end is inherited by child processes. The pipe holds as much as the system gives it (64 KiB on
/// Linux); a full one makes its writer wait, an empty one its reader.
///
/// # Errors
///
/// Those of the system: no descriptor is left.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let (mut sender, mut receiver) = corio_io::pipe()?;
/// sender.write_all(b"through the kernel").await?;
/// drop(sender);
///
/// let mut text = String::new();
/// receiver.read_to_string(&mut text).await?;
/// assert_eq!(text, "through the kernel");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("connect_read_pipe", "connect_write_pipe"))]
pub fn pipe() -> Result<(Sender, Receiver)> {
    let (read, write) = corio_runtime::sys::pipe()?;
    Ok((Sender::of_pipe(write), Receiver::of_pipe(read)))
}
