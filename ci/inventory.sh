#!/usr/bin/env bash
# Holds the tests and docs/asyncio-differences.md against ci/inventory.txt: each behaviour is either a test named
# after it (`tg_29_what_it_does`, or `tg_29_30_…` for several at once) or a line of that page (`- **TG-29** …`,
# or `- **TG-29, TG-30** …`).
#
#   ci/inventory.sh [GROUP...]            prints a table of the groups, and fails if any behaviour remains
#   ci/inventory.sh --list [GROUP...]     prints the ids that remain
set -euo pipefail
cd "$(dirname "$0")/.."

list=false
if [[ ${1-} == --list ]]; then list=true; shift; fi
groups=${*:-structured sync io}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# `fn tg_29_30_name` gives TG-29 and TG-30.
find tests sync/tests runtime/tests io/tests net/tests -name '*.rs' -print0 |
    xargs -0 grep -ohE 'fn [a-z]+(_[0-9]{2})+_[a-z]' |
    awk '{ sub(/^fn /, ""); n = split($0, part, "_"); area = toupper(part[1])
           for (i = 2; i <= n && part[i] ~ /^[0-9][0-9]$/; i++) print area "-" part[i] }' | sort -u > "$work/tested"
# The ids in bold at the start of a line.
grep -oE '^- \*\*[^*]+\*\*' docs/asyncio-differences.md | grep -oE '[A-Z]+-[0-9]{2}' | sort -u > "$work/differ" || true

awk -v groups="$groups" -v list="$list" -v tested="$work/tested" -v differ="$work/differ" '
    BEGIN {
        while ((getline id < tested) > 0) is_tested[id] = 1
        while ((getline id < differ) > 0) is_differ[id] = 1
        n = split(groups, g, " "); for (i = 1; i <= n; i++) wanted[g[i]] = 1
        if (list != "true") printf "%-12s %-8s %6s %7s %7s %7s\n", "group", "area", "items", "tested", "differ", "remain"
    }
    /^#/ || NF == 0 { next }
    { known[$2] = $3 }
    !($1 in wanted) { next }
    {
        t = d = r = 0
        for (i = 1; i <= $3; i++) {
            id = sprintf("%s-%02d", $2, i)
            if (id in is_tested) t++
            else if (id in is_differ) d++
            else { r++; if (list == "true") print id }
        }
        if (list != "true") printf "%-12s %-8s %6d %7d %7d %7d\n", $1, $2, $3, t, d, r
        items += $3; ts += t; ds += d; rs += r
    }
    END {
        for (id in is_tested) { split(id, p, "-"); if (p[1] in known && p[2] + 0 > known[p[1]]) { print "a test names " id ", which is not in the inventory"; bad = 1 } }
        for (id in is_differ) { split(id, p, "-"); if (!(p[1] in known) || p[2] + 0 > known[p[1]]) { print "the page names " id ", which is not in the inventory"; bad = 1 } }
        if (list != "true") printf "%-12s %-8s %6d %7d %7d %7d\n", "all", "", items, ts, ds, rs
        exit (bad || (rs > 0 && list != "true"))
    }' ci/inventory.txt
