# Compiler and linker flags: what every file gets, and what each flavour adds.
# -> ff_flags (all of our C), ff_relaxed (tests and benchmarks, on top of it).
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(FLOWFORGE_FLAVOUR release CACHE STRING
  "release, asan, tsan, coverage, fuzz, fuzz-fast or plain")
set_property(CACHE FLOWFORGE_FLAVOUR PROPERTY STRINGS release asan tsan coverage fuzz fuzz-fast
  plain)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)

add_library(ff_flags INTERFACE)
target_compile_definitions(ff_flags INTERFACE _GNU_SOURCE
  FLOWFORGE_VERSION="${PROJECT_VERSION}")
target_compile_options(ff_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
  -Wmissing-prototypes -Wvla -Werror -fno-common
  # One section for each function: the linker drops what is unused, and
  # scripts/check-pure follows single functions.
  -ffunction-sections -fdata-sections)
target_link_options(ff_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

add_library(ff_relaxed INTERFACE)
target_compile_options(ff_relaxed INTERFACE -Wno-conversion -Wno-sign-conversion)

# ff_add_flags(FLAG...): those that this compiler knows on this processor.
function(ff_add_flags)
  foreach(flag ${ARGV})
    string(MAKE_C_IDENTIFIER "FF_HAS${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
      target_compile_options(ff_flags INTERFACE ${flag})
    endif()
  endforeach()
endfunction()

if(FLOWFORGE_FLAVOUR STREQUAL "release")
  target_compile_options(ff_flags INTERFACE -O2 -g1)
  ff_add_flags(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
  # glibc warns, and -Werror stops, where the compiler cannot do level 3.
  set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
  check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }"
    FF_HAS_FORTIFY_3)
  unset(CMAKE_REQUIRED_FLAGS)
  set(FF_FORTIFY 2)
  if(FF_HAS_FORTIFY_3)
    set(FF_FORTIFY 3)
  endif()
  target_compile_options(ff_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${FF_FORTIFY})
  target_link_options(ff_flags INTERFACE -Wl,--gc-sections)
  # The addresses in our tables cost 24 bytes each to relocate, or a bit of one: 8 % of
  # the program. The C library must know it too: since glibc 2.36.
  check_linker_flag(C -Wl,-z,pack-relative-relocs FF_HAS_RELR)
  if(FF_HAS_RELR)
    target_link_options(ff_flags INTERFACE -Wl,-z,pack-relative-relocs)
  endif()
elseif(FLOWFORGE_FLAVOUR STREQUAL "asan")
  set(FF_SANITIZE -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(FLOWFORGE_FLAVOUR STREQUAL "tsan")
  set(FF_SANITIZE -fsanitize=thread)
elseif(FLOWFORGE_FLAVOUR MATCHES "^fuzz")
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "libFuzzer is clang's: cmake --preset fuzz")
  endif()
  set(FF_SANITIZE -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
  if(FLOWFORGE_FLAVOUR STREQUAL "fuzz-fast") # many times as fast, for long campaigns
    set(FF_SANITIZE -fsanitize=undefined,fuzzer-no-link -fno-sanitize-recover=all -O2
      -fno-sanitize-coverage=trace-cmp)
  endif()
elseif(FLOWFORGE_FLAVOUR STREQUAL "coverage")
  target_compile_options(ff_flags INTERFACE -O0 -g --coverage)
  target_link_options(ff_flags INTERFACE --coverage)
elseif(NOT FLOWFORGE_FLAVOUR STREQUAL "plain") # CMAKE_C_FLAGS says all
  message(FATAL_ERROR "FLOWFORGE_FLAVOUR is ${FLOWFORGE_FLAVOUR}: no such flavour")
endif()

if(FF_SANITIZE)
  target_compile_options(ff_flags INTERFACE -O1 -g -fno-omit-frame-pointer ${FF_SANITIZE})
  target_link_options(ff_flags INTERFACE ${FF_SANITIZE})
endif()
if(NOT FLOWFORGE_FLAVOUR STREQUAL "release")
  target_compile_definitions(ff_flags INTERFACE FF_FAILPOINTS)
endif()

# -pie, which POSITION_INDEPENDENT_CODE alone does not pass to the linker.
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
