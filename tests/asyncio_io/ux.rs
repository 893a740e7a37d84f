//! Unix sockets.

use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;

use corio::net::{Server, UnixListener, UnixStream, open_unix_connection, start_unix_server};

use crate::support::{SocketPath, echo};

/// A path may be text, a path, or bytes that are no text.
#[corio::test]
async fn ux_01_paths_of_every_kind() {
    use std::os::unix::ffi::OsStrExt;
    let path = SocketPath::new("ux01");
    let bytes = std::ffi::OsStr::from_bytes(path.0.as_os_str().as_bytes());
    for kind in 0..3 {
        let server = match kind {
            0 => start_unix_server(&path.0, echo).await.unwrap(),
            1 => start_unix_server(path.0.to_str().unwrap(), echo).await.unwrap(),
            _ => start_unix_server(bytes, echo).await.unwrap(),
        };
        let (mut reader, writer) = open_unix_connection(&path.0).await.unwrap();
        writer.write(b"hello").unwrap();
        assert_eq!(reader.read_exact(5).await.unwrap(), b"hello");
        drop(server);
    }
}

/// A socket that a dead server left is replaced; one that somebody serves is not.
#[corio::test]
async fn ux_02_a_socket_that_was_left_is_replaced() {
    let path = SocketPath::new("ux02");
    drop(UnixListener::bind(&path.0).unwrap());
    assert!(path.0.exists(), "it was left");
    let server = start_unix_server(&path.0, echo).await.unwrap();
    let error = start_unix_server(&path.0, echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    let (mut reader, writer) = open_unix_connection(&path.0).await.unwrap();
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x", "the first one serves still");
    drop(server);
}

/// A file that is no socket is in the way, and stays.
#[corio::test]
async fn ux_03_another_file_is_in_the_way() {
    let path = SocketPath::new("ux03");
    fs::write(&path.0, "precious").unwrap();
    let error = start_unix_server(&path.0, echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(path.0.to_str().unwrap()), "{error}");
    assert_eq!(fs::read_to_string(&path.0).unwrap(), "precious");
}

/// A server needs something to listen on.
#[corio::test]
async fn ux_04_a_server_needs_an_address() {
    let error = Server::builder().start_on_these(echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let error = start_unix_server("", echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

/// An error other than "in use" is what it was.
#[corio::test]
async fn ux_09_other_errors_are_what_they_were() {
    let error = start_unix_server("/nowhere/at/all/socket", echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("/nowhere/at/all/socket"), "{error}");
}

/// The file goes with the server; that it has gone already is no error.
#[corio::test]
async fn ux_10_11_the_file_goes_with_the_server() {
    let path = SocketPath::new("ux10");
    let server = start_unix_server(&path.0, echo).await.unwrap();
    assert!(path.0.exists());
    server.close();
    assert!(!path.0.exists());
    server.wait_closed().await;
    let server = start_unix_server(&path.0, echo).await.unwrap();
    fs::remove_file(&path.0).unwrap();
    server.close();
    server.wait_closed().await;
}

/// A file that is another server's by now stays.
#[corio::test]
async fn ux_12_anothers_file_stays() {
    let path = SocketPath::new("ux12");
    let first = start_unix_server(&path.0, echo).await.unwrap();
    let moved = SocketPath::new("ux12-moved");
    fs::rename(&path.0, &moved.0).unwrap();
    let second = start_unix_server(&path.0, echo).await.unwrap();
    first.close();
    assert!(path.0.exists());
    let (mut reader, writer) = open_unix_connection(&path.0).await.unwrap();
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
    drop(second);
}

/// The file stays if it is to stay.
#[corio::test]
async fn ux_13_the_file_may_stay() {
    let path = SocketPath::new("ux13");
    let server = Server::builder().cleanup_socket(false).start_unix(&path.0, echo).await.unwrap();
    server.close();
    server.wait_closed().await;
    assert!(path.0.exists());
}

/// The file of a listener that was made elsewhere goes, too.
#[corio::test]
async fn ux_14_the_file_of_a_listener_from_elsewhere_goes() {
    let path = SocketPath::new("ux14");
    let listener = UnixListener::bind(&path.0).unwrap();
    let server = Server::builder().also_from_unix(listener).start_on_these(echo).await.unwrap();
    let (mut reader, writer) = open_unix_connection(&path.0).await.unwrap();
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
    server.close();
    assert!(!path.0.exists());
}

/// An abstract name has no file.
#[corio::test]
async fn ux_15_an_abstract_name_has_no_file() {
    let name = format!("corio-ux15-{}", std::process::id());
    let addr = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&addr).unwrap();
    let server = Server::builder().also_from_unix(listener).start_on_these(echo).await.unwrap();
    let (mut reader, writer) = UnixStream::connect_addr(&addr).await.unwrap().into_streams();
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
    drop((reader, writer));
    server.close();
    server.wait_closed().await;
}

/// A client's peer is the server's path, and it has no name of its own.
#[corio::test]
async fn ux_16_a_clients_peer_is_the_path() {
    let path = SocketPath::new("ux16");
    let server = start_unix_server(&path.0, echo).await.unwrap();
    let (_reader, writer) = open_unix_connection(&path.0).await.unwrap();
    let stream = writer.unix_stream().unwrap();
    assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*path.0));
    assert!(stream.local_addr().unwrap().is_unnamed());
    assert!(server.local_addrs().is_empty(), "it has no address of the internet");
}

/// Permissions are those that were asked for, and credentials those of the peer.
#[corio::test]
async fn str_11_permissions_and_credentials() {
    let path = SocketPath::new("str11");
    let server = Server::builder().mode(0o600).start_unix(&path.0, echo).await.unwrap();
    assert_eq!(fs::metadata(&path.0).unwrap().permissions().mode() & 0o777, 0o600);
    let client = UnixStream::connect(&path.0).await.unwrap();
    let credentials = client.peer_credentials().unwrap();
    assert_eq!(credentials.pid, std::process::id());
    drop(server);
}
