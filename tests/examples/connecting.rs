//! Happy eyeballs: many addresses, of which one answers.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::program::{output, text};

#[test]
fn happy_eyeballs_moves_on_at_once_when_an_address_is_refused() {
    let live = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (listener, port) = (TcpListener::bind(live).unwrap(), live.port());
    // The families take turns, and IPv6 begins; there nobody listens. A delay would take an hour.
    let names = [&live.to_string()[..], &format!("[::1]:{port}"), "--delay", "3600"];
    let happy = output("happy-eyeballs", &[&names[..], &["--timeout", "60"]].concat());
    let lines = text(&happy.stdout);
    assert!(happy.status.success(), "{lines} {}", text(&happy.stderr));
    let said: Vec<_> = lines.lines().map(|line| line.split_once("s  ").unwrap().1).collect();
    let [first, refused, second, connected] = said[..] else { panic!("{lines}") };
    assert_eq!(first, format!("trying [::1]:{port}"));
    assert!(refused.starts_with(&format!("cannot connect to [::1]:{port}")), "{refused}");
    assert_eq!(
        [second, connected],
        ["trying", "connected to"].map(|said| format!("{said} {live}"))
    );
    drop(listener);
}

/// A listener whose queue is full, so that it does not answer; with what fills it.
fn hole() -> (TcpListener, Vec<TcpStream>) {
    let listener = corio::run(async {
        let socket = corio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.listen(0).unwrap().into_std()
    });
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300));
    let filled = std::iter::from_fn(|| connect().ok()).collect();
    (listener, filled)
}

#[test]
fn happy_eyeballs_goes_on_beside_an_address_that_does_not_answer() {
    let (hole, _filled) = hole();
    let hole = hole.local_addr().unwrap().to_string();
    let live = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = live.local_addr().unwrap().to_string();
    let happy = output("happy-eyeballs", &[&hole, &address, "--delay", "0.05"]);
    let lines = text(&happy.stdout);
    assert!(happy.status.success(), "{lines} {}", text(&happy.stderr));
    let said: Vec<_> = lines.lines().map(|line| line.split_once("s  ").unwrap().1).collect();
    let expected =
        [format!("trying {hole}"), format!("trying {address}"), format!("connected to {address}")];
    assert_eq!(said, expected);

    let happy = output("happy-eyeballs", &[&hole, "--timeout", "0.2"]);
    assert_eq!(happy.status.code(), Some(1));
    let error = text(&happy.stderr);
    assert!(error.contains("nothing else answered within 200ms"), "{error}");
}
