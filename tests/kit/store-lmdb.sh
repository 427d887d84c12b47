#!/bin/sh
# store-lmdb passes the conformance kit.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/store-lmdb.so" \
    -o "path={dir}/store.lmdb"
