//! What is done to a path.

use std::fs::{FileType, Metadata, Permissions};
use std::path::{Path, PathBuf};

use super::Call;

/// The functions with one path, which are std's on a thread for blocking calls.
macro_rules! on_one_path {
    ($(
        $(#[$doc:meta])*
        $name:ident($what:literal) -> $output:ty;
    )+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        #[doc = concat!("Those of [`std::fs::", stringify!($name), "`], with the path in the message.")]
        ///
        /// # Cancel safety
        ///
        /// Safe: see [`Call`].
        #[track_caller]
        pub fn $name(path: impl AsRef<Path>) -> Call<$output> {
            Call::on_path($what, path, |path| std::fs::$name(path))
        }
    )+};
}

/// The functions with two paths.
macro_rules! on_two_paths {
    ($(
        $(#[$doc:meta])*
        $name:ident($what:literal, $from:ident, $to:ident) -> $output:ty = $std:path;
    )+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        #[doc = concat!("Those of [`", stringify!($std), "`], with both paths in the message.")]
        ///
        /// # Cancel safety
        ///
        /// Safe: see [`Call`].
        #[track_caller]
        pub fn $name($from: impl AsRef<Path>, $to: impl AsRef<Path>) -> Call<$output> {
            let paths = [$from.as_ref(), $to.as_ref()];
            Call::on_paths($what, paths, |from, to| $std(from, to))
        }
    )+};
}

on_one_path! {
    /// Removes a file; other names of it stay.
    #[doc(alias = "unlink")]
    remove_file("remove the file") -> ();

    /// Removes an empty directory.
    #[doc(alias = "rmdir")]
    remove_dir("remove the directory") -> ();

    /// Removes a directory and everything in it.
    ///
    /// Symbolic links in it are removed and not followed, not even one that takes a directory's place
    /// while this runs.
    #[doc(alias = "rmtree")]
    remove_dir_all("remove everything in") -> ();

    /// Makes a directory, in one that exists.
    #[doc(alias = "mkdir")]
    create_dir("make the directory") -> ();

    /// Makes a directory and those above it that are missing.
    #[doc(alias = "makedirs")]
    create_dir_all("make the directory") -> ();

    /// Returns what a symbolic link points at.
    #[doc(alias = "readlink")]
    read_link("read the link") -> PathBuf;

    /// Returns the path from the root, without links and dots. It has to exist.
    #[doc(alias = "realpath")]
    canonicalize("find") -> PathBuf;

    /// Returns what is known about a file; of a symbolic link, about what it points at.
    #[doc(alias = "stat")]
    metadata("look at") -> Metadata;

    /// Returns what is known about a file, or about a symbolic link itself.
    #[doc(alias = "lstat")]
    symlink_metadata("look at") -> Metadata;

    /// Tells whether there is something at the path. That it cannot be told is an error.
    #[doc(alias = "try_exists")]
    exists("look for") -> bool;
}

on_two_paths! {
    /// Gives a file another path, replacing what is there. On one file system it happens at once.
    #[doc(alias = "replace")]
    rename("rename", from, to) -> () = std::fs::rename;

    /// Gives a file a second name.
    #[doc(alias = "link")]
    hard_link("link", original, link) -> () = std::fs::hard_link;

    /// Makes `link` a symbolic link that points at `original`.
    symlink("link", original, link) -> () = std::os::unix::fs::symlink;

    /// Copies the contents and the permissions of a file; returns how many bytes.
    ///
    /// What is at `to` is replaced. Where the system can, it copies by itself, or shares the blocks.
    #[doc(alias = "copyfile")]
    copy("copy", from, to) -> u64 = std::fs::copy;
}

/// Changes the permissions of a file; of what a symbolic link points at, not of the link.
///
/// # Errors
///
/// Those of [`std::fs::set_permissions`], with the path in the message.
///
/// # Cancel safety
///
/// Safe: see [`Call`].
#[doc(alias = "chmod")]
#[track_caller]
pub fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> Call<()> {
    Call::on_path("change the permissions of", path, |path| {
        std::fs::set_permissions(path, permissions)
    })
}

/// Tells whether there is a regular file at the path, or a link to one.
///
/// # Errors
///
/// Those of [`metadata`], but that nothing is there is an answer.
///
/// # Cancel safety
///
/// Safe: see [`Call`].
#[track_caller]
pub fn is_file(path: impl AsRef<Path>) -> Call<bool> {
    has_type(path, FileType::is_file)
}

/// Tells whether there is a directory at the path, or a link to one.
///
/// # Errors
///
/// Those of [`metadata`], but that nothing is there is an answer.
///
/// # Cancel safety
///
/// Safe: see [`Call`].
#[track_caller]
pub fn is_dir(path: impl AsRef<Path>) -> Call<bool> {
    has_type(path, FileType::is_dir)
}

#[track_caller]
fn has_type(path: impl AsRef<Path>, is: fn(&FileType) -> bool) -> Call<bool> {
    Call::on_path("look at", path, move |path| match std::fs::metadata(path) {
        Ok(metadata) => Ok(is(&metadata.file_type())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    })
}
