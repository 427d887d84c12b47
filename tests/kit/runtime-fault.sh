#!/bin/sh
# A runtime behind runtime-fault keeps its contract, as long as no fault is asked for; and
# the kit sees a fault that is.
set -eu
check() {
    "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/runtime-fault.so" \
        --over "$FLOWFORGE_LIB/runtime-local.so" -o "runtime-local.dir={dir}/state" "$@"
}
check --only runtime/adopt --only runtime/event --only runtime/release
if check -o lose=1000 --only runtime/start/exit-codes; then
    echo "runtime-fault.sh: a runtime that loses every end has passed" >&2
    exit 1
fi
