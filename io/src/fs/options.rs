//! How a file is opened.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{Call, File};

/// How a file is to be opened: std's [`OpenOptions`](std::fs::OpenOptions), whose `open` waits for the
/// system without holding up the thread.
///
/// # Examples
///
/// ```
/// use corio_io::fs::{self, OpenOptions};
///
/// # corio_runtime::run(async {
/// let dir = fs::temp::dir().await?;
/// let path = dir.path().join("log");
/// for line in ["one\n", "two\n"] {
///     let mut log = OpenOptions::new().append(true).create(true).open(&path).await?;
///     log.write_all(line.as_bytes()).await?;
///     log.close().await?;
/// }
/// assert_eq!(fs::read_to_string(&path).await?, "one\ntwo\n");
/// dir.close().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions(std::fs::OpenOptions);

/// The setters, which are std's.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, yes: bool) -> &mut Self {
            self.0.$name(yes);
            self
        }
    )+};
}

impl OpenOptions {
    /// Nothing set: at least one of `read`, `write` and `append` has to be.
    pub fn new() -> Self {
        Self(std::fs::OpenOptions::new())
    }

    setters! {
        /// Opens it for reading.
        read;
        /// Opens it for writing.
        write;
        /// Opens it for writing at its end, wherever the position is.
        append;
        /// Empties it. Needs `write`.
        truncate;
        /// Makes it if it is missing. Needs `write` or `append`.
        create;
        /// Makes it, and fails if there is something, in one step.
        create_new;
    }

    /// The permissions of a file that is made, before the system takes the `umask` off; 0o666 by default.
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.0.mode(mode);
        self
    }

    /// Further flags for the system's `open`.
    pub fn custom_flags(&mut self, flags: i32) -> &mut Self {
        self.0.custom_flags(flags);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::OpenOptions::open`], with the path in the message.
    ///
    /// # Cancel safety
    ///
    /// Safe: the file may have been made, and is closed again.
    #[track_caller]
    pub fn open(&self, path: impl AsRef<Path>) -> Call<File> {
        let options = self.0.clone();
        Call::on_path("open", path, move |path| Ok(File::opened(options.open(path)?, Some(path))))
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl From<std::fs::OpenOptions> for OpenOptions {
    fn from(options: std::fs::OpenOptions) -> Self {
        Self(options)
    }
}
