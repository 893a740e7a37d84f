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
    [corio-net]="corio = { path = \"$root\", default-features = false, features = [\"macros\", \"net\"] }"
    [tokio]='tokio = { version = "1", features = ["io-util", "net", "rt-multi-thread"] }'
    [tokio-full]='tokio = { version = "1", features = ["full"] }'
    [smol]='smol = "2"'
)

# The program: the same for all, but for names.
server() {
    local library=${1%%-*} stream=stream spawn run
    case $1 in
    corio*)
        spawn='drop(corio::spawn(echo(stream)))'
        run=$'#[corio::main]\nasync fn main() -> std::io::Result<()> {\n    serve().await\n}'
        ;;
    tokio)
        spawn='tokio::spawn(echo(stream))'
        run=$'fn main() -> std::io::Result<()> {\n    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve())\n}'
        ;;
    tokio-full)
        spawn='tokio::spawn(echo(stream))'
        run=$'#[tokio::main]\nasync fn main() -> std::io::Result<()> {\n    serve().await\n}'
        ;;
    smol)
        spawn='smol::spawn(echo(stream)).detach()'
        run=$'fn main() -> std::io::Result<()> {\n    smol::block_on(serve())\n}'
        ;;
    esac
    if [[ $library != corio ]]; then
        stream='mut stream'
        echo "use $library::io::{AsyncReadExt, AsyncWriteExt};"
    fi
    cat <<RUST
use $library::net::{TcpListener, TcpStream};

async fn echo($stream: TcpStream) -> std::io::Result<()> {
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
        $spawn;
    }
}

$run
RUST
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

if (($# == 0)); then set -- corio corio-net tokio tokio-full smol; fi
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
