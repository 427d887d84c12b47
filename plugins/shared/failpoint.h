/* plugins/shared/failpoint.h - the failpoints of core/base/failpoint.h for drivers and
 * the supervisor, which include nothing of the core: they compile core/base/failpoint.c
 * into themselves. */
#ifndef PLUGINS_SHARED_FAILPOINT_H
#define PLUGINS_SHARED_FAILPOINT_H

#include <stdbool.h>

bool failpoint_pass(const char *name);

#ifdef FF_FAILPOINTS
#define FAILPOINT(name)       ((void)failpoint_pass("failpoint:" name))
#define FAILPOINT_FAILS(name) failpoint_pass("failpoint:" name)
#else
#define FAILPOINT(name)       ((void)0)
#define FAILPOINT_FAILS(name) false
#endif

#endif
