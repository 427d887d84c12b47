#!/bin/sh
# stores.sh FF-SIM: a seed gives the same trace over the model of a store and over SQLite,
# each held against the other row by row.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

"$1" --seeds 20 --from 2000 --jobs 2 --hashes --store model | sort >"$here/model"
"$1" --seeds 20 --from 2000 --jobs 2 --hashes --store sqlite | sort >"$here/sqlite"
[ "$(wc -l <"$here/model")" -eq 20 ]
diff "$here/model" "$here/sqlite"
