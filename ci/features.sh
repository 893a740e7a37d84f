#!/usr/bin/env bash
# Checks that the library compiles, without warnings, with each of its features alone and with none: programs take
# those that they need.
set -euo pipefail
cd "$(dirname "$0")/.."

features=$(sed -n '/^\[features\]/,/^\[/ s/^\([a-z]*\) = .*/\1/p' Cargo.toml)
for feature in "" $features; do
    [[ $feature == default ]] && continue
    echo "--- ${feature:-none}"
    cargo clippy --quiet -p corio --lib --no-default-features --features "$feature" -- -D warnings
done
