# With the server and the client of core/http's tests.
set(api_helpers ${CMAKE_CURRENT_SOURCE_DIR}/unit/http)
add_library(api_test INTERFACE)
target_include_directories(api_test INTERFACE ${api_helpers})
set(UNIT_LIBS api_test)
set(UNIT_SOURCES ${api_helpers}/support.c)
