#!/bin/sh
# What users install has no failpoint in it: looks at the release flavour where it is
# built, and demands that a test build has some, so that the search is known to find them.
set -eu
release=$FLOWFORGE_SOURCE/build
status=0

# -a: the whole file; LC_ALL so that bytes are bytes.
holds() {
    LC_ALL=C grep -qa 'failpoint:[a-z_]*\.' "$1"
}

if [ "$FLOWFORGE_BIN" != "$release/bin" ]; then
    for file in "$FLOWFORGE_BIN/flowforge" "$FLOWFORGE_BIN/flowforge-server" \
        "$FLOWFORGE_LIB/store-sqlite.so" "$FLOWFORGE_LIB/flowforge-supervisor"; do
        holds "$file" || {
            echo "$file: a test build without failpoints"
            status=1
        }
    done
fi
for file in "$release"/bin/* "$release"/lib/flowforge/*; do
    [ -f "$file" ] || continue
    if holds "$file"; then
        echo "$file: has failpoints"
        status=1
    fi
done
exit $status
