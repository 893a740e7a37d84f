//! Unix sockets as their users see them.

mod common;

use std::io;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::on_both;
use corio_net::{UnixDatagram, UnixListener, UnixStream};
use corio_runtime::spawn;
use corio_sync::prim::statics::AtomicU32;
use corio_sync::prim::{Ordering, thread};

/// A path of this test's own, removed at its end.
struct Path(PathBuf);

impl Path {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Ordering: Relaxed, only the numbers must differ.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("corio-net-{}-{number}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn an_echo_over_a_path() {
    on_both(|| async {
        let path = Path::new();
        let listener = UnixListener::bind(&path.0)?;
        assert_eq!(listener.local_addr()?.as_pathname(), Some(path.0.as_path()));
        let serving = spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut buffer = vec![0; 4096];
            loop {
                match stream.read(&mut buffer).await? {
                    0 => return io::Result::Ok(()),
                    count => stream.write_all(&buffer[..count]).await?,
                }
            }
        });
        let client = UnixStream::connect(&path.0).await?;
        assert_eq!(client.peer_addr()?.as_pathname(), Some(path.0.as_path()));
        let (reader, writer) = client.into_split();
        let sent: Vec<u8> = (0..500_000_u32).map(|i| i as u8).collect();
        let expected = sent.clone();
        let writing = spawn(async move { writer.write_all(&sent).await.map(|()| writer) });
        let mut received = vec![0; expected.len()];
        reader.read_exact(&mut received).await?;
        assert!(received == expected);
        let writer = writing.await.unwrap()?;
        drop(reader.reunite(writer).unwrap());
        serving.await.unwrap()
    });
}

#[test]
fn errors_name_the_path() {
    on_both(|| async {
        let path = Path::new();
        let shown = path.0.display().to_string();
        let error = UnixStream::connect(&path.0).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains(&shown), "{error}");

        drop(UnixListener::bind(&path.0)?);
        // The file stays, nobody listens.
        let error = UnixStream::connect(&path.0).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = UnixListener::bind(&path.0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&shown), "{error}");
        let long = "x".repeat(200);
        let error = UnixListener::bind(&long).unwrap_err();
        assert!(error.to_string().contains("200 bytes"), "{error}");
        assert_eq!(UnixDatagram::bind(&path.0).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        Ok(())
    });
}

#[test]
fn the_permissions_are_there_before_the_name() {
    let path = Path::new();
    let watched = path.0.clone();
    let done = Arc::new(AtomicU32::new(0));
    let watcher = thread::spawn({
        let done = done.clone();
        move || {
            let mut seen = 0;
            // Ordering: Acquire, pairs with the Release below.
            while done.load(Ordering::Acquire) == 0 {
                if let Ok(metadata) = std::fs::metadata(&watched) {
                    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
                    seen += 1;
                }
            }
            seen
        }
    });
    for _ in 0..2000 {
        let listener = UnixListener::options().mode(0o600).backlog(4).bind(&path.0).unwrap();
        let mode = std::fs::metadata(&path.0).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(listener);
        std::fs::remove_file(&path.0).unwrap();
    }
    // Ordering: Release, pairs with the Acquire above.
    done.store(1, Ordering::Release);
    watcher.join().unwrap();
}

#[test]
fn n09_a_full_queue_makes_connect_wait() {
    on_both(|| async {
        let path = Path::new();
        let listener = UnixListener::options().backlog(0).bind(&path.0)?;
        let mut waiting = Vec::new();
        // One fits; the system decides how many more.
        let limit = Duration::from_millis(50);
        while let Ok(connected) =
            corio_runtime::time::timeout(limit, UnixStream::connect(&path.0)).await
        {
            waiting.push(connected?);
        }
        let late = spawn(UnixStream::connect(path.0.clone()));
        for _ in 0..=waiting.len() {
            listener.accept().await?;
        }
        late.await.unwrap()?;
        Ok(())
    });
}

#[test]
fn n17_an_abstract_name_makes_the_round_trip() {
    on_both(|| async {
        let name = format!("corio\0net{}", std::process::id());
        let addr = SocketAddr::from_abstract_name(&name)?;
        let listener = UnixListener::bind_addr(&addr)?;
        assert_eq!(listener.local_addr()?.as_abstract_name(), Some(name.as_bytes()));
        let client = UnixStream::connect_addr(&addr).await?;
        let (server, peer) = listener.accept().await?;
        assert!(peer.is_unnamed());
        assert_eq!(client.peer_addr()?.as_abstract_name(), Some(name.as_bytes()));
        assert!(server.peer_addr()?.is_unnamed());
        let error = UnixListener::bind_addr(&addr).unwrap_err();
        assert!(error.to_string().contains("@corio\\x00net"), "{error}");
        Ok(())
    });
}

#[test]
fn r07_a_message_with_a_descriptor_does_not_hide_the_bytes_behind_it() {
    /// Sends `data` with a copy of the standard error's descriptor.
    fn send_with_descriptor(socket: &std::os::unix::net::UnixStream, data: &[u8]) {
        // A cmsghdr and one descriptor, padded to the alignment of the header.
        let mut control = Vec::new();
        let header = size_of::<libc::cmsghdr>();
        control.extend_from_slice(&(header + size_of::<i32>()).to_ne_bytes());
        control.extend_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
        control.extend_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
        control.extend_from_slice(&2_i32.to_ne_bytes());
        control.resize(control.len().next_multiple_of(align_of::<libc::cmsghdr>()), 0);
        let data = [io::IoSlice::new(data)];
        let message = socket2::MsgHdr::new().with_buffers(&data).with_control(&control);
        socket2::SockRef::from(socket).sendmsg(&message, 0).unwrap();
    }
    on_both(|| async {
        let (a, b) = UnixStream::pair()?;
        let a = a.into_std();
        let reading = spawn(async move {
            let mut received = Vec::new();
            while received.len() < 9 {
                let mut buffer = [0; 64];
                let count = b.read(&mut buffer).await?;
                received.extend_from_slice(&buffer[..count]);
            }
            io::Result::Ok(received)
        });
        corio_runtime::yield_now().await;
        std::io::Write::write_all(&mut &a, b"abc")?;
        send_with_descriptor(&a, b"def");
        std::io::Write::write_all(&mut &a, b"ghi")?;
        assert_eq!(reading.await.unwrap()?, b"abcdefghi");
        Ok(())
    });
}

#[test]
fn datagrams_over_paths_and_pairs() {
    on_both(|| async {
        let (here, there) = (Path::new(), Path::new());
        let a = UnixDatagram::bind(&here.0)?;
        let b = UnixDatagram::bind(&there.0)?;
        a.send_to(b"one", &there.0).await?;
        let mut buffer = [0; 16];
        let (len, from) = b.recv_from(&mut buffer).await?;
        assert_eq!((&buffer[..len], from.as_pathname()), (&b"one"[..], Some(here.0.as_path())));
        b.connect(&here.0)?;
        b.send(b"two").await?;
        assert_eq!(a.recv_datagram().await?.data, b"two");
        let error = a.send_to(b"", here.0.with_extension("none")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains(".none"), "{error}");
        let unnamed = UnixDatagram::unbound()?;
        unnamed.send_to_addr(b"three", &a.local_addr()?).await?;
        assert_eq!(a.recv_datagram().await?.data, b"three");

        // A full queue makes the sender wait.
        let (left, right) = UnixDatagram::pair()?;
        let sending = spawn(async move {
            for i in 0..500_u32 {
                left.send(&i.to_le_bytes()).await?;
            }
            io::Result::Ok(())
        });
        for i in 0..500_u32 {
            assert_eq!(right.recv_datagram().await?.data, i.to_le_bytes());
        }
        sending.await.unwrap()
    });
}

#[test]
fn sockets_go_to_std_and_come_back() {
    on_both(|| async {
        let path = Path::new();
        let listener = std::os::unix::net::UnixListener::bind(&path.0)?;
        let listener = UnixListener::try_from(listener)?;
        let client = std::os::unix::net::UnixStream::connect(&path.0)?;
        let (server, _) = listener.accept().await?;
        let client = UnixStream::try_from(client)?;
        client.write_all(b"x").await?;
        server.read_exact(&mut [0; 1]).await?;
        let raw = server.as_raw_fd();
        let server: std::os::unix::net::UnixStream = server.into();
        assert_eq!(server.as_raw_fd(), raw);
        let _listener: std::os::unix::net::UnixListener = listener.into();
        let (a, _b) = UnixDatagram::pair()?;
        UnixDatagram::try_from(std::os::unix::net::UnixDatagram::from(a))?;
        Ok(())
    });
}
