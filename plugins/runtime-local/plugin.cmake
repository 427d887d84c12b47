# What the driver and its supervisor share.
set(SUPERVISOR_SOURCES ${dir}/wire.c ${dir}/names.c
  ${CMAKE_SOURCE_DIR}/core/base/failpoint.c)
set(SUPERVISOR_LIBS Threads::Threads)
