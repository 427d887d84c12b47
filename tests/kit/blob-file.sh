#!/bin/sh
# blob-file passes the conformance kit.
# In memory where there is such a place: it is the rules that are judged, not the disk.
[ -w /dev/shm ] && TMPDIR=/dev/shm && export TMPDIR
exec "$FLOWFORGE_BIN/flowforge" driver check "$FLOWFORGE_LIB/blob-file.so" \
    -o "dir={dir}/blobs"
