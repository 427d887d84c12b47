#!/bin/sh
# store-sqlite passes the conformance kit.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/store-sqlite.so" \
    -o "path={dir}/store.db"
