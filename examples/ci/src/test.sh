#!/bin/sh
# test.sh CASE: one test of ./words.
set -eu

case $1 in
empty) text='' want='0 words' ;;
'one line') text='one two three' want='3 words' ;;
'many lines')
    text='one

 two	three
four '
    want='4 words'
    ;;
*) echo "no test is called $1" >&2 && exit 2 ;;
esac
got=$(printf '%s' "$text" | ./words)
[ "$got" = "$want" ] || { echo "$1: got \"$got\", not \"$want\"" >&2 && exit 1; }
