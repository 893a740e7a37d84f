#!/usr/bin/env bash
# AddressSanitizer (with leaks) and ThreadSanitizer over the tests: ci/sanitize.sh [address|thread]
#
# They need no other toolchain: RUSTC_BOOTSTRAP opens the compiler's sanitizer flags. std is not
# instrumented, so the thread sanitizer sees order only through the primitives of corio_sync::prim
# (cfg corio_tsan); its suppressions are in ci/tsan.supp, and a planted race proves that they are not
# too wide.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
which=${1:-both}
target=$(rustc -vV | sed -n 's/^host: //p')
crates=(-p corio-sync -p corio-runtime -p corio-io -p corio-net -p corio)

export RUSTC_BOOTSTRAP=1
# std's backtraces take a lock that the thread sanitizer does not see.
export RUST_BACKTRACE=0
heading() { printf '\n=== %s (%(%H:%M:%S)T)\n' "$1" -1; }

if [[ $which == address || $which == both ]]; then
    heading "AddressSanitizer"
    (
        export RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR=target/asan
        export ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=1
        export LSAN_OPTIONS="suppressions=$root/ci/lsan.supp"
        # The tests of the examples run them.
        cargo build --target "$target" --examples
        cargo test --target "$target" --no-fail-fast --lib --tests "${crates[@]}"
    )
fi

if [[ $which == thread || $which == both ]]; then
    export RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg corio_tsan"
    export CARGO_TARGET_DIR=$root/target/tsan
    export TSAN_OPTIONS="suppressions=$root/ci/tsan.supp exitcode=66 halt_on_error=0"

    heading "the planted race"
    status=0
    cp Cargo.lock ci/planted-race/
    (cd ci/planted-race && cargo run --quiet --target "$target") 2>&1 | tee target/tsan-planted.log \
        || status=$?
    if ((status != 66)) || ! grep -q 'WARNING: ThreadSanitizer: data race' target/tsan-planted.log; then
        echo "ci/sanitize.sh: the planted race was not reported (status $status)" >&2
        exit 1
    fi

    heading "ThreadSanitizer"
    cargo build --target "$target" --examples
    # libtest keeps what is printed behind a lock of std's.
    cargo test --target "$target" --no-fail-fast --lib --tests "${crates[@]}" -- --nocapture
fi
