#!/bin/sh
# A store behind store-fault keeps its contract. What the filters share is in kit/store-trace.sh.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/store-fault.so" \
    --over "$FLOWFORGE_LIB/store-memory.so" -o "store-memory.name={unique}" \
    --only store/atomic
