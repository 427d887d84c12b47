#!/bin/sh
# same.sh FF-SIM [OTHER-FF-SIM]: the same seed gives the same trace, whatever the memory
# looks like, and whichever compiler built the other one.
set -eu
one=$1
other=${2:-$1}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

"$one" --seeds 20 --from 1000 --jobs 1 --hashes >"$here/one"
MALLOC_PERTURB_=165 "$other" --seeds 20 --from 1000 --jobs 1 --hashes >"$here/other"
diff "$here/one" "$here/other"
