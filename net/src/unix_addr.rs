//! Unix addresses on their way to the system: exact, or an error.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use socket2::SockAddr;

use crate::error::invalid;

/// What an address can be, in the words of an error.
pub(crate) fn shown(addr: &SocketAddr) -> String {
    if let Some(path) = addr.as_pathname() {
        return path.display().to_string();
    }
    match abstract_name(addr) {
        Some(name) => format!("@{}", name.escape_ascii()),
        None => "(unnamed)".to_owned(),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(addr: &SocketAddr) -> Option<&[u8]> {
    std::os::linux::net::SocketAddrExt::as_abstract_name(addr)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_: &SocketAddr) -> Option<&[u8]> {
    None
}

/// Checks a path, and names what is wrong with it.
pub(crate) fn from_path(path: &Path) -> io::Result<SocketAddr> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() {
        return Err(invalid("the path of a Unix socket is empty"));
    }
    if bytes.contains(&0) {
        return Err(invalid(format_args!(
            "the path of a Unix socket, {path:?}, contains a NUL: for an abstract name make an address \
             with `SocketAddr::from_abstract_name`"
        )));
    }
    SocketAddr::from_pathname(path).map_err(|_| {
        invalid(format_args!(
            "the path of a Unix socket, {}, is {} bytes long, which the system cannot take: use a \
             shorter one (107 bytes on Linux), or one that is relative",
            path.display(),
            bytes.len()
        ))
    })
}

/// The address as socket2 has it.
pub(crate) fn to_socket2(addr: &SocketAddr) -> io::Result<SockAddr> {
    if let Some(path) = addr.as_pathname() {
        return SockAddr::unix(path);
    }
    match abstract_name(addr) {
        // In the system's form an abstract name begins with a NUL.
        Some(name) => {
            let raw = [b"\0", name].concat();
            SockAddr::unix(OsStr::from_bytes(&raw))
        }
        None => Err(invalid("an unnamed Unix address cannot be bound or connected to")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;

    #[test]
    fn n17_paths_are_taken_exactly_or_refused() {
        for bad in ["", "a\0b", "\0abstract", &"x".repeat(108), &"x".repeat(10_000)] {
            let error = from_path(Path::new(bad)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{bad:?}");
        }
        assert!(from_path(Path::new(&"x".repeat(108))).unwrap_err().to_string().contains("108"));
        for good in ["a", "/tmp/ü", &"x".repeat(107)] {
            let addr = from_path(Path::new(good)).unwrap();
            assert_eq!(shown(&addr), good);
            let there = to_socket2(&addr).unwrap();
            assert_eq!(there.as_pathname(), Some(Path::new(good)));
        }
    }

    #[test]
    fn n17_abstract_names_keep_their_bytes() {
        for name in [&b"plain"[..], b"with\0nul", b"", &[b'x'; 107]] {
            let addr = SocketAddr::from_abstract_name(name).unwrap();
            let there = to_socket2(&addr).unwrap();
            assert_eq!(there.as_abstract_namespace(), Some(name));
        }
    }
}
