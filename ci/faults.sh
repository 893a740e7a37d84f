#!/usr/bin/env bash
# Fails if docs/faults.md names a test that does not exist.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=0
while read -r name; do
    if ! git grep -qw --untracked "fn $name\|$name,\?$" -- '*.rs'; then
        echo "ci/faults.sh: docs/faults.md names $name, which does not exist" >&2
        missing=1
    fi
done < <(grep '^| [A-Z][0-9]' docs/faults.md | grep -o '`[a-z0-9_]*`' | tr -d '`' | sort -u)
exit "$missing"
