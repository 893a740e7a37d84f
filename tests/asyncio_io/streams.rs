//! Readers, writers and servers together.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use corio::net::{
    ConnectOptions, IncompleteRead, LimitOverrun, Server, open_connection, start_server,
};

use crate::cc::nobody;
use crate::support::{
    LONG, consumed, cut, echo, echo_server, fed, fed_with_limit, holding, settle, tcp,
};

/// A server and a client in a few lines each; a thousand connections, one after the other.
#[corio::test]
async fn str_01_an_echo_server_in_a_few_lines() {
    let server = start_server("127.0.0.1:0", |mut reader, writer| async move {
        while let line @ [_, ..] = &*reader.read_line().await? {
            writer.write_all(line).await?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let before = corio::runtime::Handle::current().metrics().registrations;
    for _ in 0..1000 {
        let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
        writer.write(b"hello\n").unwrap();
        assert_eq!(reader.read_line().await.unwrap(), b"hello\n");
    }
    while server.clients() > 0 {
        corio::yield_now().await;
    }
    // Each side has to hear of the other's end.
    let settled = async {
        while corio::runtime::Handle::current().metrics().registrations > before + 1 {
            corio::yield_now().await;
        }
    };
    corio::timeout(LONG, settled).await.unwrap();
}

/// Seven bytes and a line feed pass a limit of seven, eight do not; the next line is readable.
#[corio::test]
async fn str_02_the_limit_of_a_line() {
    let (writer, mut reader) = fed_with_limit(7);
    writer.write(b"1234567\n12345678\nnext\n").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"1234567\n");
    assert!(LimitOverrun::of(&reader.read_line().await.unwrap_err()).is_some());
    assert_eq!(reader.read_line().await.unwrap(), b"next\n");
}

/// The earliest end wins, a separator in two parts is found, an overrun takes nothing.
#[corio::test]
async fn str_03_several_separators() {
    let (writer, mut reader) = fed();
    writer.write(b"head\r").unwrap();
    let task = corio::spawn(async move { (reader.read_until(b"\r\n\r\n").await, reader) });
    settle().await;
    writer.write(b"\n\r\nbody").unwrap();
    let (head, mut reader) = task.await.unwrap();
    assert_eq!(head.unwrap(), b"head\r\n\r\n");
    assert_eq!(reader.read_until_any(&[b"y", b"dy"]).await.unwrap(), b"body");
    reader.read_until(b"").await.unwrap_err();
    reader.set_limit(2).unwrap();
    writer.write(b"too much").unwrap();
    assert_eq!(consumed(&reader.read_until(b"!").await.unwrap_err()), 8);
    assert_eq!(reader.buffer(), b"too much");
}

/// A read that is cut short has what came, and how much was wanted; nothing is there at once, at the end too.
#[corio::test]
async fn str_04_a_read_cut_short() {
    let mut reader = holding(b"eighteen bytes abc");
    assert_eq!(reader.read_exact(0).await.unwrap(), b"");
    let error = reader.read_exact(36).await.unwrap_err();
    assert_eq!(cut(&error), (b"eighteen bytes abc".to_vec(), Some(36)));
    assert_eq!(reader.read_exact(0).await.unwrap(), b"");
    assert!(IncompleteRead::of(&io::Error::other("another")).is_none());
}

/// Ten drains end together, a drain of a lost connection is an error, a write after close, too.
#[corio::test]
async fn str_05_drains_of_many() {
    let ((_r, writer), (mut reader, _w)) = crate::support::narrow_tcp().await;
    let writer = Arc::new(writer);
    writer.write(&vec![0; 8 << 20]).unwrap();
    let drains: Vec<_> = (0..10)
        .map(|_| {
            let writer = writer.clone();
            corio::spawn(async move { writer.drain().await })
        })
        .collect();
    settle().await;
    let reading = corio::spawn(async move { reader.read_exact(8 << 20).await.map(|_| reader) });
    for drain in drains {
        drain.await.unwrap().unwrap();
    }
    drop(reading.await.unwrap().unwrap());
    writer.close();
    writer.write(b"x").unwrap_err();
    writer.drain().await.unwrap_err();
}

/// Whatever read is cancelled, its bytes are still there.
#[corio::test]
async fn str_06_cancelled_reads_take_nothing() {
    let (writer, mut reader) = fed();
    let mut cx = Context::from_waker(Waker::noop());
    for part in [&b"ab"[..], b"cd", b"ef", b"gh", b"ij"] {
        writer.write(part).unwrap();
        assert!(pin!(reader.read_exact(100)).poll(&mut cx).is_pending());
        assert!(pin!(reader.read_line()).poll(&mut cx).is_pending());
        assert!(pin!(reader.read_until(b"!")).poll(&mut cx).is_pending());
        assert!(pin!(reader.read_until_any(&[b"!", b"?"])).poll(&mut cx).is_pending());
        assert!(pin!(reader.read_to_end()).poll(&mut cx).is_pending());
    }
    assert_eq!(reader.buffer(), b"abcdefghij");
    // A write whose task is cancelled has been written, whole.
    writer.write(b"whole\n").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"abcdefghijwhole\n");
}

/// Either side may end and still hear the other.
#[corio::test]
async fn str_07_either_side_may_end_first() {
    let ((mut reader, writer), (mut far_reader, far_writer)) = tcp().await;
    far_writer.write_eof().unwrap();
    assert_eq!(reader.read(1).await.unwrap(), b"");
    writer.write(b"late").unwrap();
    writer.write_eof().unwrap();
    assert_eq!(far_reader.read_to_end().await.unwrap(), b"late");
}

/// A handler's error is told with the peer, once; the others go on.
#[corio::test]
async fn str_08_a_handlers_error_is_told_once() {
    let (sender, told) = std::sync::mpsc::channel();
    let server = Server::builder()
        .on_error(move |name, error| sender.send(format!("{name}: {error}")).unwrap())
        .start(
            "127.0.0.1:0",
            |mut reader, _writer| async move { reader.read_exact(3).await.map(drop) },
        )
        .await
        .unwrap();
    let addr = server.local_addrs()[0];
    let (_r, good) = open_connection(addr).await.unwrap();
    let (reader, bad) = open_connection(addr).await.unwrap();
    let name = bad.local_addr().unwrap().to_string();
    bad.write(b"no").unwrap();
    drop((reader, bad));
    while server.clients() != 1 {
        corio::yield_now().await;
    }
    good.write(b"yes").unwrap();
    while server.clients() > 0 {
        corio::yield_now().await;
    }
    let line = told.recv().unwrap();
    assert!(line.contains(&name) && line.contains("2 of 3 bytes"), "{line}");
    assert!(told.try_recv().is_err());
}

/// A server in a group ends with it.
#[corio::test]
async fn str_09_a_server_ends_with_its_group() {
    let group = corio::TaskGroup::<io::Error>::new();
    let addr = group
        .start(|ready| async move {
            let server = echo_server().await;
            ready.set(server.local_addrs()[0]);
            server.serve_forever().await
        })
        .await;
    let (mut reader, writer) = open_connection(addr).await.unwrap();
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
    group.cancel();
    group.join().await.unwrap();
    assert_eq!(reader.read(1).await.unwrap(), b"");
    open_connection(addr).await.unwrap_err();
}

/// From an address of one's own, to whichever of several answers; the error has every attempt.
#[corio::test]
async fn str_12_connecting_from_here_to_one_of_several() {
    let server = echo_server().await;
    let addrs = [nobody().await, server.local_addrs()[0]];
    let options = ConnectOptions::new().local_addr("127.0.0.1:0").unwrap().happy_eyeballs(true);
    let (_r, writer) = options.clone().open(addrs).await.unwrap();
    assert_eq!(writer.peer_addr().unwrap(), addrs[1]);
    let gone = [nobody().await, nobody().await];
    let error = options.open(gone).await.unwrap_err().to_string();
    assert!(gone.iter().all(|addr| error.contains(&addr.to_string())), "{error}");
}

/// A file goes over a connection, behind what was written, and as much of it as there is.
#[corio::test]
async fn a_file_goes_over_a_connection() {
    let path = std::env::temp_dir().join(format!("corio-file-{}", std::process::id()));
    let data: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(&path, &data).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let (far, near) = corio::io::duplex(1000);
    let pairs = [tcp().await, (corio::net::stream_pair(near), corio::net::stream_pair(far))];
    for ((_r, writer), (mut reader, _w)) in pairs {
        let sending = async {
            writer.write(b"head").unwrap();
            assert_eq!(writer.send_file(&file, 10, 2_000_000).await.unwrap(), 999_990);
            assert_eq!(writer.send_file(&file, 2_000_000, 1).await.unwrap(), 0);
            writer.write(b"tail").unwrap();
            writer.write_eof().unwrap();
            assert!(writer.send_file(&file, 0, 1).await.is_err());
        };
        let (received, ()) = corio::join!(reader.read_to_end(), sending);
        let received = received.unwrap();
        assert!(received == [b"head", &data[10..], b"tail"].concat());
    }
}

/// A supervisor's sockets are taken, with their names, and served.
#[test]
fn sockets_of_a_supervisor_are_served() {
    const TEST: &str = "streams::sockets_of_a_supervisor_are_served";
    if std::env::var_os("LISTEN_FDS").is_none() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let mut child = std::process::Command::new("sh")
            .args(["-c", "exec 3<&0 </dev/null; export LISTEN_PID=$$; exec \"$@\"", "sh"])
            .arg(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture"])
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDNAMES", "web")
            .stdin(std::os::fd::OwnedFd::from(listener))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The connection waits in the socket until the service is there.
        let mut client = std::net::TcpStream::connect(addr).unwrap();
        client.set_read_timeout(Some(LONG)).unwrap();
        io::Write::write_all(&mut client, b"hello").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut client, &mut text).unwrap();
        assert_eq!(text, "hello");
        drop(client);
        assert!(child.wait().unwrap().success());
        return;
    }
    corio::run(async {
        let mut sockets = corio::net::handed_over().unwrap();
        assert!(corio::net::handed_over().unwrap().is_empty(), "they are taken once");
        let (name, socket) = sockets.remove(0);
        assert_eq!(name, "web");
        let corio::net::HandedOver::Tcp(listener) = socket else { panic!("{socket:?}") };
        let served = Arc::new(corio::sync::Event::new());
        let handler = {
            let served = served.clone();
            move |reader, writer| {
                served.set();
                echo(reader, writer)
            }
        };
        let server = Server::builder().also_from(listener).start_on_these(handler).await.unwrap();
        served.wait().await;
        server.close();
        server.wait_closed().await;
    });
}
