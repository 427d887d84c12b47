/* base/failpoint.h - named places where a test build can be made to die, stop, wait or
 * fail; in a release build they are nothing, and their names are not in the program.
 *
 *   FF_FAILPOINT=NAME:ACTION[:PASS][,...]
 *   ACTION  kill (SIGKILL), exit (status 99), stop (SIGSTOP), delay=MILLISECONDS, or
 *           error (only where a FAILPOINT_FAILS stands)
 *   PASS    the one that is struck: 1 (unless said), 2, ...; 0 is each of them
 *   FF_FAILPOINT_TRACE=FILE   each pass adds a line "NAME", a strike "NAME ACTION"
 *   FF_FAILPOINT_HIT=FILE     made by the first strike; where it is, none follows
 *
 * Which there are: strings PROGRAM | grep '^failpoint:'. Drivers and the supervisor
 * have the same by plugins/shared/failpoint.h. */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>

/* Use the macros. True: fail here. */
bool failpoint_pass(const char *name);

#ifdef FF_FAILPOINTS
#define FAILPOINT(name)       ((void)failpoint_pass("failpoint:" name))
#define FAILPOINT_FAILS(name) failpoint_pass("failpoint:" name)
#else
#define FAILPOINT(name)       ((void)0)
#define FAILPOINT_FAILS(name) false
#endif

#endif
