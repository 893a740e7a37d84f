#!/usr/bin/env bash
# Runs every example once, as a user would: in release, over loopback, ended by Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --examples --features tls
examples=${CARGO_TARGET_DIR:-target}/release/examples
logs=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$logs"' EXIT

fail() {
    echo "ci/examples.sh: $1" >&2
    tail -n 20 "$logs"/* >&2
    exit 1
}

# Starts a server, waits for the line that tells its address, and leaves that in $address.
serve() {
    local name=$1
    : >"$logs/$name"
    "$examples/$name" "${@:2}" >>"$logs/$name" 2>&1 &
    servers+=($!)
    for _ in {1..300}; do
        address=$(sed -n 's/^listening on //p' "$logs/$name")
        [[ -n $address ]] && return
        sleep 0.1
    done
    fail "$name does not listen"
}

for example in "$examples"/*; do
    # Cargo leaves dependency lists and hashed copies beside the programs.
    name=$(basename "$example")
    [[ $name == *.d || $name == *-???????????????? ]] && continue
    "$example" --help >"$logs/help" || fail "$name has no --help"
done

"$examples/hello" Ada | tee "$logs/hello"
grep -q '^Hello, Ada!$' "$logs/hello" || fail "hello does not greet"

"$examples/parallel-shell" --jobs 2 'sleep 0.1; echo one' 'echo two' | tee "$logs/parallel-shell"
grep -q '^one$' "$logs/parallel-shell" || fail "parallel-shell does not run its lines"
if "$examples/parallel-shell" 'sleep 1000' 'exit 3' 2>"$logs/parallel-shell"; then
    fail "parallel-shell does not fail with its first line that does"
fi

"$examples/crawler" --pages 2000 | tee "$logs/crawler"
grep -q '^2000 pages, .* pages/s$' "$logs/crawler" || fail "crawler does not get every page"
if "$examples/crawler" --broken 700 2>"$logs/crawler"; then
    fail "crawler does not fail with a page"
fi
grep -q '/700' "$logs/crawler" || fail "crawler does not name the page that is broken"

"$examples/pipeline" | tee "$logs/pipeline"
grep -q '^100000 numbers, 9592 of them prime, .* items/s$' "$logs/pipeline" ||
    fail "pipeline miscounts"
if "$examples/pipeline" <(printf '1\n2\nx\n') >"$logs/pipeline" 2>&1; then
    fail "pipeline does not fail with a line"
fi
[[ $(grep -c ': closed after ' "$logs/pipeline") == 3 ]] || fail "pipeline does not clean up"

serve echo-server 127.0.0.1:0
echo_address=$address
"$examples/echo-client" "$echo_address" --connections 20 --seconds 1
# Nobody listens on ::1, which is tried first.
"$examples/happy-eyeballs" "$echo_address" "[::1]:${echo_address##*:}" | tee "$logs/happy-eyeballs"
grep -q "connected to $echo_address\$" "$logs/happy-eyeballs" ||
    fail "happy-eyeballs does not get past an address that is dead"
serve proxy 127.0.0.1:0 "$echo_address"
"$examples/echo-client" "$address" --connections 20 --size 1024 --seconds 1
serve chat-server 127.0.0.1:0
exec {ada}<>"/dev/tcp/${address/:/\/}" {bob}<>"/dev/tcp/${address/:/\/}"
echo Ada >&"$ada"
read -r -t 30 _ <&"$ada" && read -r -t 30 _ <&"$bob" || fail "chat-server does not ask for a name"
echo Bob >&"$bob"
read -r -t 30 line <&"$ada" || fail "Ada hears nothing"
[[ $line == "* Bob is here" ]] || fail "Ada hears: $line"
echo hello >&"$bob"
read -r -t 30 line <&"$ada" || fail "Ada hears nothing"
[[ $line == "Bob: hello" ]] || fail "Ada hears: $line"

serve graceful-shutdown 127.0.0.1:0
exec {job}<>"/dev/tcp/${address/:/\/}"
echo 0.5 >&"$job"
read -r -t 30 line <&"$job" || fail "graceful-shutdown does not begin a job"
[[ $line == "working for 500ms" ]] || fail "graceful-shutdown says: $line"

serve http-hello 127.0.0.1:0
exec {web}<>"/dev/tcp/${address/:/\/}"
printf 'GET /Ada HTTP/1.1\r\nconnection: close\r\n\r\n' >&"$web"
grep -q '^Hello, Ada!$' <&"$web" || fail "http-hello does not greet"
serve file-server . 127.0.0.1:0
exec {web}<>"/dev/tcp/${address/:/\/}"
printf 'GET /Cargo.toml HTTP/1.1\r\n\r\n' >&"$web"
sed '1,/^\r$/d' <&"$web" | cmp - Cargo.toml || fail "file-server does not send the file"
if command -v openssl >"$logs/openssl"; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
        -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
        -keyout "$logs/key.pem" -out "$logs/cert.pem" 2>"$logs/openssl"
    serve tls-echo --cert "$logs/cert.pem" --key "$logs/key.pem" 127.0.0.1:0
    "$examples/tls-echo" --trust "$logs/cert.pem" "$address" hello | tee "$logs/tls-client"
    grep -q '^hello$' "$logs/tls-client" || fail "tls-echo does not echo"
else
    echo "notice: there is no openssl to make a certificate with, so tls-echo is not run"
fi

for pid in "${servers[@]}"; do
    kill -INT "$pid"
    wait "$pid" || fail "a server ended with status $? on Ctrl-C"
done
servers=()
[[ $(cat <&"$job") == $'done after 500ms\ngoodbye' ]] || fail "graceful-shutdown cuts a job off"
tail -n 3 "$logs"/echo-server "$logs"/proxy "$logs"/chat-server "$logs"/graceful-shutdown
