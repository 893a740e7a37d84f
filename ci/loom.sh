#!/usr/bin/env bash
# The loom models: every lock-free structure and state machine, under all interleavings with up to
# LOOM_MAX_PREEMPTIONS preemptions (3 in the runtime, 2 in the primitives, some of which have three
# threads). Arguments choose models: ci/loom.sh loom_mpsc
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTFLAGS="--cfg corio_loom -Cdebug-assertions"
export CARGO_TARGET_DIR=target/loom
models=${1:-loom_}
LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-2} \
    cargo test --release -p corio-sync --lib -- "$models"
LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3} \
    cargo test --release -p corio-runtime --lib -- "$models"
