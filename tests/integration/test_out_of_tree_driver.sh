#!/bin/sh
# A driver is written outside this tree, against what `make install` puts there: by CMake,
# by pkg-config, in C and in C++, and after the installed tree was moved.
# ctest: timeout=300
set -eu
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
show=$FLOWFORGE_BUILD/tests/driver-show
template=$FLOWFORGE_SOURCE/sdk/driver/templates/auth

fail() {
    echo "test_out_of_tree_driver: $*" >&2
    exit 1
}

# same WHAT WANTED GOT
same() {
    [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

cmake --install "$FLOWFORGE_BUILD" --component sdk --prefix "$work/made" >"$work/log" ||
    fail "$(cat "$work/log")"
# What is installed may be moved: nothing in it knows where it was made.
mv "$work/made" "$work/ff"
if grep -rq "$work/made" "$work/ff"; then
    fail "installed files name the place of their making"
fi

# Each alone, included as a driver does it, by whichever C++ compiler is there.
for header in "$work"/ff/include/flowforge/*.h; do
    echo "#include <flowforge/${header##*/}>" >"$work/alone.c"
    cc -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only \
        -I"$work/ff/include" "$work/alone.c" || fail "$header does not compile alone"
    if command -v c++ >/dev/null; then
        c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only -I"$work/ff/include" \
            -x c++ "$work/alone.c" || fail "$header is no C++"
    fi
done

# By CMake, from the template as a third party has it.
cp -r "$template" "$work/mine"
for step in "-S $work/mine -B $work/build -DCMAKE_PREFIX_PATH=$work/ff" \
    "--build $work/build" "--install $work/build"; do
    # shellcheck disable=SC2086  # words again
    cmake $step >"$work/log" 2>&1 || fail "cmake $step: $(cat "$work/log")"
done
so=$work/ff/lib/flowforge/auth-sample.so
[ -f "$so" ] || fail "the driver was not installed where FlowForge looks"
same "exported symbols" "ff_driver_entry" \
    "$(nm -D --defined-only "$so" | sed 's/.* //')"
same "what the driver says" "auth sample 1.0.0" "$("$show" "$so" | head -n 1)"

# The command line tells its secrets from its other options, and shows none.
"$FLOWFORGE_BIN/flowforge" driver show "$so" >"$work/log" || fail "$(cat "$work/log")"
grep -q '^token .*text, secret ' "$work/log" || fail "no secret: $(cat "$work/log")"
"$FLOWFORGE_BIN/flowforge" --set "engine.driver_dir=${so%/*}" \
    --set auth-sample.token=a-secret-of-ours config show --sources >"$work/log" ||
    fail "$(cat "$work/log")"
grep -q '^auth-sample.token .*\*\*\*' "$work/log" || fail "$(cat "$work/log")"
if grep -q a-secret-of-ours "$work/log"; then
    fail "the secret is shown: $(cat "$work/log")"
fi

# By pkg-config and the bare compiler.
PKG_CONFIG_PATH=$work/ff/share/pkgconfig
export PKG_CONFIG_PATH
cflags=$(pkg-config --cflags flowforge-driver)
dir=$(pkg-config --variable=driverdir flowforge-driver)
map=$(pkg-config --variable=drivermap flowforge-driver)
[ -f "$map" ] || fail "pkg-config's drivermap is not there: $map"
mkdir -p "$dir"
# shellcheck disable=SC2086  # flags are words
cc -std=gnu11 -fPIC -shared $cflags -DDRIVER_VERSION='"2.0"' \
    -Wl,-z,defs -Wl,--version-script="$map" \
    -o "$dir/auth-bare.so" "$template/auth_sample.c"
same "the bare compiler's driver" "auth sample 2.0" \
    "$("$show" "$(realpath "$dir/auth-bare.so")" | head -n 1)"

# What is missing shows when the driver is linked, and odd names when it is configured.
echo 'int nowhere(void); int also_here(void); int also_here(void) { return nowhere(); }' \
    >"$work/mine/broken.c"
sed 's/auth_sample.c/auth_sample.c broken.c/' "$template/CMakeLists.txt" \
    >"$work/mine/CMakeLists.txt"
if cmake --build "$work/build" >"$work/log" 2>&1; then
    fail "a driver with an undefined symbol was linked"
fi
grep -q nowhere "$work/log" || fail "the undefined symbol is not named"
sed 's/auth-sample/myauth/g' "$template/CMakeLists.txt" >"$work/mine/CMakeLists.txt"
if cmake "$work/build" >"$work/log" 2>&1; then
    fail "a driver without a kind in its name was taken"
fi
grep -q "a driver's name is its kind" "$work/log" || fail "$(cat "$work/log")"

# The tool that this test judges by can say no as well.
chmod o+w "$so"
if "$show" "$so" 2>"$work/log"; then
    fail "a driver that anybody can write was loaded"
fi
grep -q "can be written by others" "$work/log" || fail "$(cat "$work/log")"
