#!/usr/bin/env bash
# A crate of a user's: it names corio alone, under its own name and under another one.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/outside
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# crate NAME DEPENDENCY CODE: makes a crate, builds it and runs it.
crate() {
    mkdir -p "$folder/$1/src"
    cp "$root/Cargo.lock" "$folder/$1/"
    printf '[package]\nname = "%s"\nedition = "2024"\n\n[dependencies]\n%s\n' "$1" "$2" \
        >"$folder/$1/Cargo.toml"
    printf '%s\n' "$3" >"$folder/$1/src/main.rs"
    (cd "$folder/$1" && CARGO_TARGET_DIR=$target cargo run --offline --quiet)
    # The macros must find the crate in tests, too.
    (cd "$folder/$1" && CARGO_TARGET_DIR=$target cargo test --offline --quiet)
}

program() {
    cat <<RUST
#![deny(warnings)]

use std::time::Duration;

#[$1::main$2]
async fn main() {
    let task = $1::spawn(async {
        $1::sleep(Duration::from_millis(1)).await;
        6 * 7
    });
    let first = $1::select! {
        biased;
        answer = task => answer.ok(),
        _ = $1::sleep(Duration::from_secs(60)) => None,
    };
    let (a, b) = $1::join!(async { 1 }, async { 2 });
    let both: Result<(i32, i32), ()> = $1::try_join!(async { Ok(a) }, async { Ok(b) });
    assert_eq!((first, both), (Some(42), Ok((1, 2))));
    println!("a crate that knows it as \`$1\` is fine");
}

#[$1::test$3]
async fn a_test() {
    $1::yield_now().await;
}
RUST
}

crate as-corio "corio = { path = \"$root\" }" "$(program corio '' '')"
crate as-rt "rt = { package = \"corio\", path = \"$root\" }" \
    "$(program rt '(crate = "rt")' '(crate = "rt", timeout = "60s")')"
