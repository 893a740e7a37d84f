//! The chat, and the proxy: connections that know of one another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::program::Server;

/// One end of the chat.
struct Chatter(BufReader<TcpStream>);

impl Chatter {
    /// Enters the chat, once `server` has asked for the name.
    fn enter(server: &Server, name: &str) -> Self {
        let mut chatter = Self(BufReader::new(server.connect()));
        assert_eq!(chatter.hear(), "your name?");
        chatter.say(name);
        chatter
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
fn the_chat_passes_lines_on_and_drops_who_does_not_read() {
    let mut server = Server::start("chat-server", &["127.0.0.1:0"]);
    let mut ada = Chatter::enter(&server, "Ada");
    server.line_with("* Ada is here");
    let mut bob = Chatter::enter(&server, "Bob");
    assert_eq!(ada.hear(), "* Bob is here");
    ada.say("Hello, Bob");
    assert_eq!(bob.hear(), "Ada: Hello, Bob");

    let mut other_ada = Chatter::enter(&server, "Ada");
    assert_eq!(other_ada.hear(), "this name is taken");

    let deaf = Chatter::enter(&server, "Deaf");
    assert_eq!(ada.hear(), "* Deaf is here");
    assert_eq!(bob.hear(), "* Deaf is here");
    // In step with Bob, so that only the one who never reads falls behind.
    let long = "x".repeat(4000);
    while bob_hears_a_line_of(&mut ada, &mut bob, &long) {}
    drop(deaf);

    drop(bob);
    while ada.hear() != "* Bob has left" {}
    server.interrupt();
    server.line_with("closing, with 1 clients");
    server.ends_well();
}

/// Whether Bob hears what Ada says, and not that somebody has left.
fn bob_hears_a_line_of(ada: &mut Chatter, bob: &mut Chatter, line: &str) -> bool {
    ada.say(line);
    match bob.hear() {
        heard if heard == "* Deaf has left" => false,
        heard => {
            assert_eq!(heard, format!("Ada: {line}"));
            true
        }
    }
}

#[test]
fn the_proxy_keeps_a_half_close_and_counts() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = target.local_addr().unwrap().to_string();
    let mut server = Server::start("proxy", &["127.0.0.1:0", &address]);

    let answer = std::thread::spawn(move || {
        let mut stream = target.accept().unwrap().0;
        let mut question = Vec::new();
        // Ends only if the client's half-close comes through.
        stream.read_to_end(&mut question).unwrap();
        stream.write_all(b"twice ").unwrap();
        stream.write_all(&question).unwrap();
    });
    let mut client = server.connect();
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "twice question");
    answer.join().unwrap();
    assert!(server.line_with("bytes up").ends_with(": 8 bytes up, 14 bytes down"));

    // The target is gone now: the client's connection ends, the proxy does not.
    let mut refused = server.connect();
    let _ = refused.read(&mut [0; 1]);
    assert!(server.line_with("cannot connect to").contains(&address));

    server.interrupt();
    assert_eq!(server.line_with("in all"), "in all 8 bytes up, 14 bytes down");
    server.ends_well();
}
