#!/bin/sh
# What users install is position independent, has its relocations read-only and no
# executable stack; a driver exports its entry and nothing else. Looks at the release
# flavour, which alone is hardened.
set -eu
release=$FLOWFORGE_SOURCE/build
status=0

wrong() {
    echo "$1"
    status=1
}

for file in "$release"/bin/* "$release"/lib/flowforge/*; do
    [ -f "$file" ] || continue
    parts=$(readelf -W -h -l -d "$file")
    case $parts in *"DYN ("*) ;; *) wrong "$file: not position independent" ;; esac
    case $parts in *GNU_RELRO*) ;; *) wrong "$file: no relro" ;; esac
    case $parts in *BIND_NOW*) ;; *) wrong "$file: binds lazily" ;; esac
    case $parts in *"GNU_STACK "*" RWE "*) wrong "$file: executable stack" ;; esac
    case $parts in *"(RPATH)"* | *"(RUNPATH)"*) wrong "$file: has a run path" ;; esac
    case $file in
    *.so)
        exports=$(nm -D --defined-only "$file" | awk '{ print $3 }')
        [ "$exports" = ff_driver_entry ] || wrong "$file: exports $exports"
        ;;
    esac
done
exit $status
