#!/usr/bin/env bash
# The checkers are checked: each of these faults, planted in the code under the models, must be found.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTFLAGS="--cfg corio_loom -Cdebug-assertions"
export CARGO_TARGET_DIR=target/loom
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3}
log=$CARGO_TARGET_DIR/planted.log
mkdir -p "$CARGO_TARGET_DIR"

# fault     crate     a model that must fail with it
while read -r bug crate model; do
    status=0
    CORIO_BUG=$bug RUST_BACKTRACE=0 timeout 120 \
        cargo test --release -p "corio-$crate" --lib -- "$model" >"$log" 2>&1 || status=$?
    if ((status == 0)); then
        echo "ci/planted.sh: $model did not find the planted fault \"$bug\"" >&2
        exit 1
    fi
    if ! grep -qE 'FAILED|panicked|SIGABRT' "$log"; then
        echo "ci/planted.sh: $model did not run with the planted fault \"$bug\":" >&2
        tail -n 20 "$log" >&2
        exit 1
    fi
    echo "planted: \"$bug\" is found by $model"
done <<'FAULTS'
ahead-relaxed sync loom_mpsc_a_slot_freed_ahead_is_not_missed
sleep-by-store runtime loom_w01_a_core_never_sleeps_on_an_item
notify-relaxed runtime loom_w01_a_core_never_sleeps_on_an_item
pop-without-exchange runtime loom_w12_every_item_is_taken_once
take-in-two-steps runtime loom_two_senders_and_two_takers
wake-relaxed runtime loom_w04_a_wake_of_a_queued_task_publishes_its_data
wake-during-poll-forgotten runtime loom_a_wake_during_poll_enqueues_once
own-wake-forgotten runtime loom_a_wake_of_its_own_meets_one_from_elsewhere
join-after-done-waits runtime loom_t07_join_sees_the_output_or_is_woken
last-relaxed runtime loom_t10_the_last_reference_sees_the_writes_of_all
FAULTS
