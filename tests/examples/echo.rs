//! The echo server and its client.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::program::{Server, check_echo, output, text};

#[test]
fn the_echo_server_survives_a_reset_and_ends_on_ctrl_c() {
    let mut server = Server::start("echo-server", &["127.0.0.1:0"]);
    let mut client = server.connect();
    check_echo(&mut client, b"hello");
    let large: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
    check_echo(&mut client, &large);

    // Closing with unread input resets the connection.
    let mut rude = server.connect();
    rude.write_all(b"bye").unwrap();
    rude.peek(&mut [0; 3]).unwrap();
    drop(rude);

    let load = ["--connections", "10", "--size", "100", "--seconds", "1"];
    let client_program = output("echo-client", &[&[&server.address[..]], &load[..]].concat());
    let report = text(&client_program.stdout);
    assert!(client_program.status.success(), "{report} {}", text(&client_program.stderr));
    for part in ["requests/s", "p50", "p90", "p99", "p99.9", "max", "0 errors"] {
        assert!(report.contains(part), "{report}");
    }

    check_echo(&mut client, b"still there");
    server.interrupt();
    server.line_with("stopping: 1 ");
    // The connection is ended from the other side, and not by a reset.
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    assert!(server.line_with(" echoed").starts_with("12 connections, "));
    server.ends_well();
    assert!(TcpStream::connect(&server.address).is_err());
}

/// Ten thousand, or as many as the limit on open files allows this process and the server.
fn many() -> usize {
    let limit = Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    match text(&limit.stdout).trim() {
        "unlimited" => 10_000,
        limit => limit.parse::<usize>().unwrap().saturating_sub(200).clamp(100, 10_000),
    }
}

#[test]
fn the_echo_server_holds_ten_thousand_connections_and_ends_each_without_an_error() {
    let mut server = Server::start("echo-server", &["127.0.0.1:0"]);
    let count = many();
    let mut clients: Vec<_> = (0..count).map(|_| server.connect()).collect();
    // All of them have something under way at once.
    for (i, client) in clients.iter_mut().enumerate() {
        client.write_all(&(i as u64).to_be_bytes()).unwrap();
    }
    for (i, client) in clients.iter_mut().enumerate() {
        let mut answer = [0; 8];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(u64::from_be_bytes(answer), i as u64);
    }
    server.interrupt();
    server.line_with(&format!("stopping: {count} "));
    for client in &mut clients {
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "an end, and no reset");
    }
    let bytes = 8 * count;
    let summary = format!("{count} connections, 0 of them failed, {bytes} bytes echoed");
    assert_eq!(server.line_with(" echoed"), summary);
    server.ends_well();
}

#[test]
fn clients_that_stall_end_one_side_or_send_a_byte_at_a_time_harm_nobody() {
    let mut server = Server::start("echo-server", &["127.0.0.1:0"]);

    // It sends as long as the server takes anything, and reads nothing.
    let mut stalled = server.connect();
    stalled.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut sent = 0;
    let block = vec![7; 64 * 1024];
    while let Ok(count) = stalled.write(&block) {
        sent += count;
    }
    assert!(sent < 64 << 20, "the server takes without an end what it cannot give back");

    let mut slow = server.connect();
    slow.set_nodelay(true).unwrap();
    for byte in 0..200 {
        check_echo(&mut slow, &[byte]);
    }
    let mut half = server.connect();
    half.write_all(b"all of this").unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    half.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"all of this");

    // Who stalled gets everything when it reads at last.
    stalled.shutdown(Shutdown::Write).unwrap();
    let mut received = 0;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match stalled.read(&mut buffer).unwrap() {
            0 => break,
            count => received += count,
        }
    }
    assert_eq!(received, sent);

    server.interrupt();
    server.line_with("stopping: ");
    assert_eq!(slow.read(&mut [0; 1]).unwrap(), 0);
    assert!(server.line_with(" echoed").starts_with("3 connections, 0 of them failed"));
    server.ends_well();
}

#[test]
fn a_client_without_a_server_says_so() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = port.to_string();
    let client = output("echo-client", &[&address, "--connections", "3", "--seconds", "0.1"]);
    assert_eq!(client.status.code(), Some(1));
    let errors = text(&client.stderr);
    assert!(errors.contains("3 connections failed") && errors.contains(&address), "{errors}");
}

#[test]
fn a_server_that_cannot_listen_names_the_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for bad in [&address[..], "nonsense", "127.0.0.1:70000"] {
        let server = output("echo-server", &[bad]);
        assert_eq!(server.status.code(), Some(1));
        assert!(text(&server.stderr).contains(bad), "{}", text(&server.stderr));
    }
}
