#!/bin/sh
# store-memory passes the conformance kit.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/store-memory.so" \
    -o "name={unique}"
