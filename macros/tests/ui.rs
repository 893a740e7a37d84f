//! What must not compile, and what the user reads then.
//!
//! The cases under `ui` are answered by the macros themselves. Those under `ui/rustc` are answered by
//! the compiler, in words that change between its releases: they are compared with the release that
//! `ui/rustc/VERSION` names, to see that the errors point at the user's tokens.
//!
//! `TRYBUILD=overwrite cargo test -p corio-macros --test ui` writes the expected output anew.

use std::path::Path;
use std::process::Command;

#[test]
fn errors_point_at_the_users_tokens_and_say_what_to_write() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    if is_expected_compiler() {
        cases.compile_fail("tests/ui/rustc/*.rs");
    }
}

fn is_expected_compiler() -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui/rustc");
    let wanted = std::fs::read_to_string(folder.join("VERSION")).expect("a readable VERSION");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output().expect("a compiler to ask");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    version.starts_with(&format!("rustc {}.", wanted.trim()))
}
