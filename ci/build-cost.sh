#!/usr/bin/env bash
# What a runtime costs to build: a clean build of the smallest echo server on each, in CPU-seconds of
# all its compilers and linkers, the crates that were compiled for it, and the size of the program
# without its symbols. Takes minutes and is no part of what runs before each change.
#
#     ci/build-cost.sh                 every server
#     ci/build-cost.sh corio smol      these only
#
# All take the versions of the workspace's lock file, from what cargo has at hand: no network is used.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_TERM_COLOR=never
unset CARGO_TARGET_DIR RUSTFLAGS RUSTC_WRAPPER

declare -A dependency=(
    [corio]="corio = { path = \"$root\" }"
    [tokio]='tokio = { version = "1", features = ["io-util", "net", "rt-multi-thread"] }'
    [tokio-full]='tokio = { version = "1", features = ["full"] }'
    [smol]='smol = "2"'
)

server() {
    case $1 in
    corio)
        cat <<'RUST'
use corio::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

#[corio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        drop(corio::spawn(echo(stream)));
    }
}
RUST
        ;;
    tokio | tokio-full)
        cat <<'RUST'
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

RUST
        if [[ $1 == tokio ]]; then
            cat <<'RUST'
fn main() -> std::io::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve())
}
RUST
        else
            cat <<'RUST'
#[tokio::main]
async fn main() -> std::io::Result<()> {
    serve().await
}
RUST
        fi
        ;;
    smol)
        cat <<'RUST'
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        smol::spawn(echo(stream)).detach();
    }
}

fn main() -> std::io::Result<()> {
    smol::block_on(serve())
}
RUST
        ;;
    esac
}

# Runs a command; leaves the CPU-seconds of it and all that it started in `cpu`.
measure() {
    local TIMEFORMAT='%U %S' times
    { times=$({ time "$@" >"$folder/log" 2>&1; } 2>&1); } || { cat "$folder/log" >&2; exit 1; }
    cpu=$(awk '{ printf "%.1f", $1 + $2 }' <<<"$times")
}

# Starts the server and sends it a line: what was built must work.
works() {
    local address line
    coproc SERVER { exec "$1"; }
    local pid=$SERVER_PID
    read -r address <&"${SERVER[0]}"
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
    echo "hello" >&3
    read -r -t 10 line <&3
    exec 3>&-
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    [[ $line == hello ]]
}

if (($# == 0)); then set -- corio tokio tokio-full smol; fi
printf '%-12s %12s %14s %8s %14s\n' server 'CPU, release' 'CPU, dev' crates 'stripped'
for name in "$@"; do
    [[ -v dependency[$name] ]] || {
        echo "no server is called '$name'; there are ${!dependency[*]}" >&2
        exit 1
    }
    crate=$folder/$name
    mkdir -p "$crate/src"
    cp "$root/Cargo.lock" "$crate/"
    printf '[package]\nname = "echo"\nedition = "2024"\n\n[dependencies]\n%s\n\n[profile.release]\nstrip = true\n' \
        "${dependency[$name]}" >"$crate/Cargo.toml"
    server "$name" >"$crate/src/main.rs"
    cd "$crate"
    measure cargo build --offline --release
    release=$cpu
    # What cargo says that it compiles is what was compiled; the server itself is one of them.
    crates=$(($(grep -c '^ *Compiling ' "$folder/log") - 1))
    works target/release/echo || { echo "the echo server on $name does not echo" >&2; exit 1; }
    size=$(stat -c %s target/release/echo)
    measure cargo build --offline
    printf '%-12s %10s s %12s s %8s %11s KB\n' "$name" "$release" "$cpu" "$crates" $((size / 1000))
done
