#!/usr/bin/env bash
# Checks that the library and the examples compile, without warnings, where they cannot be run from here: macOS and the BSDs.
# A target whose standard library cannot be installed is named and left out.
#
#   ci/platforms.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

targets=("${@:-x86_64-apple-darwin}")
[[ $# -gt 0 ]] || targets=(x86_64-apple-darwin x86_64-unknown-freebsd x86_64-unknown-netbsd)

for target in "${targets[@]}"; do
    if ! rustup target list --installed | grep -qx "$target" && ! rustup target add "$target"; then
        echo "ci/platforms.sh: no standard library for $target here; not checked" >&2
        continue
    fi
    echo "--- $target"
    cargo clippy --quiet --target "$target" -p corio --lib --examples -- -D warnings
    for crate in sync runtime io net; do
        cargo clippy --quiet --target "$target" -p "corio-$crate" --lib -- -D warnings
    done
done
