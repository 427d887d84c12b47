#!/bin/sh
# same.sh FF-SIM [OTHER-FF-SIM]: the same seed gives the same trace, whatever the memory
# looks like, and whichever compiler built the other one.
#
# same.sh --all: builds ff-sim with gcc and clang, at -O0 and at -O2, and compares the
# traces of SEEDS (100) seeds of all four, over both stores, and of hosts. The builds stay in SCRATCH.
set -eu

compare() {
    diff "$1" "$2" || {
        echo "same.sh: $1 and $2 differ" >&2
        exit 1
    }
}

# build NAME COMPILER LEVEL
build() {
    cmake -S "$source" -B "$here/$1" -G Ninja -DCMAKE_C_COMPILER="$2" \
        -DFLOWFORGE_FLAVOUR=plain -DCMAKE_C_FLAGS="$3 -g" >"$here/$1.log" 2>&1 &&
        cmake --build "$here/$1" --target ff-sim >>"$here/$1.log" 2>&1 || {
        tail -20 "$here/$1.log" >&2
        exit 1
    }
}

run() {
    for store in model sqlite; do
        "$1" --seeds "${SEEDS:-100}" --from 3000 --hashes --store $store | sort
    done >"$2"
    "$1" --seeds "${SEEDS:-100}" --from 4000 --hashes --hosts | sort >>"$2"
}

if [ "$1" = --all ]; then
    source=$(cd "$(dirname "$0")/../.." && pwd)
    here=${SCRATCH:-$(mktemp -d)}
    for compiler in gcc clang; do
        for level in O0 O2; do
            name=$compiler-$level
            build "$name" "$compiler" "-$level"
            run "$here/$name/tests/ff-sim" "$here/$name.hashes"
            compare "$here/gcc-O0.hashes" "$here/$name.hashes"
            echo "$name: $(wc -l <"$here/$name.hashes") traces, $(cksum <"$here/$name.hashes")"
        done
    done
    [ -n "${SCRATCH:-}" ] || rm -rf "$here"
    exit 0
fi

one=$1
other=${2:-$1}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

"$one" --seeds 20 --from 1000 --jobs 1 --hashes >"$here/one"
MALLOC_PERTURB_=165 "$other" --seeds 20 --from 1000 --jobs 1 --hashes >"$here/other"
compare "$here/one" "$here/other"

"$one" --hosts --seeds 10 --from 1000 --jobs 1 --hashes >"$here/one"
MALLOC_PERTURB_=165 "$other" --hosts --seeds 10 --from 1000 --jobs 1 --hashes >"$here/other"
compare "$here/one" "$here/other"
