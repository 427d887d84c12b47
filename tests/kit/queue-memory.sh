#!/bin/sh
# queue-memory passes the conformance kit.
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/queue-memory.so"
