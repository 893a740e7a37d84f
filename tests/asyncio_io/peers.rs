//! Programs of others on the other side: Python's asyncio, both ways.

use std::process::{Command, Stdio};

use corio::net::open_connection;

use crate::support::{LONG, echo_server};

/// The interpreter, if there is one that knows asyncio.
fn python() -> Option<&'static str> {
    let asks =
        Command::new("python3").args(["-c", "import asyncio"]).stderr(Stdio::null()).status();
    if asks.is_ok_and(|status| status.success()) {
        return Some("python3");
    }
    println!("notice: there is no python3 with asyncio, so nothing was tried against it");
    None
}

/// asyncio's client against our server: lines, a large block, and a half-close.
#[test]
fn asyncios_client_talks_to_our_server() {
    const CLIENT: &str = r#"
import asyncio, sys

async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    for i in range(100):
        writer.write(b"line %d\n" % i)
        await writer.drain()
        assert await reader.readline() == b"line %d\n" % i
    block = bytes(range(256)) * 4096
    writer.write(block)
    assert await reader.readexactly(len(block)) == block
    writer.write(b"the end")
    writer.write_eof()
    assert await reader.read() == b"the end"
    writer.close()
    await writer.wait_closed()

asyncio.run(asyncio.wait_for(main(), 60))
"#;
    let Some(python) = python() else { return };
    corio::run(async {
        let server = echo_server().await;
        let port = server.local_addrs()[0].port().to_string();
        let client = corio::spawn_blocking(move || {
            Command::new(python).args(["-c", CLIENT, &port]).status().unwrap()
        });
        assert!(client.await.unwrap().success());
        server.close();
        corio::timeout(LONG, server.wait_closed()).await.unwrap();
    });
}

/// Our client against asyncio's server.
#[test]
fn our_client_talks_to_asyncios_server() {
    const SERVER: &str = r#"
import asyncio

async def main():
    done = asyncio.Event()

    async def handle(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.write(b"bye")
        writer.close()
        await writer.wait_closed()
        done.set()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await done.wait()

asyncio.run(asyncio.wait_for(main(), 60))
"#;
    let Some(python) = python() else { return };
    let mut server =
        Command::new(python).args(["-c", SERVER]).stdout(Stdio::piped()).spawn().unwrap();
    let mut port = String::new();
    let stdout = server.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut port).unwrap();
    let port: u16 = port.trim().parse().unwrap();
    corio::run(async {
        let (mut reader, writer) = open_connection(("127.0.0.1", port)).await.unwrap();
        for number in 0..100 {
            writer.write(format!("line {number}\n").as_bytes()).unwrap();
            let expected = format!("LINE {number}\n");
            assert_eq!(reader.read_line().await.unwrap(), expected.as_bytes());
        }
        writer.write_eof().unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), b"bye");
        writer.close();
        writer.wait_closed().await.unwrap();
    });
    assert!(server.wait().unwrap().success());
}
