#!/bin/sh
# runtime-local passes the conformance kit.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/runtime-local.so" \
    -o "dir={dir}/state"
