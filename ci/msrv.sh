#!/usr/bin/env bash
# Checks that the library compiles with the oldest compiler that Cargo.toml promises. Where that cannot be
# installed it is said and left out; clippy's `incompatible_msrv` still looks at what is used of std.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! rustup run "$version" rustc --version 2>/dev/null &&
    ! rustup toolchain install "$version" --profile minimal --no-self-update; then
    echo "ci/msrv.sh: no Rust $version here; not checked" >&2
    exit 0
fi
CARGO_TARGET_DIR=target/msrv rustup run "$version" cargo check -p corio --features tls --examples
