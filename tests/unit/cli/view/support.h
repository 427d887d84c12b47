/* support.h - what the tests of the command line share. */
#ifndef TEST_CLI_SUPPORT_H
#define TEST_CLI_SUPPORT_H

#include "cli/frame/frame.h"
#include "cli/view/track.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A run of a workflow whose tasks are given as YAML, and one event of it. */
struct track *track_of(const char *tasks);
struct track_event tell(struct track *t, int64_t at_us, const char *event);

#endif
