#!/usr/bin/env bash
# The loom models: every lock-free structure and state machine, under all interleavings with up to
# LOOM_MAX_PREEMPTIONS (3) preemptions. Arguments choose models: ci/loom.sh loom_mpsc
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTFLAGS="--cfg corio_loom -Cdebug-assertions"
export CARGO_TARGET_DIR=target/loom
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3}
exec cargo test --release -p corio-sync -p corio-runtime --lib -- "${1:-loom_}"
