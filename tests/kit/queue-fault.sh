#!/bin/sh
# A queue behind queue-fault keeps its contract, as long as no fault is asked for.
set -eu
check() {
    "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/queue-fault.so" \
        --over "$FLOWFORGE_LIB/queue-memory.so" "$@"
}
check --only queue/publish --only queue/ack --only queue/close
# The filter is really there: the kit sees what it does.
if check -o loss=1000 --only publish/arrives-whole; then
    echo "queue-fault.sh: a queue that loses everything has passed" >&2
    exit 1
fi
