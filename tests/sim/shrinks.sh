#!/bin/sh
# shrinks.sh: a bug put into a copy of the tree is found by ff-sim and shrunk: the replay
# that it prints has fewer options on, and fails by the same invariant. Takes a build of
# its own, so it is no test of ctest; MUTANT names another patch of mutants/.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
scratch=${SCRATCH:-$(mktemp -d)}
mutant=${MUTANT:-attempt-not-counted}

mkdir -p "$scratch/tree"
tar -C "$source" --exclude=./build --exclude=./.git -cf - . | tar -C "$scratch/tree" -xmf -
patch -s -p1 -d "$scratch/tree" <"$source/tests/sim/mutants/$mutant.patch"
cmake -S "$scratch/tree" -B "$scratch/build" -G Ninja -DFLOWFORGE_FLAVOUR=asan >/dev/null
cmake --build "$scratch/build" --target ff-sim >/dev/null
sim=$scratch/build/tests/ff-sim

if "$sim" --from 1 --seeds 500 >"$scratch/out" 2>/dev/null; then
    echo "$mutant: not found"
    exit 1
fi
grep -E '^(shrunk|replay)' "$scratch/out"
invariant=$(sed -n 's/^shrunk.*it fails with: //p' "$scratch/out")
# shellcheck disable=SC2046 # the words of a command line
set -- $(sed -n 's/^replay: ff-sim //p' "$scratch/out")
if "$sim" "$@" >"$scratch/replay" 2>&1; then
    echo "the replay passes"
    exit 1
fi
# Where the sentence has numbers in it, what comes before the first of them is compared.
grep -qF "$(printf '%s' "$invariant" | sed 's/%.*//')" "$scratch/replay"
# "9 of 40 options are on, 22 were"
# shellcheck disable=SC2046 # two numbers
set -- $(sed -n 's/^shrunk.*: \([0-9]*\) of [0-9]* options are on, \([0-9]*\) were.*/\1 \2/p' "$scratch/out")
[ "$1" -lt "$2" ]
[ -n "${SCRATCH:-}" ] || rm -rf "$scratch"
