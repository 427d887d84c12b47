#!/bin/sh
# A store behind store-trace keeps its contract.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/store-trace.so" \
    --over "$FLOWFORGE_LIB/store-memory.so" -o "store-memory.name={unique}"
