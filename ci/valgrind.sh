#!/usr/bin/env bash
# valgrind's memcheck over the unit and integration tests: use of memory that was never written, use
# after free, leaks. Arguments go to `cargo test`: ci/valgrind.sh -p corio-sync
set -euo pipefail
cd "$(dirname "$0")/.."

triple=$(rustc -vV | sed -n 's/^host: //p')
runner=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$triple")_RUNNER
# "Possibly lost" is std's record of the main thread, so only leaks that are certain count.
export "$runner=valgrind -q --error-exitcode=1 --leak-check=full \
--show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --track-origins=yes \
--fair-sched=yes"
if (($# == 0)); then
    set -- -p corio-sync -p corio-runtime -p corio-io -p corio-net
fi
exec cargo test --no-fail-fast --lib --tests "$@"
