#!/bin/sh
# No source file is longer than 800 lines.
set -eu
cd "$FLOWFORGE_SOURCE"

long=$(find core plugins cmd sdk tests bench scripts cmake ui \
    -type d \( -name node_modules -o -name dist \) -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.py' -o -name '*.ts' -o -name '*.tsx' -o -name '*.sh' \
    -o -name '*.cmake' -o -path 'scripts/*' \) -exec wc -l {} + 2>/dev/null |
    awk '$2 != "total" && $1 > 800 { print $2 " has " $1 " lines" }')
[ -z "$long" ] || {
    echo "$long"
    exit 1
}
