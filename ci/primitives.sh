#!/usr/bin/env bash
# Threads and atomics come from corio_sync::prim alone, so that loom and ThreadSanitizer see them all.
# Tests, benchmarks and examples are users, and use std.
set -euo pipefail
cd "$(dirname "$0")/.."
found=$(git grep -nE '(std|core)::sync::atomic|std::thread::(spawn|Builder|park|yield_now|sleep)|std::sync::\{[^}]*atomic' -- \
    'sync/src/*.rs' 'runtime/src/*.rs' 'io/src/*.rs' 'net/src/*.rs' 'src/*.rs' \
    ':!sync/src/prim/*' ':!*/tests.rs' ':!*/tests/*' ':!*/testing.rs' | grep -vE ':[0-9]+:\s*//' || true)
if [ -n "$found" ]; then
    echo "std's threads or atomics outside corio_sync::prim:"
    echo "$found"
    exit 1
fi
echo "primitives: all through corio_sync::prim"
