#!/bin/bash
# mutants.sh [NAME...]: proves that the simulator finds bugs. Each patch in mutants/ puts
# one into a scratch copy of the tree; ff-sim must find it within SEEDS (500) seeds. A
# survivor means that an invariant is missing. A patch may begin with a line "ff-sim: WORDS":
# more words of the command line, for seeds of another shape.
#
# Prints how many seeds it took and what was found; the status is 1 if any survived.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
scratch=${SCRATCH:-$(mktemp -d)}
seeds=${SEEDS:-500}
survivors=0

build() {
    cmake --build "$scratch/build" --target ff-sim >"$scratch/build.log" 2>&1
}

prepare() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree"
    tar -C "$source" --exclude=./build --exclude=./.git -cf - . | tar -C "$scratch/tree" -xmf -
    # What a mutant leaves unused need not stop the compiler.
    sed -i 's/ -Werror / /' "$scratch/tree/cmake/Flags.cmake"
    cmake -S "$scratch/tree" -B "$scratch/build" -G Ninja -DFLOWFORGE_FLAVOUR="${FLAVOUR:-asan}" \
        >"$scratch/cmake.log" 2>&1 && build
}

# One line: NAME, seeds until it was found, what was found.
judge() {
    name=$1
    words=$(sed -n 's/^ff-sim: //p' "$source/tests/sim/mutants/$name.patch")
    # shellcheck disable=SC2086 # words are several
    set -- $words
    if ! patch -s -p1 -d "$scratch/tree" <"$source/tests/sim/mutants/$name.patch"; then
        echo "$name: the patch does not fit any more"
        survivors=$((survivors + 1))
        return
    fi
    if ! build; then
        printf '%-28s does not compile, see %s\n' "$name" "$scratch/build.log"
        survivors=$((survivors + 1))
    elif "$scratch/build/tests/ff-sim" --seeds "$seeds" --from 1 "$@" ${SHRINK:---no-shrink} >"$scratch/out" 2>&1; then
        printf '%-28s SURVIVED %s seeds\n' "$name" "$seeds"
        survivors=$((survivors + 1))
    else
        seed=$(sed -n 's/^FAILED: seed \([0-9]*\).*/\1/p' "$scratch/out" | head -1)
        what=$(sed -n -e 's/^seed [^:]*: //p' -e 's/.*ERROR: \(AddressSanitizer: [a-z-]*\).*/\1/p' \
            -e 's/.*\(runtime error: .*\)/\1/p' -e 's/.*: \(it does not come to its end\)/\1/p' \
            "$scratch/out" | head -1)
        printf '%-28s %4s  %.100s\n' "$name" "$seed" "$what"
    fi
    # Not by the patch backwards: where its place has moved, that may change another one.
    sed -n 's/^+++ b\///p' "$source/tests/sim/mutants/$name.patch" | while read -r file; do
        cp "$source/$file" "$scratch/tree/$file"
    done
}

prepare || {
    cat "$scratch/cmake.log" "$scratch/build.log"
    exit 1
}
if [ $# -eq 0 ]; then
    for file in "$source"/tests/sim/mutants/*.patch; do
        set -- "$@" "$(basename "$file" .patch)"
    done
fi
for mutant in "$@"; do
    judge "$mutant"
done
[ -n "${SCRATCH:-}" ] || rm -rf "$scratch"
[ "$survivors" -eq 0 ]
