#!/bin/sh
# Each patch of tests/sim/mutants fits the sources as they are: what a change has moved
# away proves nothing any more. Whether they are found, tests/sim/mutants.sh says.
set -eu
cd "$FLOWFORGE_SOURCE"
n=0
bad=0
for file in tests/sim/mutants/*.patch; do
    n=$((n + 1))
    patch --dry-run -p1 -s -f <"$file" >/dev/null || {
        echo "$file does not fit any more"
        bad=1
    }
done
echo "$n patches"
[ "$n" -gt 0 ] && [ "$bad" -eq 0 ]
