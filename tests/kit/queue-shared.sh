#!/bin/sh
# The checks of queues between processes pass where there is one: none is skipped.
report=$("$FLOWFORGE_BIN/flowforge" driver check \
    "$FLOWFORGE_BUILD/tests/kit/queue-shared.so" -o "dir={dir}")
status=$?
echo "$report"
case $report in
*" 0 skipped") exit $status ;;
*) exit 1 ;;
esac
