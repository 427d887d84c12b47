# Libraries of the system, as targets. Add a line here to offer one to a room's or a
# plugin's list; scripts/setup names the Debian package that brings it.

# ff_package(TARGET MODULE): the pkg-config module MODULE becomes the target ff::TARGET.
function(ff_package target module)
  pkg_check_modules(FF_PKG_${target} REQUIRED QUIET IMPORTED_TARGET GLOBAL ${module})
  add_library(ff::${target} ALIAS PkgConfig::FF_PKG_${target})
endfunction()

ff_package(md libmd)
ff_package(jansson jansson)
ff_package(yaml yaml-0.1)
ff_package(event libevent_core)
ff_package(sqlite sqlite3)
ff_package(jwt libjwt)
ff_package(crypto libcrypto)
ff_package(lmdb lmdb)
ff_package(curl libcurl)
ff_package(expat expat)
ff_package(pq libpq)
ff_package(hiredis hiredis)
ff_package(ssl libssl)
ff_package(nghttp2 libnghttp2)

# Debian ships llhttp as generated C sources and no library.
find_path(FF_LLHTTP_SOURCES llhttp.c PATHS /usr/share/llhttp REQUIRED NO_CACHE)
find_path(FF_LLHTTP_INCLUDE llhttp/llhttp.h PATHS /usr/share/include REQUIRED NO_CACHE)
add_library(llhttp STATIC ${FF_LLHTTP_SOURCES}/llhttp.c ${FF_LLHTTP_SOURCES}/api.c
  ${FF_LLHTTP_SOURCES}/http.c)
target_compile_options(llhttp PRIVATE -w -O2)
# Else it takes any two bytes for the CRLF after a chunk.
target_compile_definitions(llhttp PRIVATE LLHTTP_STRICT_MODE=1)
target_include_directories(llhttp SYSTEM
  PUBLIC ${FF_LLHTTP_INCLUDE} ${FF_LLHTTP_INCLUDE}/llhttp)
add_library(ff::llhttp ALIAS llhttp)

# Debian's wslay says nothing to pkg-config.
find_library(FF_WSLAY wslay REQUIRED NO_CACHE)
add_library(ff::wslay INTERFACE IMPORTED GLOBAL)
target_link_libraries(ff::wslay INTERFACE ${FF_WSLAY})
