//! Every example, run as a user runs it: as a program of its own, ended by Ctrl-C.
//!
//! A plain `cargo test` builds them first; before `cargo test --test examples`, run
//! `cargo build --examples`.

#![cfg(unix)]

mod program;

mod chat;
mod connecting;
mod crawler;
mod echo;
mod files;
mod pipeline;
mod stopping;

use crate::program::{output, text};

#[test]
fn all_explain_themselves() {
    for name in [
        "hello",
        "echo-server",
        "echo-client",
        "chat-server",
        "proxy",
        "tail",
        "parallel-shell",
        "crawler",
        "graceful-shutdown",
        "happy-eyeballs",
        "pipeline",
        "http-hello",
        "file-server",
    ] {
        let help = output(name, &["--help"]);
        assert!(help.status.success());
        assert!(text(&help.stdout).starts_with(name), "{}", text(&help.stdout));

        let wrong = output(name, &["--nonsense"]);
        assert_eq!(wrong.status.code(), Some(1));
        assert!(text(&wrong.stderr).contains("--nonsense"), "{}", text(&wrong.stderr));
    }
}

#[test]
fn hello_greets_the_quick_one_first() {
    let hello = output("hello", &["Ada"]);
    assert!(hello.status.success());
    let lines = text(&hello.stdout);
    assert_eq!(
        lines.lines().collect::<Vec<_>>(),
        ["Hello, Ada!", "Good morning, Ada!", "Said \"Hello\" and \"Good morning\"."]
    );
}
