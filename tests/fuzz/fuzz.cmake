# Fuzz targets: fuzz_X.c becomes fuzz-X. In the flavour "fuzz" (clang) it is libFuzzer's
# program, and in "fuzz-fast" too; in the others replay.c runs it on what corpus/X keeps,
# as the test fuzz.X.
#
# fuzz_libs_X, fuzz_sources_X and fuzz_dirs_X, below, say what a target needs beyond
# ff_base.

set(fuzz_dir ${CMAKE_CURRENT_LIST_DIR})
set(local ${CMAKE_SOURCE_DIR}/plugins/runtime-local)
set(jwt ${CMAKE_SOURCE_DIR}/plugins/auth-jwt)
set(s3 ${CMAKE_SOURCE_DIR}/plugins/blob-s3)

set(fuzz_libs_calendar ff_calendar)
set(fuzz_libs_workflow ff_flow)
set(fuzz_libs_format ff_author)
set(fuzz_libs_import ff_import ff_source)
set(fuzz_libs_expression ff_expr)
set(fuzz_libs_template ff_expr)
set(fuzz_libs_regex ff_expr)
set(fuzz_libs_config ff_config)
set(fuzz_libs_archive ff_blob)
set(fuzz_libs_lint ff_author)
set(fuzz_libs_inputs ff_flow)
set(fuzz_libs_mocks ff_simulate)
set(fuzz_libs_secret ff_secret)
set(fuzz_libs_fetch ff_fetch)
set(fuzz_libs_http2 ff_http)
set(fuzz_libs_http_request ff_http)
set(fuzz_libs_websocket ff_http)
set(fuzz_libs_http_response ff_api)
set(fuzz_libs_task_api ff_api)
set(fuzz_libs_row ff_model)
set(fuzz_libs_history ff_cli)
set(fuzz_libs_key ff_exec)
set(fuzz_libs_log ff_cli)
set(fuzz_libs_spool ff_cli)
foreach(target runtime supervisor journal mask)
  set(fuzz_dirs_${target} ${local} ${local}/supervisor)
endforeach()
set(fuzz_sources_runtime ${local}/calls.c ${local}/wire.c)
set(fuzz_sources_supervisor ${local}/supervisor/requests.c ${local}/supervisor/table.c
  ${local}/supervisor/outcome.c ${local}/wire.c ${local}/names.c)
set(fuzz_sources_journal ${local}/supervisor/journal.c
  ${local}/supervisor/journal_read.c ${local}/supervisor/flusher.c
  ${local}/supervisor/outcome.c ${local}/wire.c)
set(fuzz_libs_mask ff_exec)
set(fuzz_sources_mask ${local}/supervisor/mask.c)
set(fuzz_libs_jwt ff::jwt ff::jansson ff::crypto ff::curl m)
set(fuzz_sources_jwt ${jwt}/algorithm.c ${jwt}/base64url.c ${jwt}/claims.c ${jwt}/file.c
  ${jwt}/jwk.c ${jwt}/jwks.c ${jwt}/keys.c ${jwt}/pem.c ${jwt}/secret.c
  ${jwt}/signature.c ${jwt}/token.c)
set(fuzz_dirs_jwt ${jwt})
set(fuzz_libs_s3 ff::curl ff::expat ff::md)
set(fuzz_sources_s3 ${s3}/credentials.c ${s3}/error.c ${s3}/names.c ${s3}/text.c
  ${s3}/xml.c)
set(fuzz_dirs_s3 ${s3})

add_custom_target(fuzzers)

function(ff_fuzz_target file)
  cmake_path(GET file STEM stem)
  string(REGEX REPLACE "^fuzz_" "" target ${stem})
  set(name fuzz-${target})
  set(driver ${fuzz_dir}/replay.c)
  if(FLOWFORGE_FLAVOUR MATCHES "^fuzz")
    set(driver)
  endif()
  add_executable(${name} ${file} ${fuzz_dir}/fuzz_dir.c ${driver}
    ${fuzz_sources_${target}})
  target_link_libraries(${name} PRIVATE ff_flags ff_relaxed ${fuzz_libs_${target}}
    ff_base Threads::Threads)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/core
    ${CMAKE_SOURCE_DIR}/sdk/driver/include)
  if(fuzz_sources_${target})
    target_include_directories(${name} PRIVATE ${fuzz_dirs_${target}})
  endif()
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(fuzzers ${name})
  if(FLOWFORGE_FLAVOUR MATCHES "^fuzz")
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    ff_add_test(fuzz.${target} fuzz ${name} ${fuzz_dir}/corpus/${target})
  endif()
endfunction()

file(GLOB fuzz_files CONFIGURE_DEPENDS ${fuzz_dir}/fuzz_*.c)
list(FILTER fuzz_files EXCLUDE REGEX "/fuzz_dir\\.c$")
foreach(file ${fuzz_files})
  ff_fuzz_target(${file})
endforeach()
