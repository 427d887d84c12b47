#!/bin/sh
# A store behind store-delay keeps its contract. What the filters share is in kit/store-trace.sh.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/store-delay.so" \
    --over "$FLOWFORGE_LIB/store-memory.so" -o "store-memory.name={unique}" \
    --only store/atomic
