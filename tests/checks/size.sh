#!/bin/sh
# The laptop's programs and drivers, stripped, stay within 2 MB in sum. Only the release
# flavour is what users install, so that is what is weighed; those that do not exist yet
# weigh nothing.
set -eu
limit=$((2 * 1024 * 1024))
release=$FLOWFORGE_SOURCE/build
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

total=0
for file in bin/flowforge lib/flowforge/flowforge-supervisor \
    lib/flowforge/store-sqlite.so lib/flowforge/store-memory.so \
    lib/flowforge/queue-memory.so lib/flowforge/runtime-local.so; do
    if [ ! -e "$release/$file" ]; then
        echo "not built: $file"
        continue
    fi
    strip -o "$tmp/stripped" "$release/$file"
    size=$(stat -c %s "$tmp/stripped")
    echo "$size $file"
    total=$((total + size))
done
echo "$total bytes of $limit"
[ "$total" -le "$limit" ]
