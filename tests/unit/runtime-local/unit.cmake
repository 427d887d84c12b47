# The journal of the supervisor, and what hides secrets, are tested without a supervisor.
set(supervisor ${CMAKE_SOURCE_DIR}/plugins/runtime-local/supervisor)
set(UNIT_SOURCES ${supervisor}/journal.c ${supervisor}/journal_read.c
  ${supervisor}/flusher.c ${supervisor}/outcome.c ${supervisor}/mask.c)
